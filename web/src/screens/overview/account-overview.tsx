import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCollection } from '../../api/collection.tsx';
import { allows, useMe } from '../../api/session.ts';
import { useFormat } from '../../i18n/format.ts';
import { ButtonLink } from '../../ui/button.tsx';
import { Card, Fact, Facts, Figure } from '../../ui/card.tsx';
import { ChartCard } from '../../ui/chart/chart.tsx';
import { Bar } from '../../ui/page.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { ErrorState, SkeletonList } from '../../ui/states.tsx';
import { LatestEvents } from './latest-events.tsx';
import styles from './overview.module.css';
import { sumOf, timelineOf } from './timeline.ts';
import { type UsagePeriod, useHourCounts, useUsage } from './use-usage.ts';

const STEPS = { day: { step: 3_600, count: 24 }, month: { step: 86_400, count: 30 } } as const;

function HourFigures() {
  const { t } = useTranslation('overview');
  const format = useFormat();
  const { data, error, refetch } = useHourCounts();
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  const shown = (value: number | undefined) =>
    value === undefined ? '–' : `${data?.isCut ? '≥ ' : ''}${format.number(value)}`;
  return (
    <div className={styles.figures}>
      <Figure label={t('figure.matches')} value={shown(data?.matches)} detail={t('figure.in.hour')} />
      <Figure label={t('figure.noMatches')} value={shown(data?.noMatches)} detail={t('figure.in.hour')} />
      <Figure label={t('figure.added')} value={shown(data?.added)} detail={t('figure.in.hour')} />
      <Figure label={t('figure.refusals')} value={shown(data?.refusals)} detail={t('figure.in.hour')} />
    </div>
  );
}

function Usage() {
  const { t } = useTranslation('overview');
  const format = useFormat();
  const [period, setPeriod] = useState<UsagePeriod>('day');
  const { data, error, refetch } = useUsage(period, true);
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) return <SkeletonList rows={3} />;
  const timeline = timelineOf(data, ({ time }) => time, STEPS[period], Date.now() / 1000);
  const values = (of: 'calls' | 'failures') =>
    data.length === 0 ? timeline.points.map(() => null) : timeline.points.map((point) => point?.[of] ?? 0);
  return (
    <>
      <Bar>
        <Segmented
          label={t('period.label')}
          options={(['day', 'month'] as const).map((value) => ({ value, label: t(`period.${value}`) }))}
          value={period}
          onChange={setPeriod}
        />
      </Bar>
      <ChartCard
        title={t('usage.title')}
        hint={t('usage.sum', {
          calls: format.number(sumOf(timeline, ({ calls }) => calls)),
          failures: format.number(sumOf(timeline, ({ failures }) => failures)),
        })}
        empty={t('usage.empty')}
        data={{
          times: timeline.times,
          step: timeline.step,
          kind: 'stack',
          format: (value) => (Number.isInteger(value) ? format.compact(value) : ''),
          series: [
            { label: t('usage.calls'), color: '--chart-1', values: values('calls') },
            { label: t('usage.failures'), color: '--chart-3', values: values('failures') },
          ],
        }}
      />
    </>
  );
}

function Collections() {
  const { t } = useTranslation('overview');
  const format = useFormat();
  const { collections } = useCollection();
  return (
    <Card
      title={t('collections.title')}
      actions={
        <ButtonLink href="/people" size="sm">
          {t('collections.open')}
        </ButtonLink>
      }
    >
      {collections.length === 0 ? (
        <p className={styles.remedy}>{t('collections.empty')}</p>
      ) : (
        <Facts>
          {collections.map(({ collectionId, faceCount }) => (
            <Fact key={collectionId} label={collectionId}>
              {t('collections.faces', { count: faceCount, faces: format.number(faceCount) })}
            </Fact>
          ))}
        </Facts>
      )}
    </Card>
  );
}

export function AccountOverview() {
  const me = useMe();
  return (
    <>
      <HourFigures />
      {allows(me, { role: 'admin' }) && <Usage />}
      <div className={styles.halves}>
        <LatestEvents />
        <Collections />
      </div>
    </>
  );
}
