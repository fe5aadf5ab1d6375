import { Check, ChevronsUpDown } from 'lucide-react';
import type { ReactNode } from 'react';
import {
  Select as AriaSelect,
  Button,
  FieldError,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  SelectValue,
  Text,
} from 'react-aria-components';
import { cx } from './cx.ts';
import fieldStyles from './field.module.css';
import styles from './menu.module.css';

export interface Option<V extends string> {
  readonly value: V;
  readonly label: string;
  readonly hint?: string;
}

interface SelectProps<V extends string> {
  readonly label: string;
  readonly hidesLabel?: boolean;
  readonly options: readonly Option<V>[];
  readonly value: V | null;
  readonly onChange: (value: V) => void;
  readonly placeholder?: string;
  readonly hint?: ReactNode;
  readonly error?: string | null;
  readonly isDisabled?: boolean;
  readonly className?: string;
}

export function Select<V extends string>(props: SelectProps<V>) {
  const { label, hidesLabel, options, value, onChange, placeholder, hint, error, isDisabled, className } =
    props;
  return (
    <AriaSelect
      aria-label={hidesLabel ? label : undefined}
      value={value}
      onChange={(key) => key !== null && onChange(key as V)}
      placeholder={placeholder}
      isDisabled={isDisabled}
      isInvalid={Boolean(error)}
      className={cx(fieldStyles.field, className)}
    >
      {!hidesLabel && <Label className={fieldStyles.label}>{label}</Label>}
      <Button className={styles.selectButton}>
        <SelectValue className={styles.selectValue}>
          {({ isPlaceholder, selectedText, defaultChildren }) =>
            isPlaceholder ? defaultChildren : selectedText
          }
        </SelectValue>
        <ChevronsUpDown aria-hidden size={14} />
      </Button>
      {hint && (
        <Text slot="description" className={fieldStyles.hint}>
          {hint}
        </Text>
      )}
      <FieldError className={fieldStyles.error}>{error ?? undefined}</FieldError>
      <Popover className={styles.popover} offset={4}>
        <ListBox items={options.map((option) => ({ ...option, id: option.value }))} className={styles.list}>
          {(option) => (
            <ListBoxItem id={option.value} textValue={option.label} className={styles.item}>
              {({ isSelected }) => (
                <>
                  <span className={styles.itemText}>
                    {option.label}
                    {option.hint && <span className={styles.itemHint}>{option.hint}</span>}
                  </span>
                  {isSelected && <Check aria-hidden size={15} />}
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}
