/**
 * Runs compiled test files with node:test, each in its own process, and counts what a person would call a test.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { run } from 'node:test';
import { spec as Spec } from 'node:test/reporters';

/** Every `*.test.js` under a folder, sorted. */
export function testFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(folder, name))
    .sort();
}

/**
 * Counts the leaves of the tree of tests: a suite, or a test that has tests in it, counts only where it fails by
 * itself (in a hook, say). A file that has no test, or that ends in any other way than its tests did, is a failure.
 * One count is for one file; {@link Count#include} sums up.
 */
export class Count {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** Reports seen at each level since its parent's; a report comes after those of its children. */
  #reports = [];

  /**
   * @param {'test:pass' | 'test:fail'} type
   * @param {object} data as node:test emits them
   * @returns {string | undefined} what is wrong, where node:test itself does not say it
   */
  add(type, { name, nesting, skip, todo, details }) {
    const isParent = details?.type === 'suite' || (this.#reports[nesting + 1] ?? 0) > 0;
    this.#reports.length = nesting + 1;
    this.#reports[nesting] = (this.#reports[nesting] ?? 0) + 1;
    // node:test reports a file itself only where it had no test, or ended in another way than its tests did.
    const isFile = nesting === 0 && name.endsWith('.test.js');
    if (type === 'test:fail' && todo === undefined) {
      if (details.error?.failureType !== 'subtestsFailed') this.failed += 1;
    } else if (isFile) {
      this.failed += 1;
      return `${name} holds no test, or left before its tests were done.`;
    } else if (!isParent) {
      if (skip === undefined && todo === undefined) this.passed += 1;
      else this.skipped += 1;
    }
  }

  /** @param {Count} other */
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

/**
 * Runs one file. The whole of it has `timeout` milliseconds: node:test's own limit is for single tests in newer
 * versions of Node, and does not end a process that hangs.
 * @returns {Promise<{ count: Count, text: string }>} `text` is what is to be shown
 */
async function runFile(file, timeout) {
  const count = new Count();
  const complaints = [];
  async function* events() {
    for await (const event of run({ files: [file], signal: AbortSignal.timeout(timeout) })) {
      const { type, data } = event;
      const complaint = type === 'test:pass' || type === 'test:fail' ? count.add(type, data) : undefined;
      if (complaint) complaints.push(complaint);
      // The totals of one file say nothing: those of all come in the end.
      if (type !== 'test:diagnostic' || data.file !== undefined) yield event;
    }
  }
  const report = await Readable.from(events()).compose(new Spec()).toArray();
  return { count, text: [report.join('').trim(), ...complaints].join('\n') };
}

/**
 * @param {string[]} files absolute paths
 * @param {{ output?: NodeJS.WritableStream, concurrency?: number, timeout?: number }} options how many files run at
 *   once, and how long each may take, in milliseconds
 * @returns {Promise<Count>} after everything was written, file by file
 */
export async function runTests(files, { output = process.stdout, concurrency = 2, timeout = 300_000 } = {}) {
  const total = new Count();
  const waiting = [...files];
  const runner = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const { count, text } = await runFile(file, timeout);
      total.include(count);
      output.write(`${file}\n${text}\n\n`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, runner));
  return total;
}
