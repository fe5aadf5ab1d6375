/**
 * Installs and builds what a clone lacks. Set-up writes only into the clone, except for Debian packages and npm's cache.
 * If it is interrupted, start it again.
 */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { hasFaiss } from '../fetch-faiss.mjs';
import { hasHeaders } from '../fetch-headers.mjs';
import { incompletePacks } from '../model-packs.mjs';
import { addon, dashboard, typescript } from './build.mjs';
import { debianPackages, formatLibraries } from './debian-packages.mjs';
import { clientGenerators, npmPackages, webTools } from './npm.mjs';
import { commandRunner, exitWith, ROOT, SetupError, takeLock } from './run.mjs';

export { ROOT };

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {() => boolean} isDone fast, and without side effects
 * @property {(run: import('./run.mjs').Run) => Promise<void>} run
 */

/** Later steps need earlier ones. */
export const STEPS = [
  debianPackages(),
  formatLibraries(),
  npmPackages(ROOT),
  {
    name: 'ONNX Runtime headers',
    isDone: () => Boolean(process.env.ONNXRUNTIME_INCLUDE_DIR) || hasHeaders(),
    run: (run) => run('node scripts/fetch-headers.mjs'),
  },
  {
    name: 'FAISS source',
    isDone: hasFaiss,
    run: (run) => run('node scripts/fetch-faiss.mjs'),
  },
  {
    name: 'model packs',
    isDone: () => incompletePacks(ROOT).length === 0,
    run: (run) => run('node scripts/fetch-models.mjs'),
  },
  typescript(ROOT),
  webTools(ROOT),
  dashboard(ROOT),
  addon(ROOT),
];

export const TEST_STEPS = [
  ...STEPS,
  debianPackages(['chromium-headless-shell', 'doctest-dev'], 'Debian packages for tests'),
  clientGenerators(ROOT),
];

/**
 * @param {{ steps?: Step[], root?: string, output?: NodeJS.WritableStream }} options
 * @throws SetupError
 */
export async function setUp({ steps = STEPS, root = ROOT, output = process.stderr } = {}) {
  if (steps.every((step) => step.isDone())) return;
  const lock = await takeLock(join(root, 'deps/lock'), () =>
    output.write('[set-up] waiting for another set-up of this clone\n'),
  );
  const run = commandRunner({ cwd: root, output, lock });
  let step;
  try {
    for (step of steps) {
      if (step.isDone()) continue;
      await step.run(run);
      if (!step.isDone()) throw new SetupError('all commands succeeded, but the result is incomplete.');
    }
  } catch (cause) {
    if (cause instanceof SetupError) cause.message = `${step.name}: ${cause.message}`;
    throw cause;
  } finally {
    closeSync(lock);
  }
}

export const setUpOrExit = (steps = STEPS) => setUp({ steps }).catch(exitWith);
