import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { Figure } from '../../ui/card.tsx';
import { ChartCard } from '../../ui/chart/chart.tsx';
import type { ChartData } from '../../ui/chart/series.ts';
import { Bar } from '../../ui/page.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { ErrorState, SkeletonList } from '../../ui/states.tsx';
import { ApplianceState } from './appliance-state.tsx';
import { Attention } from './attention.tsx';
import { LatestEvents } from './latest-events.tsx';
import styles from './overview.module.css';
import { newestWith, sumOf, type Timeline, timelineOf, valuesOf } from './timeline.ts';
import { type HistoryPoint, type Period, STEPS, useHistory, useSystem } from './use-system.ts';

const PERIODS = ['hour', 'day', 'month'] as const;
const STAGES = ['queue', 'decode', 'detect', 'align', 'embed', 'search'] as const;

type Value = (point: HistoryPoint) => number | null;

function Figures({
  timeline,
  period,
}: {
  readonly timeline: Timeline<HistoryPoint>;
  readonly period: Period;
}) {
  const { t } = useTranslation('overview');
  const format = useFormat();
  const sum = (pick: (point: HistoryPoint) => number) => sumOf(timeline, pick);
  const matches = sum((point) => point.matches);
  const noMatches = sum((point) => point.noMatches);
  const errors = sum((point) => point.errors);
  const latency = newestWith(timeline, (point) => point.latency.p50);
  const compared = matches + noMatches;
  return (
    <div className={styles.figures}>
      <Figure
        label={t('figure.requests')}
        value={format.number(sum((point) => point.requests))}
        detail={t(`figure.in.${period}`)}
      />
      <Figure
        label={t('figure.matches')}
        value={format.number(matches)}
        detail={
          compared > 0
            ? t('figure.share', { share: format.percent(matches / compared) })
            : t('figure.nothing')
        }
      />
      <Figure label={t('figure.noMatches')} value={format.number(noMatches)} detail={t('figure.strangers')} />
      <Figure
        label={t('figure.refusals')}
        value={format.number(sum((point) => point.refusals))}
        detail={t('figure.refusalsHint')}
      />
      <Figure
        label={t('figure.errors')}
        value={format.number(errors)}
        tone={errors > 0 ? 'bad' : 'plain'}
        detail={t('figure.errorsHint')}
      />
      <Figure
        label={t('figure.latency')}
        value={latency ? format.milliseconds(latency.value) : '–'}
        detail={
          latency
            ? t('figure.p95', {
                p95: format.milliseconds(latency.point.latency.p95 ?? latency.value),
                time: format.time(latency.point.time),
              })
            : t('figure.noImages')
        }
      />
    </div>
  );
}

function Charts({
  timeline,
  period,
}: {
  readonly timeline: Timeline<HistoryPoint>;
  readonly period: Period;
}) {
  const { t } = useTranslation('overview');
  const format = useFormat();
  const { times, step } = timeline;
  const series = (label: string, color: number, pick: Value) => ({
    label,
    color: `--chart-${color}`,
    values: valuesOf(timeline, pick),
  });
  const chart = (
    kind: ChartData['kind'],
    formatOf: (value: number) => string,
    all: ChartData['series'],
  ): ChartData => ({ times, step, kind, format: formatOf, series: all });
  const count = (value: number) => (Number.isInteger(value) ? format.compact(value) : '');
  const empty = t('chart.empty');
  const noImages = t(`chart.noImages.${period}`);
  return (
    <div className={styles.charts}>
      <ChartCard
        title={t('chart.requests')}
        hint={t(`chart.per.${period}`)}
        empty={empty}
        data={chart('lines', count, [
          series(t('figure.requests'), 1, (point) => point.requests),
          series(t('figure.refusals'), 2, (point) => point.refusals),
          series(t('figure.errors'), 3, (point) => point.errors),
        ])}
      />
      <ChartCard
        title={t('chart.results')}
        hint={t(`chart.per.${period}`)}
        empty={empty}
        data={chart('stack', count, [
          series(t('figure.matches'), 1, (point) => point.matches),
          series(t('figure.noMatches'), 2, (point) => point.noMatches),
        ])}
      />
      <ChartCard
        title={t('chart.latency')}
        hint={t('chart.latencyHint')}
        empty={noImages}
        data={chart('lines', format.milliseconds, [
          series(t('chart.p50'), 1, (point) => point.latency.p50),
          series(t('chart.p95'), 4, (point) => point.latency.p95),
        ])}
      />
      <ChartCard
        title={t('chart.stages')}
        hint={t('chart.stagesHint')}
        empty={noImages}
        data={chart(
          'stack',
          format.milliseconds,
          STAGES.map((stage, index) =>
            series(t(`stage.${stage}`), ((index + 5) % 6) + 1, (point) => point.stages[stage]),
          ),
        )}
      />
      <ChartCard
        title={t('chart.queue')}
        hint={t('chart.queueHint')}
        empty={empty}
        data={chart('lines', count, [series(t('chart.waiting'), 1, (point) => point.queueLength)])}
      />
      <ChartCard
        title={t('chart.memory')}
        empty={empty}
        data={chart('lines', format.bytes, [
          series(t('state.memory'), 1, (point) => point.memoryBytes),
          series(t('state.data'), 2, (point) => point.diskBytes),
        ])}
      />
    </div>
  );
}

export function BoxOverview() {
  const { t } = useTranslation('overview');
  const format = useFormat();
  const [period, setPeriod] = useState<Period>('hour');
  const system = useSystem();
  const history = useHistory(period);
  const shown = history.data?.period ?? period;
  const timeline =
    history.data &&
    timelineOf(
      history.data.points,
      ({ time }) => new Date(time).getTime() / 1000,
      STEPS[shown],
      Date.now() / 1000,
    );
  const first = history.data?.points[0];
  const isShort = timeline && first && timeline.points[0] === null;
  return (
    <>
      {system.data ? (
        <Attention system={system.data} />
      ) : system.error ? (
        <ErrorState error={system.error} onRetry={() => void system.refetch()} />
      ) : (
        <SkeletonList rows={2} />
      )}
      <Bar>
        <Segmented
          label={t('period.label')}
          options={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))}
          value={period}
          onChange={setPeriod}
        />
        {isShort && (
          <span className={styles.since}>{t('chart.since', { time: format.dateTime(first.time) })}</span>
        )}
      </Bar>
      {timeline ? (
        <>
          <Figures timeline={timeline} period={shown} />
          <Charts timeline={timeline} period={shown} />
        </>
      ) : history.error ? (
        <ErrorState error={history.error} onRetry={() => void history.refetch()} />
      ) : (
        <SkeletonList rows={6} />
      )}
      <div className={styles.halves}>
        {system.data && <ApplianceState system={system.data} />}
        <LatestEvents />
      </div>
    </>
  );
}
