/**
 * Watches a process's event loop from inside: `node --import <this> program`. On SIGUSR2 it writes the longest time, in
 * milliseconds, for which the loop did not turn since the last such signal, to the file named by {@link STALL_FILE}. The
 * first signal begins it: watching takes processor time.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** The environment's variable with the path of the file. */
export const STALL_FILE = 'BENCH_STALL_FILE';

/** Milliseconds between two looks; a loop that always turns at once reads as this much. */
const RESOLUTION = 1;

const file = process.env[STALL_FILE];
if (file && isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  process.on('SIGUSR2', () => {
    writeFileSync(`${file}.new`, String(Math.max(0, delay.max / 1e6 - RESOLUTION)));
    renameSync(`${file}.new`, file);
    delay.reset();
    delay.enable();
  });
}
