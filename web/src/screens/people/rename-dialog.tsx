import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isCode } from '../../api/problem.ts';
import { FormDialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { Note } from '../../ui/states.tsx';
import { toast } from '../../ui/toast.tsx';
import { problemOfName } from './names.ts';
import { invalidate, renamePerson } from './people-data.ts';

interface RenameDialogProps {
  readonly collectionId: string;
  readonly externalKey: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onRename: (name: string) => void;
}

export function RenameDialog(props: RenameDialogProps) {
  const { collectionId, externalKey, isOpen, onClose, onRename } = props;
  const { t } = useTranslation('people');
  const [name, setName] = useState(externalKey);
  const [error, setError] = useState<unknown>(null);
  const [isPending, setIsPending] = useState(false);
  useEffect(() => {
    if (!isOpen) return;
    setName(externalKey);
    setError(null);
  }, [isOpen, externalKey]);
  const problem = name === '' ? null : problemOfName(name);
  const isTaken = isCode(error, 'EXTERNAL_KEY_CONFLICT');
  const submit = async () => {
    setIsPending(true);
    try {
      await renamePerson(collectionId, externalKey, name, isTaken);
      toast.done(t(isTaken ? 'rename.merged' : 'rename.done', { name }));
      onClose();
      onRename(name);
      invalidate(collectionId);
    } catch (cause) {
      setError(cause);
    } finally {
      setIsPending(false);
    }
  };
  return (
    <FormDialog
      title={t('rename.title', { name: externalKey })}
      isOpen={isOpen}
      onClose={onClose}
      action={t(isTaken ? 'merge.submit' : 'rename.action')}
      isDisabled={name === externalKey || name === '' || problem !== null}
      isPending={isPending}
      error={isTaken ? null : error}
      onSubmit={() => void submit()}
      size="sm"
    >
      <TextField
        label={t('rename.label')}
        value={name}
        onChange={(value) => {
          setName(value);
          setError(null);
        }}
        error={problem === null ? null : t(`name.problem.${problem}`)}
        hint={t('name.rule')}
        autoFocus
        autoComplete="off"
        spellCheck="false"
      />
      {isTaken && (
        <Note tone="warn" title={t('rename.taken', { name })}>
          {t('rename.takenText')}
        </Note>
      )}
    </FormDialog>
  );
}
