import { ChevronsUpDown } from 'lucide-react';
import type { ReactNode } from 'react';
import {
  ComboBox as AriaComboBox,
  Button,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Text,
} from 'react-aria-components';
import styles from './combo-box.module.css';
import { cx } from './cx.ts';
import fieldStyles from './field.module.css';
import menuStyles from './menu.module.css';

export interface Suggestion {
  readonly value: string;
  readonly hint?: string;
  readonly image?: ReactNode;
}

interface ComboBoxProps {
  readonly label: string;
  readonly hidesLabel?: boolean;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly suggestions: readonly Suggestion[];
  readonly placeholder?: string;
  readonly hint?: ReactNode;
  readonly error?: string | null;
  readonly autoFocus?: boolean;
  readonly className?: string;
}

export function ComboBox(props: ComboBoxProps) {
  const { label, hidesLabel, value, onChange, suggestions, placeholder, hint, error, autoFocus, className } =
    props;
  return (
    <AriaComboBox
      aria-label={hidesLabel ? label : undefined}
      inputValue={value}
      onInputChange={onChange}
      items={suggestions.map((suggestion) => ({ ...suggestion, id: suggestion.value }))}
      allowsCustomValue
      isInvalid={Boolean(error)}
      className={cx(fieldStyles.field, className)}
    >
      {!hidesLabel && <Label className={fieldStyles.label}>{label}</Label>}
      <div className={styles.row}>
        <Input
          className={cx(fieldStyles.input, styles.input)}
          placeholder={placeholder}
          autoFocus={autoFocus}
          autoComplete="off"
          spellCheck="false"
        />
        <Button className={styles.open}>
          <ChevronsUpDown aria-hidden size={14} />
        </Button>
      </div>
      {hint && (
        <Text slot="description" className={fieldStyles.hint}>
          {hint}
        </Text>
      )}
      <FieldError className={fieldStyles.error}>{error ?? undefined}</FieldError>
      <Popover className={menuStyles.popover} offset={4}>
        <ListBox<Suggestion & { id: string }> className={menuStyles.list}>
          {(suggestion) => (
            <ListBoxItem id={suggestion.value} textValue={suggestion.value} className={menuStyles.item}>
              {suggestion.image}
              <span className={menuStyles.itemText}>
                {suggestion.value}
                {suggestion.hint && <span className={menuStyles.itemHint}>{suggestion.hint}</span>}
              </span>
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaComboBox>
  );
}
