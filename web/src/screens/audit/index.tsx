import { RotateCw, ScrollText } from 'lucide-react';
import { useDeferredValue, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card, Fact, Facts } from '../../ui/card.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { SearchField } from '../../ui/field.tsx';
import { Bar, Page } from '../../ui/page.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { Select } from '../../ui/select.tsx';
import { EmptyState, ErrorState, SkeletonList } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import styles from './audit.module.css';
import { ACTS, type Entry, type Filters, useActorNames, useAudit } from './audit-data.ts';

const PERIODS = ['day', 'week', 'all'] as const;
type Period = (typeof PERIODS)[number];
const LENGTH_MS = { day: 86_400_000, week: 7 * 86_400_000 } as const;

const TARGET = /^[\x21-\x7e]{1,512}$/;

function useWords() {
  const { t } = useTranslation('audit');
  const names = useActorNames();
  return {
    names,
    act: (action: string) => t(`act.${action}` as 'act.backup.start', { defaultValue: action }),
    actor: ({ kind, id }: Entry['actor']) =>
      (id === null ? undefined : names.get(id)) ?? (id ? `${t(`actor.${kind}`)} ${id}` : t(`actor.${kind}`)),
  };
}

function EntryDialog({ entry, onClose }: { readonly entry: Entry; readonly onClose: () => void }) {
  const { t } = useTranslation('audit');
  const format = useFormat();
  const words = useWords();
  const codes: readonly [string, string | null][] = [
    [t('field.action'), entry.action],
    [t('field.actorId'), entry.actor.id],
    [t('field.target'), entry.target],
    [t('field.collection'), entry.collectionId],
    [t('field.result'), entry.result],
    [t('field.address'), entry.address],
    [t('field.request'), entry.requestId],
    [t('field.hash'), entry.hash],
  ];
  return (
    <Dialog title={words.act(entry.action)} isOpen onClose={onClose} kind="drawer">
      <Facts>
        <Fact label={t('field.time')}>{format.exactTime(entry.time)}</Fact>
        <Fact label={t('field.actor')}>{words.actor(entry.actor)}</Fact>
        <Fact label={t('field.count')}>{format.number(entry.count)}</Fact>
        <Fact label={t('field.sequence')}>{format.number(entry.sequence)}</Fact>
        {codes
          .filter(([, value]) => value !== null)
          .map(([label, value]) => (
            <Fact key={label} label={label}>
              <span className={styles.code}>{value}</span>
            </Fact>
          ))}
      </Facts>
    </Dialog>
  );
}

export default function Audit() {
  const { t } = useTranslation(['audit', 'common']);
  const format = useFormat();
  const words = useWords();
  const [filters, setFilters] = useState<Filters>({ action: '', actor: '', target: '', since: '' });
  const [period, setPeriod] = useState<Period>('all');
  const [target, setTarget] = useState('');
  const [open, setOpen] = useState<Entry | null>(null);
  const typed = useDeferredValue(target.trim());
  const asked = { ...filters, target: TARGET.test(typed) ? typed : '' };
  const { data, error, isPending, isFetching, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } =
    useAudit(asked);
  const entries = data?.pages.flatMap((page) => page.entries) ?? [];
  // A page holds few entries, or none, when the filter leaves out most of what the service read.
  const looksFurther = entries.length === 0 && hasNextPage;
  useEffect(() => {
    if (looksFurther && !isFetchingNextPage && !error) void fetchNextPage();
  }, [looksFurther, isFetchingNextPage, error, fetchNextPage]);
  const isFiltered = Object.values(asked).some((value) => value !== '');

  const choosePeriod = (next: Period) => {
    setPeriod(next);
    const since = next === 'all' ? '' : new Date(Date.now() - LENGTH_MS[next]).toISOString();
    setFilters({ ...filters, since });
  };
  const clear = () => {
    setFilters({ action: '', actor: '', target: '', since: '' });
    setPeriod('all');
    setTarget('');
  };

  const columns: Column<Entry>[] = [
    {
      id: 'act',
      title: t('field.what'),
      cell: (entry) => (
        <div className={styles.stack}>
          <button type="button" className={styles.open} onClick={() => setOpen(entry)}>
            {words.act(entry.action)}
          </button>
          <span className={styles.faint}>{words.actor(entry.actor)}</span>
        </div>
      ),
    },
    {
      id: 'target',
      title: t('field.target'),
      isMinor: true,
      cell: ({ target: id }) =>
        id !== null && <span className={styles.code}>{words.names.get(id) ?? id}</span>,
    },
    {
      id: 'result',
      title: t('field.result'),
      cell: ({ result, count }) => (
        <div className={styles.stack}>
          {result === 'ok' ? (
            <Badge tone="ok">{t('result.ok')}</Badge>
          ) : (
            <>
              <Badge tone="bad">{t('result.refused')}</Badge>
              <span className={styles.code}>{result}</span>
            </>
          )}
          {count > 1 && <span className={styles.faint}>{t('result.times', { count })}</span>}
        </div>
      ),
    },
    {
      id: 'address',
      title: t('field.address'),
      isMinor: true,
      cell: ({ address }) => <span className={styles.code}>{address}</span>,
    },
    {
      id: 'time',
      title: t('field.time'),
      isRight: true,
      cell: ({ time }) => (
        <time dateTime={time} title={format.exactTime(time)}>
          {format.ago(time)}
        </time>
      ),
    },
  ];
  const any = { value: '', label: t('filter.any') };
  return (
    <Page
      title={t('title')}
      hint={t('hint')}
      actions={
        <Button icon={RotateCw} isPending={isFetching && !isPending} onPress={() => void refetch()}>
          {t('reload')}
        </Button>
      }
    >
      <Bar>
        <Select
          className={styles.filter}
          label={t('field.what')}
          options={[any, ...ACTS.map((act) => ({ value: act as string, label: words.act(act) }))]}
          value={filters.action}
          onChange={(action) => setFilters({ ...filters, action })}
        />
        <Select
          className={styles.filter}
          label={t('field.actor')}
          options={[any, ...[...words.names].map(([value, label]) => ({ value, label }))]}
          value={filters.actor}
          onChange={(actor) => setFilters({ ...filters, actor })}
        />
      </Bar>
      <Bar>
        <SearchField
          className={styles.filter}
          label={t('filter.target')}
          value={target}
          onChange={setTarget}
        />
        <Segmented
          label={t('filter.period')}
          options={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))}
          value={period}
          onChange={choosePeriod}
        />
        {isFiltered && (
          <Button variant="ghost" onPress={clear}>
            {t('filter.clear')}
          </Button>
        )}
      </Bar>
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : isPending || looksFurther ? (
        <SkeletonList />
      ) : entries.length === 0 ? (
        <EmptyState
          title={t(isFiltered ? 'nothing.title' : 'empty.title')}
          icon={<ScrollText aria-hidden />}
          actions={isFiltered && <Button onPress={clear}>{t('filter.clear')}</Button>}
        >
          {t(isFiltered ? 'nothing.text' : 'empty.text')}
        </EmptyState>
      ) : (
        <Card hasPadding={false}>
          <Table label={t('title')} columns={columns} rows={entries} keyOf={({ sequence }) => sequence} />
        </Card>
      )}
      {hasNextPage && !looksFurther && (
        <Button isPending={isFetchingNextPage} onPress={() => void fetchNextPage()}>
          {t('common:action.more')}
        </Button>
      )}
      {open && <EntryDialog entry={open} onClose={() => setOpen(null)} />}
    </Page>
  );
}
