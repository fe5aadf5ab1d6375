/** The plots of how cost grows, from the points that benches reported. */
import { type Axis, type Line, linePlot } from './plot.ts';
import type { PlotPoint } from './report.ts';

interface GrowthPlot {
  readonly plot: string;
  readonly file: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly formatX: (value: number) => string;
  readonly ownTicks: boolean;
  /** Of y; linear ones begin at 0. */
  readonly scale: Axis['scale'];
}

/** `20 k`, `1 M`. */
function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : String(value);
}

const PLOTS: readonly GrowthPlot[] = [
  {
    plot: 'gallery',
    file: 'growth-gallery.svg',
    title: 'Search in the index at equal recall, one thread',
    x: 'faces in the gallery',
    y: 'p50, milliseconds',
    formatX: short,
    ownTicks: true,
    scale: 'log',
  },
  {
    plot: 'picture',
    file: 'growth-picture.svg',
    title: 'A search over HTTP, one client',
    x: 'megapixels of the image',
    y: 'milliseconds',
    formatX: String,
    ownTicks: false,
    scale: 'linear',
  },
  {
    plot: 'clients',
    file: 'growth-clients.svg',
    title: 'Searches over HTTP, images of 640 x 480',
    x: 'clients at once',
    y: 'searches a second',
    formatX: String,
    ownTicks: true,
    scale: 'linear',
  },
  {
    plot: 'cores',
    file: 'growth-cores.svg',
    title: 'Searches over HTTP, images of 640 x 480',
    x: 'threads that compute',
    y: 'searches a second',
    formatX: String,
    ownTicks: true,
    scale: 'linear',
  },
];

export function growthPlots(points: readonly PlotPoint[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { plot, file, title, x, y, formatX, ownTicks, scale } of PLOTS) {
    const own = points.filter((point) => point.plot === plot);
    if (own.length === 0) continue;
    const along = (of: 'x' | 'y') => own.map((point) => point[of]);
    const across = logarithmic(x, along('x'), formatX);
    const ticks = ownTicks ? [...new Set(along('x'))] : across.ticks;
    const up = scale === 'log' ? logarithmic(y, along('y'), String) : linear(y, along('y'));
    files.set(file, linePlot(title, { ...across, ticks }, up, linesOf(own), { legend: 'left', marks: true }));
  }
  return files;
}

function linesOf(points: readonly PlotPoint[]): Line[] {
  const names = new Set(points.map(({ line }) => line));
  return Array.from(names, (name) => ({
    name,
    points: points
      .filter(({ line }) => line === name)
      .map(({ x, y }) => [x, y] as const)
      .sort(([a], [b]) => a - b),
  }));
}

/** 1, 2 and 5 times powers of ten. */
const ROUND = Array.from({ length: 16 }, (_, i) =>
  [1, 2, 5].map((digit) => Number(`${digit}e${i - 6}`)),
).flat();

function logarithmic(label: string, values: readonly number[], format: (value: number) => string): Axis {
  const from = Math.max(...ROUND.filter((tick) => tick <= Math.min(...values)));
  const to = Math.min(...ROUND.filter((tick) => tick >= Math.max(...values) && tick > from));
  const within = ROUND.filter((tick) => tick >= from && tick <= to);
  const ticks = within.length <= 12 ? within : within.filter((tick) => Math.log10(tick) % 1 === 0);
  return { label, scale: 'log', from, to, ticks, format };
}

function linear(label: string, values: readonly number[]): Axis {
  const most = 1.3 * Math.max(...values);
  const step = Math.min(...ROUND.filter((tick) => most / tick <= 10));
  const ticks = Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) =>
    Number((i * step).toPrecision(6)),
  );
  return { label, scale: 'linear', from: 0, to: ticks.at(-1) ?? step, ticks, format: String };
}
