/** Runs each bench in a process, so that a crash does not end the others. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlotPoint, REPORT_FILE, type ReportEntry, type ReportLine, type Versions } from './report.ts';

export interface Part {
  readonly title: string;
  readonly program: string;
  readonly args: readonly string[];
}

export interface PartReport {
  readonly title: string;
  readonly lines: readonly ReportLine[];
  readonly points: readonly PlotPoint[];
  readonly versions: Versions;
  readonly failure: string | undefined;
  readonly seconds: number;
  readonly commit?: string;
  readonly ended?: string;
  readonly earlier?: string;
}

/** @param limit seconds after which it is ended. */
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

async function entriesOf(file: string): Promise<ReportEntry[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as ReportEntry);
}
