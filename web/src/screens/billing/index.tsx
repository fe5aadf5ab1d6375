import { ChartColumn, Plus } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { allows, useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { Button } from '../../ui/button.tsx';
import { Card, Figure } from '../../ui/card.tsx';
import { ChartCard } from '../../ui/chart/chart.tsx';
import { Bar, Page } from '../../ui/page.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { EmptyState, ErrorState, Note, SkeletonList } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { useKeys } from '../api-keys/keys-data.ts';
import { timelineOf } from '../overview/timeline.ts';
import styles from './billing.module.css';
import {
  type Counts,
  type Granularity,
  type OperationCounts,
  STEPS,
  type Usage,
  useBalance,
  useUsage,
} from './billing-data.ts';
import { TopUpDialog } from './top-up-dialog.tsx';

/** Below this share of a month's spend, the balance needs attention. */
const LOW = 0.25;

function Charts({ usage, granularity }: { readonly usage: Usage; readonly granularity: Granularity }) {
  const { t } = useTranslation('billing');
  const format = useFormat();
  const timeline = timelineOf(usage.steps, ({ time }) => time, STEPS[granularity], Date.now() / 1000);
  const { times, step, points } = timeline;
  const whole = (value: number) => (Number.isInteger(value) ? format.compact(value) : '');
  const counts = (pick: (counts: Counts) => number) => points.map((point) => (point ? pick(point) : 0));
  return (
    <div className={styles.charts}>
      <ChartCard
        title={t('chart.calls')}
        hint={t(`chart.per.${granularity}`)}
        empty={t('usage.emptyTitle')}
        data={{
          times,
          step,
          kind: 'stack',
          format: whole,
          series: [
            { label: t('figure.calls'), color: '--chart-1', values: counts(({ calls }) => calls) },
            { label: t('figure.failures'), color: '--chart-3', values: counts(({ failures }) => failures) },
          ],
        }}
      />
      <ChartCard
        title={t('chart.latency')}
        hint={t('chart.latencyHint')}
        empty={t('chart.noLatency')}
        data={{
          times,
          step,
          kind: 'lines',
          format: format.milliseconds,
          series: [
            {
              label: t('figure.mean'),
              color: '--chart-1',
              values: points.map((point) => point?.mean ?? null),
            },
            { label: t('figure.p95'), color: '--chart-4', values: points.map((point) => point?.p95 ?? null) },
          ],
        }}
      />
    </div>
  );
}

function Operations({ usage, hasPrices }: { readonly usage: Usage; readonly hasPrices: boolean }) {
  const { t } = useTranslation('billing');
  const format = useFormat();
  const { data } = useKeys();
  const names = new Map(data?.keys.map(({ id, name }) => [id, name]));
  const time = (value: number | null) => (value === null ? '–' : format.milliseconds(value));
  const columns: Column<OperationCounts>[] = [
    {
      id: 'operation',
      title: t('field.operation'),
      cell: ({ operation, keyId }) => (
        <div className={styles.operation}>
          <code>{operation}</code>
          <span className={styles.key}>{names.get(keyId) ?? keyId}</span>
        </div>
      ),
    },
    { id: 'calls', title: t('figure.calls'), isRight: true, cell: ({ calls }) => format.number(calls) },
    {
      id: 'failures',
      title: t('figure.failures'),
      isRight: true,
      cell: ({ failures }) => format.number(failures),
    },
    { id: 'mean', title: t('figure.mean'), isRight: true, isMinor: true, cell: ({ mean }) => time(mean) },
    { id: 'p95', title: t('figure.p95'), isRight: true, isMinor: true, cell: ({ p95 }) => time(p95) },
    ...(hasPrices
      ? [
          {
            id: 'charged',
            title: t('figure.charged'),
            isRight: true,
            cell: ({ charged }: OperationCounts) => format.usd(charged),
          },
        ]
      : []),
  ];
  return (
    <Card title={t('usage.byOperation')} hasPadding={false}>
      <Table
        label={t('usage.byOperation')}
        columns={columns}
        rows={usage.operations}
        keyOf={({ keyId, operation }) => `${keyId} ${operation}`}
      />
    </Card>
  );
}

export default function Billing() {
  const { t } = useTranslation('billing');
  const format = useFormat();
  const me = useMe();
  const [granularity, setGranularity] = useState<Granularity>('day');
  const [isOpen, setIsOpen] = useState(false);
  const balance = useBalance();
  const usage = useUsage(granularity);
  const { data } = usage;
  const hasPrices = balance.data?.has_prices ?? false;
  const isPrepaid = hasPrices && balance.data?.unlimited === false;
  const left = balance.data?.balance_usd ?? 0;
  const isLow = isPrepaid && granularity === 'day' && data && left < data.total.charged * LOW;
  const tone = !isPrepaid ? 'plain' : left <= 0 ? 'bad' : isLow ? 'warn' : 'ok';
  const isOwner = allows(me, { role: 'owner' });
  const topUpButton = (
    <Button variant="primary" icon={Plus} onPress={() => setIsOpen(true)}>
      {t('topUp.open')}
    </Button>
  );
  return (
    <Page title={t('title')} hint={t('hint')} actions={isPrepaid && isOwner && topUpButton}>
      {balance.data && !hasPrices && <Note title={t('free.title')}>{t('free.text')}</Note>}
      {isPrepaid && left <= 0 && (
        <Note tone="bad" title={t('spent.title')}>
          {t(isOwner ? 'spent.owner' : 'spent.admin')}
        </Note>
      )}
      {balance.error && <ErrorState error={balance.error} onRetry={() => void balance.refetch()} />}
      <Bar>
        <Segmented
          label={t('period.label')}
          options={(['hour', 'day'] as const).map((value) => ({ value, label: t(`period.${value}`) }))}
          value={granularity}
          onChange={setGranularity}
        />
      </Bar>
      {usage.error ? (
        <ErrorState error={usage.error} onRetry={() => void usage.refetch()} />
      ) : !data || balance.isPending ? (
        <SkeletonList rows={4} />
      ) : (
        <>
          <div className={styles.figures}>
            {hasPrices && (
              <Figure
                label={t('figure.balance')}
                value={balance.data?.unlimited ? t('figure.unlimited') : format.usd(left)}
                detail={balance.data?.unlimited ? t('figure.unlimitedHint') : t('figure.balanceHint')}
                tone={tone}
              />
            )}
            {hasPrices && (
              <Figure
                label={t('figure.charged')}
                value={format.usd(data.total.charged)}
                detail={t(`period.${granularity}`)}
              />
            )}
            <Figure
              label={t('figure.calls')}
              value={format.number(data.total.calls)}
              detail={t(`period.${granularity}`)}
            />
            <Figure
              label={t('figure.failures')}
              value={format.number(data.total.failures)}
              tone={data.total.failures > 0 ? 'warn' : 'plain'}
              detail={t('figure.failuresHint')}
            />
            <Figure
              label={t('figure.mean')}
              value={data.total.mean === null ? '–' : format.milliseconds(data.total.mean)}
              detail={t('figure.meanHint')}
            />
          </div>
          {!data.isComplete && <Note tone="warn">{t('usage.incomplete')}</Note>}
          {data.operations.length === 0 ? (
            <EmptyState title={t('usage.emptyTitle')} icon={<ChartColumn aria-hidden />}>
              {t('usage.emptyText')}
            </EmptyState>
          ) : (
            <>
              <Charts usage={data} granularity={granularity} />
              <Operations usage={data} hasPrices={hasPrices} />
            </>
          )}
        </>
      )}
      {isOpen && <TopUpDialog onClose={() => setIsOpen(false)} />}
    </Page>
  );
}
