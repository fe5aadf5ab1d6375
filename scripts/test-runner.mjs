/**
 * Runs compiled test files with node:test, each in its own process, and counts what a person would call a test.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
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
 */
export class Count {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** Reports seen at each level since its parent's; a report comes after those of its children, file by file. */
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
      return `${name} holds no test.`;
    } else if (!isParent) {
      if (skip === undefined && todo === undefined) this.passed += 1;
      else this.skipped += 1;
    }
  }

  toString() {
    const skipped = this.skipped > 0 ? `, ${this.skipped} skipped` : '';
    return `${this.passed} passed, ${this.failed} failed${skipped}`;
  }
}

/**
 * @param {string[]} files absolute paths
 * @param {{ output?: NodeJS.WritableStream, concurrency?: number, timeout?: number }} options `timeout` in
 *   milliseconds is for each file as a whole
 * @returns {Promise<Count>} after everything was written
 */
export async function runTests(files, { output = process.stdout, concurrency = 2, timeout = 300_000 } = {}) {
  const count = new Count();
  const complaints = [];
  if (files.length === 0) return count;
  const events = run({ files, concurrency, timeout });
  for (const type of ['test:pass', 'test:fail']) {
    events.on(type, (data) => {
      const complaint = count.add(type, data);
      if (complaint) complaints.push(complaint);
    });
  }
  const report = events.compose(new Spec());
  report.pipe(output, { end: false });
  await finished(report);
  for (const complaint of complaints) output.write(`${complaint}\n`);
  return count;
}
