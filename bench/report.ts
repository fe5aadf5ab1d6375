/**
 * A bench appends its figures as lines of JSON to the file that `npm run bench` names in the environment.
 * Without that variable, it only prints.
 */
import { appendFileSync } from 'node:fs';

export const REPORT_FILE = 'VISAGE_BENCH_REPORT';

export interface ReportLine {
  readonly claim: string;
  readonly value: number;
  readonly unit: string;
  readonly against?: { readonly name: string; readonly value: number };
  readonly ratio?: number;
  readonly aim?: string;
  readonly note?: string;
}

export interface PlotPoint {
  readonly plot: string;
  readonly line: string;
  readonly x: number;
  readonly y: number;
}

export type Versions = Readonly<Record<string, string>>;

export type ReportEntry =
  | { readonly kind: 'line'; readonly line: ReportLine }
  | { readonly kind: 'point'; readonly point: PlotPoint }
  | { readonly kind: 'versions'; readonly versions: Versions };

export function report(line: ReportLine): void {
  append({ kind: 'line', line });
}

export function reportPoint(point: PlotPoint): void {
  append({ kind: 'point', point });
}

export function reportVersions(versions: Versions): void {
  append({ kind: 'versions', versions });
}

function append(entry: ReportEntry): void {
  const file = process.env[REPORT_FILE];
  if (file) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}
