import { X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Dialog as AriaDialog, Form, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from './button.tsx';
import { cx } from './cx.ts';
import styles from './dialog.module.css';
import { TextField } from './field.tsx';
import { ErrorNote } from './states.tsx';

interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
  readonly size?: 'sm' | 'md' | 'lg';
  readonly kind?: 'dialog' | 'drawer';
  readonly role?: 'dialog' | 'alertdialog';
  /** False: only a button closes it, so that a shown secret is not lost. */
  readonly isDismissable?: boolean;
}

export function Dialog(props: DialogProps) {
  const {
    title,
    isOpen,
    onClose,
    children,
    footer,
    size = 'md',
    kind = 'dialog',
    role,
    isDismissable = true,
  } = props;
  const { t } = useTranslation();
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={isDismissable}
      isKeyboardDismissDisabled={!isDismissable}
      className={cx(styles.overlay, kind === 'drawer' && styles.side)}
    >
      <Modal className={cx(styles.modal, styles[size], kind === 'drawer' && styles.drawer)}>
        <AriaDialog role={role} className={styles.dialog}>
          <header className={styles.header}>
            <Heading slot="title" level={2} className={styles.title}>
              {title}
            </Heading>
            {isDismissable && <IconButton icon={X} label={t('action.close')} size="sm" onPress={onClose} />}
          </header>
          <div className={styles.body}>{children}</div>
          {footer && <footer className={styles.footer}>{footer}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface FormDialogProps extends Omit<DialogProps, 'footer' | 'role'> {
  readonly action: string;
  readonly isDanger?: boolean;
  readonly isDisabled?: boolean;
  readonly isPending?: boolean;
  readonly error?: unknown;
  readonly onSubmit: () => void;
}

export function FormDialog(props: FormDialogProps) {
  const { action, isDanger, isDisabled, isPending, error, onSubmit, children, ...dialog } = props;
  const { t } = useTranslation();
  return (
    <Dialog {...dialog}>
      <Form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isDisabled && !isPending) onSubmit();
        }}
      >
        {children}
        {error ? <ErrorNote error={error} /> : null}
        <footer className={styles.footer}>
          <Button onPress={dialog.onClose}>{t('action.cancel')}</Button>
          <Button
            type="submit"
            variant={isDanger ? 'danger' : 'primary'}
            isDisabled={isDisabled}
            isPending={isPending}
          >
            {action}
          </Button>
        </footer>
      </Form>
    </Dialog>
  );
}

interface ConfirmByTypingProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly word: string;
  readonly action: string;
  readonly isPending?: boolean;
  readonly error?: unknown;
  readonly onConfirm: () => void;
}

export function ConfirmByTyping({ word, children, onConfirm, ...props }: ConfirmByTypingProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const close = () => {
    setTyped('');
    props.onClose();
  };
  return (
    <FormDialog
      {...props}
      onClose={close}
      isDanger
      isDisabled={typed !== word}
      onSubmit={onConfirm}
      size="sm"
    >
      <div className={styles.text}>{children}</div>
      <TextField
        label={t('confirm.type', { word })}
        value={typed}
        onChange={setTyped}
        isCode
        autoFocus
        autoComplete="off"
        spellCheck="false"
      />
    </FormDialog>
  );
}
