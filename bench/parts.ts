/** Benches as processes of their own, so that one that dies takes nothing with it. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlotPoint, REPORT_FILE, type ReportEntry, type ReportLine, type Versions } from './report.ts';

/** One bench to run. */
export interface Part {
  /** Heading of its lines. */
  readonly title: string;
  /** Path of the program. */
  readonly program: string;
  readonly args: readonly string[];
}

/** What a bench reported before it ended, in whichever way it did. */
export interface PartReport {
  readonly title: string;
  readonly lines: readonly ReportLine[];
  readonly points: readonly PlotPoint[];
  readonly versions: Versions;
  /** How it failed, in words; undefined where it ended well. */
  readonly failure: string | undefined;
  readonly seconds: number;
  /** State of the sources and time of its end, in words; kept with it for later runs. */
  readonly commit?: string;
  readonly ended?: string;
  /** Of when it is, in words, where it is not of this run. */
  readonly earlier?: string;
}

/**
 * Runs a bench to its end. What it prints goes to standard error.
 * @param limit seconds after which it is ended.
 */
export async function runPart({ title, program, args }: Part, limit: number): Promise<PartReport> {
  const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
  const file = join(folder, 'report.jsonl');
  const began = performance.now();
  try {
    const failure = await endOf(program, args, file, limit);
    const entries = await entriesOf(file);
    return {
      title,
      lines: entries.flatMap((entry) => (entry.kind === 'line' ? [entry.line] : [])),
      points: entries.flatMap((entry) => (entry.kind === 'point' ? [entry.point] : [])),
      versions: Object.assign({}, ...entries.flatMap((e) => (e.kind === 'versions' ? [e.versions] : []))),
      failure,
      seconds: (performance.now() - began) / 1000,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function endOf(
  program: string,
  args: readonly string[],
  file: string,
  limit: number,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', program, ...args], {
      env: { ...process.env, [REPORT_FILE]: file },
      stdio: ['ignore', 2, 2],
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, 1000 * limit);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (late) resolve(`ended after ${limit} s, which is its limit`);
      else if (code !== 0) resolve(`died: ${signal ?? `exit code ${code}`}`);
      else resolve(undefined);
    });
  });
}

/** Whole lines only: a bench that was killed may have left half of one. */
async function entriesOf(file: string): Promise<ReportEntry[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as ReportEntry);
}
