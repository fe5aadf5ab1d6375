/** Line plots as SVG, for the documentation: readable on a light page and on a dark one. */

export interface Axis {
  readonly label: string;
  readonly scale: 'linear' | 'log';
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
}

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Look {
  readonly legend?: 'left' | 'right';
  readonly marks?: boolean;
}

const WIDTH = 720;
const HEIGHT = 420;
const PLOT = { left: 74, top: 44, right: 700, bottom: 356 } as const;
/** Okabe and Ito's colours, which people with colour-blindness tell apart (2008), in an order that suits both pages. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
const STYLE = `
    text { fill: #1f2328; font: 13px system-ui, sans-serif; }
    .title { font-size: 15px; font-weight: 600; }
    .page { fill: #ffffff; }
    .grid { stroke: #d0d7de; stroke-width: 1; }
    .frame { fill: none; stroke: #57606a; }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .page { fill: #0d1117; }
      .grid { stroke: #30363d; }
      .frame { stroke: #8b949e; }
    }`;

export function linePlot(title: string, x: Axis, y: Axis, lines: readonly Line[], look: Look = {}): string {
  const toX = position(x, PLOT.left, PLOT.right);
  const toY = position(y, PLOT.bottom, PLOT.top);
  const grid = [
    ...x.ticks.map((tick) => {
      const at = toX(tick);
      return `<line class="grid" x1="${at}" x2="${at}" y1="${PLOT.top}" y2="${PLOT.bottom}"/><text x="${at}" y="${PLOT.bottom + 20}" text-anchor="middle">${escaped(x.format(tick))}</text>`;
    }),
    ...y.ticks.map((tick) => {
      const at = toY(tick);
      return `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${at}" y2="${at}"/><text x="${PLOT.left - 8}" y="${at + 4}" text-anchor="end">${escaped(y.format(tick))}</text>`;
    }),
  ];
  const drawn = lines.map(({ points }, i) => {
    const places = points
      .filter(([px, py]) => inside(x, px) && inside(y, py))
      .map(([px, py]) => [toX(px), toY(py)] as const);
    const marks = look.marks
      ? places.map(([px, py]) => `<circle fill="${colour(i)}" cx="${px}" cy="${py}" r="4"/>`)
      : [];
    const joined = places.map((place) => place.join(',')).join(' ');
    return `<polyline class="line" stroke="${colour(i)}" points="${joined}"/>${marks.join('')}`;
  });
  const legend = lines.map(({ name }, i) => {
    const top = PLOT.top + 20 + 20 * i;
    const left = look.legend === 'left' ? PLOT.left + 12 : PLOT.right - 200;
    return `<line class="line" stroke="${colour(i)}" x1="${left}" x2="${left + 24}" y1="${top - 4}" y2="${top - 4}"/><text x="${left + 32}" y="${top}">${escaped(name)}</text>`;
  });
  const middleX = (PLOT.left + PLOT.right) / 2;
  const middleY = (PLOT.top + PLOT.bottom) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    `  <style>${STYLE}\n  </style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="title" x="${middleX}" y="26" text-anchor="middle">${escaped(title)}</text>`,
    ...grid,
    `<rect class="frame" x="${PLOT.left}" y="${PLOT.top}" width="${PLOT.right - PLOT.left}" height="${PLOT.bottom - PLOT.top}"/>`,
    ...drawn,
    ...legend,
    `<text x="${middleX}" y="${HEIGHT - 18}" text-anchor="middle">${escaped(x.label)}</text>`,
    `<text x="18" y="${middleY}" text-anchor="middle" transform="rotate(-90 18 ${middleY})">${escaped(y.label)}</text>`,
    '</svg>\n',
  ].join('\n  ');
}

export function powersOfTen(from: number, to: number): number[] {
  const [first, last] = [Math.round(Math.log10(from)), Math.round(Math.log10(to))];
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

function position(axis: Axis, start: number, end: number): (value: number) => number {
  const along = axis.scale === 'log' ? Math.log10 : (value: number) => value;
  const span = along(axis.to) - along(axis.from);
  return (value) =>
    Math.round((start + ((along(value) - along(axis.from)) / span) * (end - start)) * 10) / 10;
}

function inside({ from, to }: Axis, value: number): boolean {
  return value >= from && value <= to;
}

function colour(line: number): string {
  return COLOURS[line % COLOURS.length] as string;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
