import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCollection } from '../../api/collection.tsx';
import { FormDialog } from '../../ui/dialog.tsx';
import { FaceThumb } from '../../ui/face-image.tsx';
import { ImageDrop } from '../../ui/image-drop.tsx';
import { Select } from '../../ui/select.tsx';
import { Note } from '../../ui/states.tsx';
import type { FaceEvent } from './event.ts';
import { cropOf } from './event-calls.ts';
import { useRefusalText } from './event-words.ts';
import { cropFile, type EnrolAnswer, enrolFace } from './face-calls.ts';
import styles from './live.module.css';
import { isValidName, PersonField } from './person-dialogs.tsx';

interface EnrolDialogProps {
  readonly event: FaceEvent;
  readonly onClose: () => void;
  readonly onEnrolled: (answer: EnrolAnswer, collectionId: string) => void;
}

function useObjectUrl(file: File | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!file) return setUrl(null);
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}

export function EnrolDialog({ event, onClose, onEnrolled }: EnrolDialogProps) {
  const { t } = useTranslation('live');
  const { collections, collection } = useCollection();
  const queryClient = useQueryClient();
  const refusalText = useRefusalText();
  const [name, setName] = useState(event.externalKey ?? '');
  const [file, setFile] = useState<File | null>(null);
  const [target, setTarget] = useState(event.collectionId ?? collection?.collectionId ?? null);
  const url = useObjectUrl(file);
  // A refused image would be refused again.
  const hasCrop = event.hasCrop && event.result !== 'refused';
  const enrolment = useMutation({
    mutationFn: async () => {
      const image = file ?? (await cropFile(event));
      return enrolFace({ collectionId: target ?? '', externalKey: name, image, source: event.source });
    },
    onSuccess(answer) {
      if (answer.faceId === null) return;
      void queryClient.invalidateQueries({ queryKey: ['people', target] });
      onEnrolled(answer, target ?? '');
    },
  });
  const { data: answer, error, isPending, mutate, reset } = enrolment;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another image makes the last answer void.
  useEffect(() => reset(), [file, name, target]);
  const hasImage = file !== null || hasCrop;
  return (
    <FormDialog
      title={t('enrol.title')}
      isOpen
      onClose={onClose}
      action={t('enrol.action')}
      isDisabled={!hasImage || target === null || !isValidName(name)}
      isPending={isPending}
      error={error}
      onSubmit={() => mutate()}
    >
      {hasImage && (
        <div className={styles.dialogFace}>
          <FaceThumb src={url ?? cropOf(event)} alt={t('enrol.image')} size={96} />
          <p className={styles.dialogText}>{file ? file.name : t('enrol.crop')}</p>
        </div>
      )}
      <ImageDrop
        label={t(hasImage ? 'enrol.other' : 'enrol.choose')}
        hint={hasImage ? undefined : t('enrol.noCrop')}
        isSingle
        isCompact
        onFiles={(files) => setFile(files[0]?.file ?? null)}
      />
      <PersonField label={t('enrol.person')} collectionId={target} value={name} onChange={setName} />
      {event.collectionId === null && (
        <Select
          label={t('details.collection')}
          options={collections.map(({ collectionId }) => ({ value: collectionId, label: collectionId }))}
          value={target}
          onChange={setTarget}
        />
      )}
      {answer && answer.faceId === null && (
        <div role="alert">
          <Note tone="bad" title={t('enrol.refused')}>
            {answer.refusal
              ? `${refusalText(answer.refusal.code)} ${answer.refusal.detail}`
              : t('enrol.noFace')}
          </Note>
        </div>
      )}
    </FormDialog>
  );
}
