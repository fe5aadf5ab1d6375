/** Which test files run which faults, by V8's own coverage of every process that a test starts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const TEST_LIMIT_MS = 300_000;

const REPORTER = fileURLToPath(new URL('first-failure.mjs', import.meta.url));

/**
 * @param {string} root the project, or a mirror of it
 * @param {string} file of the test, relative to `root`
 * @param {number} limit milliseconds; a run that is longer counts as failed
 * @returns {Promise<{ passed: boolean, isCut: boolean, ms: number }>} `isCut`: the limit ended it
 */
export async function runTest(root, file, { env = {}, limit = TEST_LIMIT_MS } = {}) {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [`--test-reporter=${REPORTER}`, '--test-reporter-destination=stdout', file],
    {
      cwd: root,
      stdio: 'ignore',
      detached: true,
      env: { ...withoutTestContext(process.env), ...env },
    },
  );
  let isCut = false;
  const cut = setTimeout(() => {
    isCut = true;
    endGroup(child.pid);
  }, limit);
  const [code] = await once(child, 'exit');
  clearTimeout(cut);
  // Processes that a failed test left running would disturb the next test.
  endGroup(child.pid);
  return { passed: code === 0, isCut, ms: performance.now() - began };
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {}
}

function withoutTestContext({ NODE_TEST_CONTEXT: _, ...env }) {
  return env;
}

/** Ranges of a script that ran not even once are taken out of those that did: V8 nests them. */
function isRun(functions, at) {
  let count = 0;
  let size = Number.POSITIVE_INFINITY;
  for (const { ranges } of functions) {
    for (const range of ranges) {
      const length = range.endOffset - range.startOffset;
      if (range.startOffset <= at && at < range.endOffset && length <= size) {
        size = length;
        count = range.count;
      }
    }
  }
  return count > 0;
}

function coverageOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).result;
  } catch {
    return [];
  }
}

/**
 * @param {Map<string, { id: string, at: number }[]>} faults by file, relative to `root`
 * @returns {Promise<{ passed: boolean, ms: number, reached: string[] }>}
 */
export async function reachOf(root, file, faults) {
  const folder = mkdtempSync(join(tmpdir(), 'visage-reach-'));
  try {
    const { passed, ms } = await runTest(root, file, { env: { NODE_V8_COVERAGE: folder } });
    const reached = new Set();
    for (const name of readdirSync(folder)) {
      const result = coverageOf(join(folder, name));
      const scripts = new Map(result.map(({ url, functions }) => [url, functions]));
      for (const [path, own] of faults) {
        const functions = scripts.get(pathToFileURL(join(root, path)).href);
        if (functions) for (const { id, at } of own) if (isRun(functions, at)) reached.add(id);
      }
    }
    return { passed, ms, reached: [...reached] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
