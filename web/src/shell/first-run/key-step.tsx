import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { api, call } from '../../api/client.ts';
import { useCollection } from '../../api/collection.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyField } from '../../ui/copy.tsx';
import { TextField } from '../../ui/field.tsx';
import { ErrorNote, Note } from '../../ui/states.tsx';
import styles from './first-run.module.css';

interface KeyStepProps {
  readonly collectionId: string | null;
  readonly onDone: (key: string | null) => void;
}

export function KeyStep({ collectionId, onDone }: KeyStepProps) {
  const { t } = useTranslation('first-run');
  const { collection } = useCollection();
  const [name, setName] = useState(t('key.example'));
  const id = collectionId ?? collection?.collectionId ?? null;
  const create = useMutation({
    mutationFn: () => call(api.POST('/v1/auth/api-keys', { body: { name, collection_id: id } })),
  });
  const key = create.data?.key;
  if (key !== undefined) {
    return (
      <div className={styles.form}>
        <Note tone="ok" title={t('key.made')}>
          {t('key.once')}
        </Note>
        <CopyField value={key} label={t('key.what')} />
        <div className={styles.end}>
          <Button variant="primary" onPress={() => onDone(key)} autoFocus>
            {t('key.next')}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <Form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!create.isPending) create.mutate();
      }}
    >
      <p className={styles.intro}>{t('key.intro', { collection: id })}</p>
      <TextField
        label={t('key.name')}
        hint={t('key.nameHint')}
        value={name}
        onChange={setName}
        isRequired
        autoFocus
      />
      {create.error !== null && <ErrorNote error={create.error} />}
      <div className={styles.end}>
        <Button variant="ghost" onPress={() => onDone(null)}>
          {t('key.later')}
        </Button>
        <Button type="submit" variant="primary" isPending={create.isPending}>
          {t('key.action')}
        </Button>
      </div>
    </Form>
  );
}
