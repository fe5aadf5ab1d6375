import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { api, call } from '../../api/client.ts';
import { COLLECTIONS_KEY } from '../../api/collection.tsx';
import { setEventRecording, useEventRecording } from '../../api/event-recording.ts';
import { isCode } from '../../api/problem.ts';
import { queryClient } from '../../api/query-client.ts';
import { Button } from '../../ui/button.tsx';
import { Switch, TextField } from '../../ui/field.tsx';
import { ErrorNote, Note } from '../../ui/states.tsx';
import styles from './first-run.module.css';

const ID = /^[A-Za-z0-9_.-]{1,255}$/;

export function CollectionStep({ onDone }: { readonly onDone: (collectionId: string) => void }) {
  const { t } = useTranslation('first-run');
  const [collectionId, setCollectionId] = useState('people');
  const [storeThumbnails, setStoreThumbnails] = useState(false);
  const { data: recording } = useEventRecording();
  const [choice, setChoice] = useState<boolean | null>(null);
  const records = choice ?? recording?.enabled ?? true;
  /** Before the collection exists, so no call leaves an event against the choice. */
  const decide = async () => {
    if (recording && records !== recording.enabled) await setEventRecording(records);
  };
  const create = useMutation({
    async mutationFn() {
      await decide();
      await call(api.POST('/v1/collection/create', { body: { collectionId, storeThumbnails } }));
    },
    onSuccess() {
      void queryClient.invalidateQueries({ queryKey: COLLECTIONS_KEY });
      onDone(collectionId);
    },
  });
  const useExisting = useMutation({ mutationFn: decide, onSuccess: () => onDone(collectionId) });
  const isTaken = isCode(create.error, 'COLLECTION_ALREADY_EXISTS');
  const isValid = ID.test(collectionId);
  return (
    <Form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (isValid && !create.isPending) create.mutate();
      }}
    >
      <p className={styles.intro}>{t('collection.intro')}</p>
      <TextField
        label={t('collection.id')}
        hint={t('collection.idHint')}
        error={isTaken ? t('collection.taken') : isValid ? null : t('collection.idInvalid')}
        value={collectionId}
        onChange={setCollectionId}
        isCode
        isRequired
        autoFocus
        spellCheck="false"
      />
      <Switch
        isSelected={storeThumbnails}
        onChange={setStoreThumbnails}
        hint={t('collection.thumbnailsHint')}
      >
        {t('collection.thumbnails')}
      </Switch>
      {recording && recording.days > 0 && (
        <Switch isSelected={records} onChange={setChoice} hint={t('collection.eventsHint')}>
          {t('collection.events', { count: recording.days })}
        </Switch>
      )}
      {recording?.days === 0 && (
        <Note title={t('collection.eventsOff')}>
          {t('collection.eventsOffHint')} <code>events_days = 1</code>
        </Note>
      )}
      {create.error !== null && !isTaken && <ErrorNote error={create.error} />}
      {useExisting.error !== null && <ErrorNote error={useExisting.error} />}
      <div className={styles.end}>
        {isTaken && (
          <Button isPending={useExisting.isPending} onPress={() => useExisting.mutate()}>
            {t('collection.use')}
          </Button>
        )}
        <Button type="submit" variant="primary" isPending={create.isPending}>
          {t('collection.action')}
        </Button>
      </div>
    </Form>
  );
}
