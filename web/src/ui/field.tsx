import { Search, X } from 'lucide-react';
import type { ReactNode, Ref } from 'react';
import {
  Checkbox as AriaCheckbox,
  Input as AriaInput,
  SearchField as AriaSearchField,
  Switch as AriaSwitch,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
  Button,
  type CheckboxProps,
  FieldError,
  Label,
  type SwitchProps,
  Text,
  TextArea,
} from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { cx } from './cx.ts';
import styles from './field.module.css';

export interface TextFieldProps extends Omit<AriaTextFieldProps, 'className' | 'children'> {
  readonly label: string;
  readonly hidesLabel?: boolean;
  readonly hint?: ReactNode;
  readonly error?: string | null;
  readonly rows?: number;
  readonly placeholder?: string;
  readonly isCode?: boolean;
  readonly suffix?: ReactNode;
  readonly className?: string;
  readonly inputRef?: Ref<HTMLInputElement>;
}

export function TextField(props: TextFieldProps) {
  const {
    label,
    hidesLabel,
    hint,
    error,
    rows = 1,
    placeholder,
    isCode,
    suffix,
    className,
    inputRef,
    ...rest
  } = props;
  const input = cx(styles.input, isCode && styles.code);
  return (
    <AriaTextField
      aria-label={hidesLabel ? label : undefined}
      {...rest}
      isInvalid={Boolean(error) || rest.isInvalid}
      // The browser would not send a form again while a field keeps the service's error.
      validationBehavior={error ? 'aria' : rest.validationBehavior}
      className={cx(styles.field, className)}
    >
      {!hidesLabel && <Label className={styles.label}>{label}</Label>}
      <div className={styles.row}>
        {rows > 1 ? (
          <TextArea className={cx(input, styles.area)} rows={rows} placeholder={placeholder} />
        ) : (
          <AriaInput ref={inputRef} className={input} placeholder={placeholder} />
        )}
        {suffix && <span className={styles.suffix}>{suffix}</span>}
      </div>
      {hint && (
        <Text slot="description" className={styles.hint}>
          {hint}
        </Text>
      )}
      <FieldError className={styles.error}>{error ?? undefined}</FieldError>
    </AriaTextField>
  );
}

interface SearchFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly className?: string;
}

export function SearchField({ label, value, onChange, className }: SearchFieldProps) {
  const { t } = useTranslation();
  return (
    <AriaSearchField
      aria-label={label}
      value={value}
      onChange={onChange}
      className={cx(styles.search, className)}
    >
      <Search aria-hidden size={15} className={styles.searchIcon} />
      <AriaInput className={styles.input} placeholder={label} />
      {value !== '' && (
        <Button className={styles.clear} aria-label={t('action.clear')}>
          <X aria-hidden size={14} />
        </Button>
      )}
    </AriaSearchField>
  );
}

interface Described {
  readonly children: ReactNode;
  readonly hint?: ReactNode;
}

export function Checkbox({
  children,
  hint,
  ...props
}: Omit<CheckboxProps, 'children' | 'className'> & Described) {
  return (
    <AriaCheckbox {...props} className={styles.check}>
      {({ isIndeterminate }) => (
        <>
          <span className={styles.box} data-dash={isIndeterminate || undefined} aria-hidden />
          <span>
            {children}
            {hint && <span className={styles.checkHint}>{hint}</span>}
          </span>
        </>
      )}
    </AriaCheckbox>
  );
}

export function Switch({
  children,
  hint,
  ...props
}: Omit<SwitchProps, 'children' | 'className'> & Described) {
  return (
    <AriaSwitch {...props} className={styles.check}>
      <span className={styles.track} aria-hidden />
      <span>
        {children}
        {hint && <span className={styles.checkHint}>{hint}</span>}
      </span>
    </AriaSwitch>
  );
}
