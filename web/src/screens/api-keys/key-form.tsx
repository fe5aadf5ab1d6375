import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, call } from '../../api/client.ts';
import { useCollection } from '../../api/collection.tsx';
import { isCode } from '../../api/problem.ts';
import { useFormat } from '../../i18n/format.ts';
import { FormDialog } from '../../ui/dialog.tsx';
import { Checkbox, TextField } from '../../ui/field.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { Select } from '../../ui/select.tsx';
import { Note } from '../../ui/states.tsx';
import styles from './api-keys.module.css';
import { bodyOf, changeOf, fieldsOf, type KeyFields, NEW_KEY, problemsOf } from './key-fields.ts';
import {
  type ApiKey,
  changeKey,
  createKey,
  type NewApiKey,
  readKey,
  type Scope,
  useScopes,
} from './keys-data.ts';

interface KeyFormProps {
  readonly edited: { readonly key: ApiKey; readonly etag: string } | null;
  readonly onClose: () => void;
  readonly onCreate: (key: NewApiKey) => void;
}

export function KeyForm({ edited, onClose, onCreate }: KeyFormProps) {
  const { t } = useTranslation(['api-keys', 'common']);
  const format = useFormat();
  const { collections } = useCollection();
  const { data: scopes } = useScopes();
  const { data: models } = useQuery({
    queryKey: ['models'],
    queryFn: async ({ signal }) => (await call(api.GET('/v1/models', { signal }))).models,
  });
  const [etag, setEtag] = useState(edited?.etag);
  const [fields, setFields] = useState(edited ? fieldsOf(edited.key) : NEW_KEY);
  const [error, setError] = useState<unknown>(null);
  const [isPending, setIsPending] = useState(false);
  const [isNarrow, setIsNarrow] = useState(fields.scopes.length > 0);
  const set = (change: Partial<KeyFields>) => setFields((before) => ({ ...before, ...change }));

  const plan = scopes?.plan;
  const maxRateLimit = plan?.max_rate_limit ?? Number.POSITIVE_INFINITY;
  const problems = problemsOf(fields, maxRateLimit);
  const problemOf = (field: keyof KeyFields) => {
    const found = problems.find((problem) => problem.field === field);
    return found ? t(`problem.${found.kind}`, { value: found.value }) : null;
  };
  const isFull = !edited && typeof plan?.keys_used === 'number' && plan.keys_used >= (plan.max_keys ?? 0);
  const isChangedElsewhere = isCode(error, 'PRECONDITION_FAILED');
  const isUseless = isNarrow && fields.scopes.length === 0;

  const toggleScope = (scope: Scope, isOn: boolean) =>
    set({ scopes: isOn ? [...fields.scopes, scope] : fields.scopes.filter((each) => each !== scope) });
  const toggleModel = (model: string, isOn: boolean) =>
    set({ models: isOn ? [...fields.models, model] : fields.models.filter((each) => each !== model) });

  const submit = async () => {
    setIsPending(true);
    setError(null);
    try {
      if (!edited) onCreate(await createKey(bodyOf(fields)));
      else await changeKey(edited.key.id, changeOf(edited.key, fields), etag);
      onClose();
    } catch (cause) {
      setError(cause);
      if (edited && isCode(cause, 'PRECONDITION_FAILED')) setEtag((await readKey(edited.key.id)).etag);
    } finally {
      setIsPending(false);
    }
  };

  return (
    <FormDialog
      title={edited ? t('form.editTitle', { name: edited.key.name }) : t('form.newTitle')}
      isOpen
      onClose={onClose}
      kind="drawer"
      action={edited ? t('common:action.save') : t('form.create')}
      isDisabled={fields.name.trim() === '' || problems.length > 0 || isUseless || isFull}
      isPending={isPending}
      error={isChangedElsewhere ? null : error}
      onSubmit={() => void submit()}
    >
      {isFull && (
        <Note tone="warn" title={t('plan.fullTitle')}>
          {t('plan.fullText', { count: plan.max_keys ?? 0, plan: plan.name })}
        </Note>
      )}
      {isChangedElsewhere && (
        <Note tone="warn" title={t('form.conflictTitle')}>
          {t('form.conflictText')}
        </Note>
      )}
      <TextField
        label={t('field.name')}
        hint={t('hint.name')}
        value={fields.name}
        onChange={(name) => set({ name })}
        maxLength={255}
        autoFocus
        autoComplete="off"
      />
      {!edited && (
        <div>
          <p className={styles.label}>{t('field.environment')}</p>
          <Segmented
            label={t('field.environment')}
            options={[
              { value: 'live', label: t('environment.live') },
              { value: 'test', label: t('environment.test') },
            ]}
            value={fields.environment}
            onChange={(environment) => set({ environment })}
          />
          <p className={styles.hint}>{t(`hint.${fields.environment}`)}</p>
        </div>
      )}
      {fields.environment === 'live' ? (
        <Select
          label={t('field.collection')}
          hint={t('hint.collection')}
          options={[
            { value: '', label: t('everyCollection') },
            ...collections.map(({ collectionId }) => ({ value: collectionId, label: collectionId })),
          ]}
          value={fields.collectionId}
          onChange={(collectionId) => set({ collectionId })}
        />
      ) : (
        <TextField
          label={t('field.collection')}
          hint={t('hint.testCollection')}
          value={fields.collectionId}
          onChange={(collectionId) => set({ collectionId })}
          isCode
        />
      )}
      <TextField
        label={t('field.rateLimit')}
        hint={plan && t('hint.rateLimit', { limit: format.number(plan.max_rate_limit), plan: plan.name })}
        error={problemOf('rateLimit')}
        value={fields.rateLimit}
        onChange={(rateLimit) => set({ rateLimit })}
        placeholder={plan ? format.number(plan.max_rate_limit) : ''}
        suffix={t('unit.perMinute')}
        inputMode="numeric"
      />
      <TextField
        label={t('field.allowedIps')}
        hint={t('hint.allowedIps')}
        error={problemOf('allowedIps')}
        value={fields.allowedIps}
        onChange={(allowedIps) => set({ allowedIps })}
        placeholder={'203.0.113.0/24\n192.0.2.5'}
        rows={3}
        isCode
        spellCheck="false"
      />
      <fieldset className={styles.group}>
        <legend className={styles.label}>{t('field.scopes')}</legend>
        <Segmented
          label={t('field.scopes')}
          options={[
            { value: 'all', label: t('scopes.all') },
            { value: 'some', label: t('scopes.some') },
          ]}
          value={isNarrow ? 'some' : 'all'}
          onChange={(value) => {
            setIsNarrow(value === 'some');
            if (value === 'all') set({ scopes: [] });
          }}
        />
        {!isNarrow && <p className={styles.hint}>{t('hint.scopes')}</p>}
        {isNarrow &&
          scopes?.scopes
            .filter(({ name }) => name !== 'v1:*')
            .map(({ name, description }) => (
              <Checkbox
                key={name}
                isSelected={fields.scopes.includes(name)}
                onChange={(isOn) => toggleScope(name, isOn)}
                hint={<code>{name}</code>}
              >
                {t(`scope.${name.slice(3)}` as 'scope.faces', { defaultValue: description })}
              </Checkbox>
            ))}
      </fieldset>
      <TextField
        label={t('field.budget')}
        hint={edited ? t('hint.spent', { amount: format.usd(edited.key.spent_usd) }) : t('hint.budget')}
        error={problemOf('budget')}
        value={fields.budget}
        onChange={(budget) => set({ budget })}
        suffix="USD"
        inputMode="decimal"
      />
      <TextField
        label={edited ? t('field.newExpiry') : t('field.expiry')}
        hint={
          edited?.key.expires_at
            ? t('hint.expiresAt', { time: format.dateTime(edited.key.expires_at) })
            : t('hint.expiry')
        }
        error={problemOf('expiresInDays')}
        value={fields.expiresInDays}
        onChange={(expiresInDays) => set({ expiresInDays })}
        suffix={t('unit.days')}
        inputMode="numeric"
      />
      <TextField
        label={t('field.allowedFaces')}
        hint={t('hint.allowedFaces')}
        error={problemOf('allowedFaces')}
        value={fields.allowedFaces}
        onChange={(allowedFaces) => set({ allowedFaces })}
        rows={2}
        isCode
        spellCheck="false"
      />
      {models && models.length > 1 && (
        <fieldset className={styles.group}>
          <legend className={styles.label}>{t('field.models')}</legend>
          <p className={styles.hint}>{t('hint.models')}</p>
          {models.map(({ model }) => (
            <Checkbox
              key={model}
              isSelected={fields.models.includes(model)}
              onChange={(isOn) => toggleModel(model, isOn)}
            >
              {model}
            </Checkbox>
          ))}
        </fieldset>
      )}
    </FormDialog>
  );
}
