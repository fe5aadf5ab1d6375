/**
 * How a bench hands its figures to `npm run bench`: beside the text that it prints, it appends lines of JSON to the file
 * that the environment names. Run by itself, it only prints.
 */
import { appendFileSync } from 'node:fs';

/** The environment's variable with the path of the file. */
export const REPORT_FILE = 'VISAGE_BENCH_REPORT';

/** One line of the table. */
export interface ReportLine {
  /** What was measured, such as `640 x 480 JPEG over HTTP, one client, p50`. */
  readonly claim: string;
  /** NaN where there is only a `note`. */
  readonly value: number;
  /** Such as `ms`, `images/s`, `bytes a face`. */
  readonly unit: string;
  /** What it is compared with, measured in the same run, in the same unit. */
  readonly against?: { readonly name: string; readonly value: number };
  /** How `value` stands to `against`, in the direction in which `aim` is meant. */
  readonly ratio?: number;
  /** What was aimed at, in words: `at most 1.10 x floor + 1 ms`. */
  readonly aim?: string;
  /** What a reader has to know besides, or why there is no value. */
  readonly note?: string;
}

/** One point of a plot of how something grows. */
export interface PlotPoint {
  /** Name of the plot; `bench/growth.ts` knows its axes. */
  readonly plot: string;
  readonly line: string;
  readonly x: number;
  readonly y: number;
}

/** Versions of what was measured, for the top of the table. */
export type Versions = Readonly<Record<string, string>>;

/** What a file of a report holds, a line each. */
export type ReportEntry =
  | { readonly kind: 'line'; readonly line: ReportLine }
  | { readonly kind: 'point'; readonly point: PlotPoint }
  | { readonly kind: 'versions'; readonly versions: Versions };

/** Adds a line to the table. */
export function report(line: ReportLine): void {
  append({ kind: 'line', line });
}

/** Adds a point to a plot. */
export function reportPoint(point: PlotPoint): void {
  append({ kind: 'point', point });
}

/** Names versions. */
export function reportVersions(versions: Versions): void {
  append({ kind: 'versions', versions });
}

function append(entry: ReportEntry): void {
  const file = process.env[REPORT_FILE];
  if (file) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}
