import { X } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'wouter';
import { useCollection } from '../../api/collection.tsx';
import { Button } from '../../ui/button.tsx';
import { ComboBox } from '../../ui/combo-box.tsx';
import { TextField } from '../../ui/field.tsx';
import { Bar } from '../../ui/page.tsx';
import { Select } from '../../ui/select.tsx';
import {
  EVENT_RESULTS,
  EVENT_TYPES,
  type EventFilter,
  type EventResult,
  type EventType,
  REVIEWS,
} from './event.ts';
import styles from './live.module.css';
import { useSuggestedPeople } from './use-people.ts';

const PERIODS = { '15m': 15, '1h': 60, '24h': 1440 } as const;
const NAMES = ['type', 'result', 'in', 'person', 'source', 'review', 'period', 'from', 'to'] as const;
type Name = (typeof NAMES)[number];
type Values = Partial<Record<Name, string>>;

const TYPING = 350;

function isOneOf<const T extends string>(list: readonly T[], value: string | undefined): value is T {
  return list.includes(value as T);
}

function utc(value: string | undefined): string | undefined {
  const date = new Date(value ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function filterOf({ type, result, in: collectionId, person, source, review, ...when }: Values): EventFilter {
  const { period, from, to } = when;
  const minutes = isOneOf(Object.keys(PERIODS) as (keyof typeof PERIODS)[], period) ? PERIODS[period] : null;
  const since = minutes === null ? utc(from) : new Date(Date.now() - minutes * 60_000).toISOString();
  const until = minutes === null ? utc(to) : undefined;
  return {
    ...(isOneOf<EventType>(EVENT_TYPES, type) ? { type } : {}),
    ...(isOneOf<EventResult>(EVENT_RESULTS, result) ? { result } : {}),
    ...(collectionId ? { collectionId } : {}),
    ...(person ? { externalKey: person } : {}),
    ...(source ? { source } : {}),
    ...(isOneOf(REVIEWS, review) ? { review } : {}),
    ...(since ? { since } : {}),
    ...(until ? { until } : {}),
  };
}

/** The filters live in the address, so that a link opens the same list. */
export function useFilters() {
  const [params, setParams] = useSearchParams();
  const key = NAMES.map((name) => `${name}=${params.get(name) ?? ''}`).join('&');
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` holds what is read of `params`.
  const values = useMemo<Values>(
    () => Object.fromEntries(NAMES.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : []))),
    [key],
  );
  const filter = useMemo(() => filterOf(values), [values]);
  const change = (next: Values) =>
    setParams(
      (previous) => {
        for (const [name, value] of Object.entries(next)) {
          if (value) previous.set(name, value);
          else previous.delete(name);
        }
        return previous;
      },
      { replace: true },
    );
  const clear = () => change(Object.fromEntries(NAMES.map((name) => [name, ''])));
  return { values, filter, change, clear, count: Object.keys(values).length };
}

type Filters = ReturnType<typeof useFilters>;

function useTyped(value: string, onChange: (value: string) => void) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a change of the text starts the wait.
  useEffect(() => {
    if (text.trim() === value) return;
    const timer = setTimeout(() => onChange(text.trim()), TYPING);
    return () => clearTimeout(timer);
  }, [text]);
  return [text, setText] as const;
}

export function FilterBar({ values, change, clear, count }: Filters) {
  const { t } = useTranslation('live');
  const { collections, collection } = useCollection();
  const [person, setPerson] = useTyped(values.person ?? '', (text) => change({ person: text }));
  const [source, setSource] = useTyped(values.source ?? '', (text) => change({ source: text }));
  const people = useSuggestedPeople(values.in ?? collection?.collectionId ?? null, person);
  const all = (label: string) => ({ value: 'all', label });
  const period = values.period ?? (values.from || values.to ? 'range' : 'all');
  const [isRange, setIsRange] = useState(period === 'range');
  const pick = (name: Name) => (value: string) => change({ [name]: value === 'all' ? '' : value });
  return (
    <>
      <Bar>
        <Select
          label={t('filter.type')}
          hidesLabel
          options={[
            all(t('filter.allTypes')),
            ...EVENT_TYPES.map((value) => ({ value, label: t(`type.${value}`) })),
          ]}
          value={values.type ?? 'all'}
          onChange={pick('type')}
          className={styles.filter}
        />
        <Select
          label={t('filter.result')}
          hidesLabel
          options={[
            all(t('filter.allResults')),
            ...EVENT_RESULTS.map((value) => ({ value, label: t(`result.${value}`) })),
          ]}
          value={values.result ?? 'all'}
          onChange={pick('result')}
          className={styles.filter}
        />
        <Select
          label={t('filter.collection')}
          hidesLabel
          options={[
            all(t('filter.allCollections')),
            ...collections.map(({ collectionId }) => ({ value: collectionId, label: collectionId })),
          ]}
          value={values.in ?? 'all'}
          onChange={pick('in')}
          className={styles.filter}
        />
        <ComboBox
          label={t('filter.person')}
          hidesLabel
          placeholder={t('filter.person')}
          value={person}
          onChange={setPerson}
          suggestions={people}
          className={styles.filter}
        />
        <TextField
          label={t('filter.source')}
          hidesLabel
          placeholder={t('filter.source')}
          value={source}
          onChange={setSource}
          maxLength={64}
          className={styles.filter}
        />
        <Select
          label={t('filter.review')}
          hidesLabel
          options={[
            all(t('filter.allReviews')),
            ...REVIEWS.map((value) => ({ value, label: t(`filter.reviews.${value}`) })),
          ]}
          value={values.review ?? 'all'}
          onChange={pick('review')}
          className={styles.filter}
        />
        <Select
          label={t('filter.time')}
          hidesLabel
          options={[
            all(t('filter.anyTime')),
            ...(['15m', '1h', '24h'] as const).map((value) => ({ value, label: t(`filter.last.${value}`) })),
            { value: 'range', label: t('filter.range') },
          ]}
          value={isRange ? 'range' : period}
          onChange={(value) => {
            setIsRange(value === 'range');
            change({ period: value === 'range' || value === 'all' ? '' : value, from: '', to: '' });
          }}
          className={styles.filter}
        />
        {count > 0 && (
          <Button
            variant="ghost"
            icon={X}
            onPress={() => {
              setIsRange(false);
              clear();
            }}
          >
            {t('filter.clear')}
          </Button>
        )}
      </Bar>
      {isRange && (
        <Bar>
          <TextField
            type="datetime-local"
            label={t('filter.from')}
            value={values.from ?? ''}
            onChange={(value) => change({ from: value })}
          />
          <TextField
            type="datetime-local"
            label={t('filter.to')}
            value={values.to ?? ''}
            onChange={(value) => change({ to: value })}
          />
        </Bar>
      )}
    </>
  );
}
