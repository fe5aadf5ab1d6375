/**
 * Brings a clone to where it can serve: a list of steps, each of which knows whether it is done.
 *
 * Nothing is written outside the clone but Debian packages and npm's cache. Every step makes its result aside and moves
 * it into place, so an interrupted run is simply started again.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addon } from './addon.mjs';
import { cudaLibrary } from './cuda-library.mjs';
import { debianPackages } from './debian-packages.mjs';
import { takeLock } from './lock.mjs';
import { modelPacks } from './model-packs.mjs';
import { npmPackages } from './npm-packages.mjs';
import { onnxruntimeHeaders } from './onnxruntime-headers.mjs';
import { typescript } from './typescript.mjs';
import { commandRunner, SetupError, showProgress, tailOf } from './work.mjs';

/**
 * @typedef {object} Work What a step gets.
 * @property {(command: string, args: string[], options?: object) => Promise<string>} run runs a command, logged
 * @property {(text: string) => void} report says what is going on, for the line of progress
 * @property {string} temporary a folder of the project's own, on the clone's file system; it may not exist yet
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {() => boolean} isDone quick, and without side effects
 * @property {(work: Work) => Promise<void>} run
 */

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Every step, in the order in which they build on each other. */
export const STEPS = [
  debianPackages(),
  npmPackages(ROOT),
  onnxruntimeHeaders(ROOT),
  modelPacks(ROOT),
  typescript(ROOT),
  addon(ROOT),
  cudaLibrary(ROOT),
];

const INTERRUPTS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/**
 * Runs the steps that are not done. Two at once in one clone: the second waits for the first.
 * @param {{ steps?: Step[], root?: string, output?: NodeJS.WriteStream }} options
 * @throws SetupError with the name of the step that failed in front; after a signal, one with `exitCode`
 */
export async function setUp({ steps = STEPS, root = ROOT, output = process.stderr } = {}) {
  if (steps.every((step) => step.isDone())) return;
  const deps = join(root, 'deps');
  const stop = new AbortController();
  let exitCode = 0;
  const onSignal = (signal) => {
    exitCode = INTERRUPTS[signal];
    stop.abort();
  };
  for (const signal of Object.keys(INTERRUPTS)) process.on(signal, onSignal);
  let lock;
  let step;
  try {
    const onWait = () => output.write('[set-up] waiting for another set-up of this clone to end ...\n');
    lock = await takeLock(join(deps, 'lock'), onWait, stop.signal);
    for (step of steps)
      if (!step.isDone()) await runStep(step, deps, root, stop.signal, lock.descriptor, output);
  } catch (cause) {
    if (exitCode === 0) {
      const message = `${step ? `${step.name}: ` : ''}${cause.message}`;
      throw cause instanceof SetupError ? new SetupError(message, cause.log) : cause;
    }
    throw Object.assign(new SetupError('Interrupted. The next start goes on from here.'), { exitCode });
  } finally {
    lock?.release();
    for (const signal of Object.keys(INTERRUPTS)) process.off(signal, onSignal);
  }
}

async function runStep(step, deps, root, signal, lock, output) {
  const start = Date.now();
  const progress = showProgress(step.name, output);
  const log = join(deps, 'logs', `${step.name.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-')}.log`);
  const run = commandRunner({ log, cwd: root, signal, lock });
  try {
    await step.run({ run, report: progress.report, temporary: join(deps, 'tmp') });
    signal.throwIfAborted();
    if (!step.isDone())
      throw new SetupError('it ran through, and still is not done. This is a fault of set-up.', log);
  } finally {
    progress.end();
  }
  output.write(`[set-up] ${step.name}: done in ${((Date.now() - start) / 1000).toFixed(1)} s\n`);
}

/** Runs {@link setUp}; where it fails says why, shows the end of the log, and ends the process. */
export async function setUpOrExit(steps = STEPS) {
  try {
    await setUp({ steps });
  } catch (cause) {
    const { exitCode = 1, log } = cause;
    const text = cause instanceof SetupError ? cause.message : cause.stack;
    if (log) console.error(`--- the end of ${log}\n${tailOf(log)}\n---`);
    console.error(`[set-up] ${text}${log ? ` The whole log is ${log}.` : ''}`);
    process.exit(exitCode);
  }
}
