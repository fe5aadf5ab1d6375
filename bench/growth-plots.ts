/** The plots of how cost grows, from the points that benches reported. */
import { type Axis, type Line, linePlot } from './plot.ts';
import type { PlotPoint } from './report.ts';

/** One plot and where its points come from. */
interface GrowthPlot {
  /** `PlotPoint.plot` of its points. */
  readonly plot: string;
  readonly file: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly formatX: (value: number) => string;
}

const count = (value: number) => value.toLocaleString('en');
const PLOTS: readonly GrowthPlot[] = [
  {
    plot: 'gallery, recall 0.99',
    file: 'growth-gallery.svg',
    title: 'A look into the index: recall@1 of 0.99, one thread',
    x: 'faces in the gallery',
    y: 'p50, milliseconds',
    formatX: count,
  },
  {
    plot: 'picture',
    file: 'growth-picture.svg',
    title: 'A search over HTTP, one client',
    x: 'megapixels of the picture',
    y: 'milliseconds',
    formatX: String,
  },
  {
    plot: 'clients',
    file: 'growth-clients.svg',
    title: 'Searches over HTTP, pictures of 640 x 480',
    x: 'clients at once',
    y: 'searches a second',
    formatX: String,
  },
  {
    plot: 'cores',
    file: 'growth-cores.svg',
    title: 'Searches over HTTP, pictures of 640 x 480',
    x: 'threads that compute',
    y: 'searches a second',
    formatX: String,
  },
];

/** Every plot that there are points for. @returns the SVG texts by file name. */
export function growthPlots(points: readonly PlotPoint[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { plot, file, title, x, y, formatX } of PLOTS) {
    const own = points.filter((point) => point.plot === plot);
    if (own.length === 0) continue;
    const along = (of: 'x' | 'y') => own.map((point) => point[of]);
    const [across, up] = [axis(x, along('x'), formatX), axis(y, along('y'), String)];
    files.set(file, linePlot(title, across, up, linesOf(own), { legend: 'left', marks: true }));
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

/** A logarithmic axis about values, from one tick to another; ticks are 1, 2 and 5 times powers of ten. */
function axis(label: string, values: readonly number[], format: (value: number) => string): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const all: number[] = [];
  for (let power = -6; power <= 9; power++) {
    for (const digit of [1, 2, 5]) all.push(Number(`${digit}e${power}`));
  }
  const from = Math.max(...all.filter((tick) => tick <= least));
  const to = Math.min(...all.filter((tick) => tick >= most && tick > from));
  const within = all.filter((tick) => tick >= from && tick <= to);
  // More than a dozen are too close together to be read.
  const ticks = within.length <= 12 ? within : within.filter((tick) => Math.log10(tick) % 1 === 0);
  return { label, scale: 'log', from, to, ticks, format };
}
