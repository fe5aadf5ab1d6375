import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePersonExists } from '../../api/person-exists.ts';
import { useFormat } from '../../i18n/format.ts';
import { FormDialog } from '../../ui/dialog.tsx';
import { Note } from '../../ui/states.tsx';
import { toast } from '../../ui/toast.tsx';
import { problemOfName } from './names.ts';
import { hide, invalidate, mergePeople } from './people-data.ts';
import { PersonPicker } from './person-picker.tsx';

interface MergeDialogProps {
  readonly collectionId: string;
  readonly isOpen: boolean;
  readonly externalKeys: readonly string[];
  readonly onClose: () => void;
  readonly onMerge?: (target: string) => void;
}

export function MergeDialog({ collectionId, isOpen, externalKeys, onClose, onMerge }: MergeDialogProps) {
  const { t } = useTranslation('people');
  const format = useFormat();
  const [target, setTarget] = useState('');
  const isSingle = externalKeys.length === 1;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new dialog proposes anew.
  useEffect(() => {
    if (isOpen) setTarget(isSingle ? '' : (externalKeys[0] ?? ''));
  }, [isOpen]);
  const merged = externalKeys.filter((key) => key !== target);
  const isOwn = externalKeys.includes(target);
  const isValid = problemOfName(target) === null;
  const exists = usePersonExists(collectionId, isOpen && isValid && !isOwn ? target : '');
  const isNew = !isOwn && isValid && exists === false;
  const submit = () => {
    const show = hide(collectionId, merged);
    onClose();
    onMerge?.(target);
    toast.undoable({
      text: t('merge.done', { count: merged.length, number: format.number(merged.length), name: target }),
      undo: show,
      commit: () =>
        void mergePeople(collectionId, merged, target)
          .catch((error: Error) => toast.failed(t('merge.failed', { reason: error.message })))
          .finally(() => {
            show();
            invalidate(collectionId);
          }),
    });
  };
  return (
    <FormDialog
      title={
        isSingle
          ? t('merge.titleOne', { name: externalKeys[0] })
          : t('merge.title', { count: externalKeys.length, number: format.number(externalKeys.length) })
      }
      isOpen={isOpen}
      onClose={onClose}
      action={t(isNew && !isSingle ? 'merge.submitNew' : 'merge.submit')}
      isDisabled={!isValid || merged.length === 0 || (!isOwn && exists === undefined) || (isNew && isSingle)}
      onSubmit={submit}
    >
      <PersonPicker
        label={t('merge.into')}
        collectionId={collectionId}
        value={target}
        onChange={setTarget}
        except={isSingle ? externalKeys[0] : undefined}
        hint={t(isSingle ? 'merge.hintOne' : 'merge.hint')}
      />
      {isNew && <Note tone="warn">{t(isSingle ? 'merge.missing' : 'merge.becomes', { name: target })}</Note>}
    </FormDialog>
  );
}
