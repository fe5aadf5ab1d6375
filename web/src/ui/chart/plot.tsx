import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import styles from './chart.module.css';
import type { ChartData } from './series.ts';

const HEIGHT = 180;
const FILL = 0.14;
const DAY = 86_400;

function colorsOf(frame: HTMLElement, names: readonly string[]): string[] {
  const probe = document.createElement('span');
  frame.append(probe);
  const found = names.map((name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return found;
}

function faded(color: string): string {
  return `color-mix(in srgb, ${color} ${FILL * 100}%, transparent)`;
}

function useTheme(): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const next = () => setCount((before) => before + 1);
    const media = matchMedia('(prefers-color-scheme: dark)');
    const observer = new MutationObserver(next);
    media.addEventListener('change', next);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      media.removeEventListener('change', next);
      observer.disconnect();
    };
  }, []);
  return count;
}

function stacked(series: ChartData['series']): (number | null)[][] {
  const sums: number[] = [];
  return series.map(({ values }) =>
    values.map((value, index) => {
      sums[index] = (sums[index] ?? 0) + (value ?? 0);
      const isKnown = series.some((each) => each.values[index] !== null);
      return isKnown ? (sums[index] ?? 0) : null;
    }),
  );
}

function alone(values: ArrayLike<number | null | undefined>): number[] {
  const isKnown = (index: number) => values[index] != null;
  const known = Array.from(values, (_, index) => index).filter(isKnown);
  return known.filter((index) => index === known.at(-1) || !(isKnown(index - 1) || isKnown(index + 1)));
}

interface PlotProps {
  readonly data: ChartData;
  readonly locale: string;
  readonly onPoint: (index: number | null) => void;
}

export default function Plot({ data, locale, onPoint }: PlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useTheme();
  const { times, step, series, kind, format } = data;
  const isStack = kind === 'stack';
  const columns = isStack ? stacked(series) : series.map(({ values }) => [...values]);
  const order = isStack
    ? series.map((_, index) => series.length - 1 - index)
    : series.map((_, index) => index);
  const shape = `${kind} ${step} ${locale} ${theme} ${series.map(({ label, color }) => label + color).join()}`;
  const aligned = [[...times], ...order.map((index) => columns[index] ?? [])] as uPlot.AlignedData;
  const latest = useRef({ format, onPoint, aligned, times });
  latest.current = { format, onPoint, aligned, times };

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` names what a new plot needs.
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const [text = '', line = '', ...colors] = colorsOf(element, [
      '--text-muted',
      '--line',
      ...series.map(({ color }) => color),
    ]);
    const font = `11px ${getComputedStyle(element).fontFamily}`;
    const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
    const minute = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
    const axis = { stroke: text, font, ticks: { show: false }, grid: { stroke: line, width: 1 } };
    const bars = uPlot.paths.bars?.({ size: [0.8, 40], align: 1 });
    const made = new uPlot(
      {
        width: Math.max(element.clientWidth, 100),
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: kind === 'lines' } },
        scales: {
          x: {
            time: true,
            range: () => {
              const { times: all } = latest.current;
              return [all[0] ?? 0, (all.at(-1) ?? 0) + step];
            },
          },
          y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 0) > 0 ? high * 1.1 : 1] },
        },
        axes: [
          {
            ...axis,
            size: 28,
            grid: { show: false },
            space: 70,
            values: (_, splits) =>
              splits.map((at) => (step >= DAY ? day : minute).format(new Date(at * 1000))),
          },
          {
            ...axis,
            size: 58,
            space: 36,
            values: (_, splits) => splits.map((value) => latest.current.format(value)),
          },
        ],
        series: [
          {},
          ...order.map((index): uPlot.Series => {
            const color = colors[index] ?? text;
            return {
              stroke: color,
              width: kind === 'lines' ? 1.75 : 0,
              points: {
                show: kind === 'lines',
                size: 5,
                fill: color,
                // A line needs two neighbours, so a value alone shows as a point.
                filter: (self, seriesIndex) => alone(self.data[seriesIndex] ?? []),
              },
              spanGaps: false,
              ...(kind === 'lines' ? { fill: series.length === 1 ? faded(color) : undefined } : {}),
              ...(kind === 'lines' || !bars ? {} : { paths: bars, fill: color }),
            };
          }),
        ],
        hooks: {
          setCursor: [
            ({ cursor: { idx, left } }) =>
              latest.current.onPoint(left === undefined || left < 0 ? null : (idx ?? null)),
          ],
        },
      },
      latest.current.aligned,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: Math.max(element.clientWidth, 100), height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each new answer has new data.
  useEffect(() => plot.current?.setData(latest.current.aligned), [data]);
  return <div ref={frame} className={styles.plot} />;
}
