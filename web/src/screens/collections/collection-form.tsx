import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Collection } from '../../api/collection.tsx';
import { useEventRecording } from '../../api/event-recording.ts';
import { isCode } from '../../api/problem.ts';
import { FormDialog } from '../../ui/dialog.tsx';
import { Switch, TextField } from '../../ui/field.tsx';
import { Select } from '../../ui/select.tsx';
import { Note } from '../../ui/states.tsx';
import {
  type CollectionSettings,
  changeCollection,
  createCollection,
  readCollection,
  useModels,
} from './collections-data.ts';

const DEFAULT_THRESHOLD = 80;

const NEW_MIN_QUALITY = 3;

interface Fields {
  readonly collectionId: string;
  readonly description: string;
  readonly model: string | null;
  readonly minQuality: string;
  readonly threshold: string;
  readonly searchRate: string;
  readonly verifyRate: string;
  readonly storeThumbnails: boolean;
  readonly eventCropDays: string;
}

function fieldsOf(collection: Collection | undefined): Fields {
  return {
    collectionId: collection?.collectionId ?? '',
    description: collection?.description ?? '',
    model: collection?.model ?? null,
    minQuality: String(collection?.minQuality ?? NEW_MIN_QUALITY),
    threshold: String(collection?.faceMatchThreshold ?? ''),
    searchRate: decimal(collection?.maxFalsePositiveRate),
    verifyRate: decimal(collection?.maxFalseMatchRate),
    storeThumbnails: collection?.storeThumbnails ?? false,
    eventCropDays: String(collection?.eventCropDays ?? ''),
  };
}

function settingsOf({
  description,
  minQuality,
  threshold,
  searchRate,
  verifyRate,
  ...fields
}: Fields): CollectionSettings {
  const { storeThumbnails, eventCropDays } = fields;
  return {
    description: description.trim() || null,
    minQuality: Number(minQuality || 0),
    faceMatchThreshold: threshold.trim() === '' ? null : Number(threshold),
    maxFalsePositiveRate: searchRate.trim() === '' ? null : Number(searchRate),
    maxFalseMatchRate: verifyRate.trim() === '' ? null : Number(verifyRate),
    storeThumbnails,
    eventCropDays: !storeThumbnails || eventCropDays.trim() === '' ? null : Number(eventCropDays),
  };
}

const isScore = (text: string) => /^\d{1,3}(\.\d+)?$/.test(text.trim()) && Number(text) <= 100;
/** 0.8 is the scale of other products: the service refuses it too. */
const isThreshold = (text: string) => isScore(text) && (Number(text) === 0 || Number(text) > 1);

const LEAST_RATE = 1e-6;
const MOST_RATE = 0.1;
const isRate = (text: string) =>
  /^0?\.\d{1,9}$/.test(text.trim()) && Number(text) >= LEAST_RATE && Number(text) <= MOST_RATE;
/** 0.000001 rather than 1e-6, which the field refuses. */
const decimal = (rate: number | null | undefined) => (rate == null ? '' : rate.toFixed(9).replace(/0+$/, ''));

const isWholeUpTo = (text: string, most: number) => /^\d{1,3}$/.test(text) && Number(text) <= most;

interface CollectionFormProps {
  readonly edited: { readonly collection: Collection; readonly etag: string } | null;
  readonly onClose: () => void;
  readonly onCreate: (collectionId: string) => void;
}

export function CollectionForm({ edited, onClose, onCreate }: CollectionFormProps) {
  const { t } = useTranslation(['collections', 'common']);
  const { data: models } = useModels();
  const mostDays = useEventRecording().data?.cropDays;
  const [etag, setEtag] = useState(edited?.etag ?? '');
  const [fields, setFields] = useState(() => fieldsOf(edited?.collection));
  const [error, setError] = useState<unknown>(null);
  const [isPending, setIsPending] = useState(false);
  const set = (change: Partial<Fields>) => setFields((before) => ({ ...before, ...change }));

  const idProblem =
    fields.collectionId !== '' && !/^[A-Za-z0-9_.-]{1,255}$/.test(fields.collectionId)
      ? t('problem.id')
      : null;
  const qualityProblem = fields.minQuality !== '' && !isScore(fields.minQuality) ? t('problem.score') : null;
  const thresholdProblem =
    fields.threshold.trim() !== '' && !isThreshold(fields.threshold) ? t('problem.threshold') : null;
  const rateProblem = (rate: string) => {
    if (rate.trim() === '') return null;
    if (fields.threshold.trim() !== '') return t('problem.either');
    return isRate(rate) ? null : t('problem.rate');
  };
  const searchRateProblem = rateProblem(fields.searchRate);
  const verifyRateProblem = rateProblem(fields.verifyRate);
  const daysText = fields.storeThumbnails ? fields.eventCropDays.trim() : '';
  const daysProblem =
    daysText !== '' && !isWholeUpTo(daysText, mostDays ?? 365)
      ? t('problem.days', { count: mostDays ?? 365 })
      : null;
  const isChangedElsewhere = isCode(error, 'PRECONDITION_FAILED');
  const erases = edited?.collection.storeThumbnails === true && !fields.storeThumbnails;

  const submit = async () => {
    setIsPending(true);
    setError(null);
    try {
      const next = settingsOf(fields);
      if (edited) {
        const before = settingsOf(fieldsOf(edited.collection));
        const names = Object.keys(next) as (keyof CollectionSettings)[];
        const change = Object.fromEntries(
          names.filter((name) => next[name] !== before[name]).map((name) => [name, next[name]]),
        );
        await changeCollection(edited.collection.collectionId, change, etag);
      } else {
        await createCollection(fields.collectionId, fields.model, next);
        onCreate(fields.collectionId);
      }
      onClose();
    } catch (cause) {
      setError(cause);
      if (edited && isCode(cause, 'PRECONDITION_FAILED')) {
        setEtag((await readCollection(edited.collection.collectionId)).etag);
      }
    } finally {
      setIsPending(false);
    }
  };

  return (
    <FormDialog
      title={edited ? t('form.editTitle', { id: edited.collection.collectionId }) : t('form.newTitle')}
      isOpen
      onClose={onClose}
      kind="drawer"
      action={edited ? t('common:action.save') : t('form.create')}
      isDisabled={
        fields.collectionId === '' ||
        idProblem !== null ||
        qualityProblem !== null ||
        thresholdProblem !== null ||
        searchRateProblem !== null ||
        verifyRateProblem !== null ||
        daysProblem !== null
      }
      isPending={isPending}
      error={isChangedElsewhere ? null : error}
      onSubmit={() => void submit()}
    >
      {isChangedElsewhere && (
        <Note tone="warn" title={t('form.conflictTitle')}>
          {t('form.conflictText')}
        </Note>
      )}
      {!edited && (
        <TextField
          label={t('field.id')}
          hint={t('hint.id')}
          error={idProblem}
          value={fields.collectionId}
          onChange={(collectionId) => set({ collectionId })}
          isCode
          autoFocus
          autoComplete="off"
          spellCheck="false"
        />
      )}
      <TextField
        label={t('field.description')}
        value={fields.description}
        onChange={(description) => set({ description })}
        maxLength={1024}
        rows={2}
      />
      {!edited && models && models.length > 1 && (
        <Select
          label={t('field.model')}
          hint={t('hint.model')}
          options={models.map(({ model }) => ({ value: model, label: model }))}
          value={fields.model ?? models.find(({ isDefault }) => isDefault)?.model ?? null}
          onChange={(model) => set({ model })}
        />
      )}
      <TextField
        label={t('field.threshold')}
        hint={t('hint.threshold', { value: DEFAULT_THRESHOLD })}
        error={thresholdProblem}
        value={fields.threshold}
        onChange={(threshold) => set({ threshold })}
        placeholder={fields.searchRate === '' && fields.verifyRate === '' ? String(DEFAULT_THRESHOLD) : ''}
        inputMode="decimal"
      />
      <TextField
        label={t('field.searchRate')}
        hint={t('hint.searchRate')}
        error={searchRateProblem}
        value={fields.searchRate}
        onChange={(searchRate) => set({ searchRate })}
        inputMode="decimal"
      />
      <TextField
        label={t('field.verifyRate')}
        hint={t('hint.verifyRate')}
        error={verifyRateProblem}
        value={fields.verifyRate}
        onChange={(verifyRate) => set({ verifyRate })}
        inputMode="decimal"
      />
      <TextField
        label={t('field.minQuality')}
        hint={t('hint.minQuality')}
        error={qualityProblem}
        value={fields.minQuality}
        onChange={(minQuality) => set({ minQuality })}
        inputMode="decimal"
      />
      <Switch
        isSelected={fields.storeThumbnails}
        onChange={(storeThumbnails) => set({ storeThumbnails })}
        hint={t('hint.thumbnails')}
      >
        {t('field.thumbnails')}
      </Switch>
      {fields.storeThumbnails && (
        <TextField
          label={t('field.eventCropDays')}
          hint={mostDays !== undefined && t('hint.eventCropDays', { count: mostDays })}
          error={daysProblem}
          value={fields.eventCropDays}
          onChange={(eventCropDays) => set({ eventCropDays })}
          placeholder={mostDays === undefined ? '' : String(mostDays)}
          inputMode="numeric"
        />
      )}
      {erases && <Note tone="warn">{t('hint.erases')}</Note>}
    </FormDialog>
  );
}
