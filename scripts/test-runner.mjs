import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { run } from 'node:test';
import { spec as Spec } from 'node:test/reporters';

const FAILURES_SHOWN = 20_000;
const MOST_REPEATED = 5;
const SLOWEST_SHOWN = 12;
/** Files wait for about a quarter of their time. */
const AT_ONCE = availableParallelism() + 1;

export function testFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(folder, name))
    .sort();
}

export class Count {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** Reports at each level since the parent's report, which follows those of its children. */
  #reports = [];

  /**
   * @param {'test:pass' | 'test:fail'} type
   * @param {object} data from node:test
   * @returns {string | undefined} an error that node:test does not report
   */
  add(type, { name, nesting, skip, todo, details }) {
    const isParent = details?.type === 'suite' || (this.#reports[nesting + 1] ?? 0) > 0;
    this.#reports.length = nesting + 1;
    this.#reports[nesting] = (this.#reports[nesting] ?? 0) + 1;
    const isFile = nesting === 0 && name.endsWith('.test.js');
    if (type === 'test:fail' && todo === undefined) {
      if (details.error?.failureType !== 'subtestsFailed') this.failed += 1;
    } else if (isFile) {
      this.failed += 1;
      return `${name} has no test, or ended before its tests did.`;
    } else if (!isParent) {
      if (skip === undefined && todo === undefined) this.passed += 1;
      else this.skipped += 1;
    }
  }

  include({ passed, failed, skipped }) {
    this.passed += passed;
    this.failed += failed;
    this.skipped += skipped;
  }

  toString() {
    const skipped = this.skipped > 0 ? `, ${this.skipped} skipped` : '';
    return `${this.passed} passed, ${this.failed} failed${skipped}`;
  }
}

/** @returns {Record<string, number>} seconds by file; empty for a missing or damaged record */
function recordedTimes(record) {
  try {
    return JSON.parse(readFileSync(record, 'utf8'));
  } catch {
    return {};
  }
}

/** @returns {Promise<{ count: Count, text: string }>} `text` is the report */
async function runFile(file, timeout) {
  const count = new Count();
  const complaints = [];
  async function* events() {
    for await (const event of run({ files: [file], signal: AbortSignal.timeout(timeout) })) {
      const { type, data } = event;
      const complaint = type === 'test:pass' || type === 'test:fail' ? count.add(type, data) : undefined;
      if (complaint) complaints.push(complaint);
      if (type !== 'test:diagnostic' || data.file !== undefined) yield event;
    }
  }
  const report = await Readable.from(events()).compose(new Spec()).toArray();
  return { count, text: [report.join('').trim(), ...complaints].join('\n') };
}

/**
 * Runs up to five failed files once more, alone, since load can make a test with real processes fail.
 * @param {string[]} files absolute paths
 * @param {{ output?: NodeJS.WritableStream, concurrency?: number, timeout?: number, record?: string }} options
 * files at once, milliseconds for each, and a JSON file of their seconds: the longest run first
 */
export async function runTests(
  files,
  { output = process.stdout, concurrency = AT_ONCE, timeout = 300_000, record } = {},
) {
  const total = new Count();
  const recorded = record === undefined ? {} : recordedTimes(record);
  const secondsOf = (file) => recorded[file] ?? 0;
  const waiting = [...files].sort((a, b) => secondsOf(b) - secondsOf(a));
  const failed = [];
  const times = [];
  const report = async (file) => {
    const start = performance.now();
    const { count, text } = await runFile(file, timeout);
    const seconds = (performance.now() - start) / 1000;
    times.push({ file, seconds });
    recorded[file] = seconds;
    const shown = `${file}\n${text}\n\n`;
    output.write(shown);
    return { file, count, shown };
  };
  const runner = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const result = await report(file);
      if (result.count.failed > 0) failed.push(result);
      else total.include(result.count);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, runner));
  const summary = [];
  for (const first of failed) {
    const result = failed.length > MOST_REPEATED ? first : await report(first.file);
    total.include(result.count);
    const heading = result.count.failed > 0 ? 'Failed' : 'Failed at first, passed when repeated';
    summary.push(`${heading}: ${first.shown}`);
  }
  if (record !== undefined) writeFileSync(record, JSON.stringify(recorded));
  const slowest = times.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
  output.write(`The slowest of ${times.length} files:\n`);
  for (const { file, seconds } of slowest) output.write(`${seconds.toFixed(1).padStart(6)} s  ${file}\n`);
  if (summary.length > 0) output.write(summary.join('').slice(-FAILURES_SHOWN));
  return total;
}
