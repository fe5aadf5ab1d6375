import { ChartColumn, Table2 } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../../i18n/format.ts';
import { IconButton } from '../button.tsx';
import { Card } from '../card.tsx';
import { Skeleton } from '../states.tsx';
import { type Column, Table } from '../table.tsx';
import styles from './chart.module.css';
import { type ChartData, hasValues } from './series.ts';

const Plot = lazy(() => import('./plot.tsx'));

const HEIGHT = 11.25;
const DAY = 86_400;

interface ChartCardProps {
  readonly title: string;
  readonly hint?: string;
  readonly data: ChartData;
  readonly empty: string;
}

interface Row {
  readonly time: number;
  readonly values: readonly (number | null)[];
}

export function ChartCard({ title, hint, data, empty }: ChartCardProps) {
  const { t } = useTranslation();
  const formats = useFormat();
  const [isTable, setIsTable] = useState(false);
  const [point, setPoint] = useState<number | null>(null);
  const { times, series, step, format } = data;
  const isKnown = hasValues(data);
  const timeOf = (time: number) => (step >= DAY ? formats.date(time * 1000) : formats.dateTime(time * 1000));
  const shown = (value: number | null | undefined) => (value == null ? '–' : format(value));
  const summary = series
    .map(({ label, values }) => {
      const known = values.filter((value) => value !== null);
      if (known.length === 0) return t('chart.nothing', { label });
      return t('chart.summary', {
        label,
        highest: format(Math.max(...known)),
        newest: shown(known.at(-1)),
      });
    })
    .join(' ');
  const rows: Row[] = times
    .map((time, index) => ({ time, values: series.map(({ values }) => values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null))
    .reverse();
  const columns: Column<Row>[] = [
    { id: 'time', title: t('chart.time'), cell: ({ time }) => timeOf(time) },
    ...series.map(({ label }, index) => ({
      id: label,
      title: label,
      isRight: true,
      cell: ({ values }: Row) => shown(values[index]),
    })),
  ];
  return (
    <Card
      title={title}
      hint={hint}
      actions={
        isKnown && (
          <IconButton
            icon={isTable ? ChartColumn : Table2}
            label={t(isTable ? 'chart.asChart' : 'chart.asTable', { title })}
            size="sm"
            onPress={() => setIsTable(!isTable)}
          />
        )
      }
      hasPadding={!isTable}
    >
      {!isKnown ? (
        <p className={styles.empty}>{empty}</p>
      ) : isTable ? (
        <div className={styles.table}>
          <Table label={title} columns={columns} rows={rows} keyOf={({ time }) => time} />
        </div>
      ) : (
        <>
          <div role="img" aria-label={`${title}. ${summary}`}>
            <Suspense fallback={<Skeleton height={HEIGHT} />}>
              <Plot data={data} locale={formats.locale} onPoint={setPoint} />
            </Suspense>
          </div>
          <div className={styles.legend} aria-hidden>
            {series.map(({ label, color, values }) => (
              <span key={label} className={styles.entry}>
                <span className={styles.swatch} style={{ background: `var(${color})` }} />
                {label}
                {point !== null && <b>{shown(values[point])}</b>}
              </span>
            ))}
            {point !== null && times[point] !== undefined && (
              <span className={styles.when}>{timeOf(times[point])}</span>
            )}
          </div>
        </>
      )}
    </Card>
  );
}
