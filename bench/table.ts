/** The table of `npm run bench` as text. */
import type { PartReport } from './parts.ts';
import type { ReportLine, Versions } from './report.ts';

const COLUMNS = { claim: 62, value: 20, against: 46, ratio: 6 } as const;

function number(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

function lineOf({ claim, value, unit, against, ratio, aim, note }: ReportLine): string {
  const measured = Number.isFinite(value);
  return [
    `  ${claim}`.padEnd(COLUMNS.claim),
    (measured ? `${number(value)} ${unit}` : (note ?? '')).padEnd(COLUMNS.value),
    (against ? `${against.name} ${number(against.value)}` : '').padEnd(COLUMNS.against),
    (ratio === undefined ? '' : ratio.toFixed(2)).padEnd(COLUMNS.ratio),
    [aim, measured && note ? `(${note})` : ''].filter(Boolean).join(' '),
  ]
    .join(' ')
    .trimEnd();
}

export function tableOf(head: Versions, parts: readonly PartReport[]): string {
  const versions = Object.entries(Object.assign({}, ...parts.map((part) => part.versions)) as Versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  const width = Math.max(...Object.keys(head).map((name) => name.length));
  const top = [
    ...Object.entries(head).map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    ...(versions ? [`${'with'.padEnd(width)}  ${versions}`] : []),
  ];
  const titles = [
    ''.padEnd(COLUMNS.claim),
    'measured'.padEnd(COLUMNS.value),
    'against'.padEnd(COLUMNS.against),
    'ratio'.padEnd(COLUMNS.ratio),
    'aim',
  ].join(' ');
  const sections = parts.map(({ title, lines, failure, seconds, earlier }) => [
    '',
    `${title} (${[`${seconds.toFixed(0)} s`, earlier].filter(Boolean).join('; ')})`,
    ...lines.map(lineOf),
    ...(lines.length === 0 && !failure ? ['  reported nothing'] : []),
    ...(failure ? [`  ${failure}${lines.length > 0 ? '; what it had reported is above' : ''}`] : []),
  ]);
  return [...top, '', titles, ...sections.flat()].join('\n');
}
