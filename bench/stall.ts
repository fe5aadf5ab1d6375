/**
 * Watches a process's event loop from inside: `node --import <this> program`. On SIGUSR2 it writes the longest time, in
 * milliseconds, for which the loop did not turn since the last such signal, to the file named by {@link STALL_FILE}: by the
 * clock, and in processor time of the loop's thread, which other programs of the machine do not lengthen. The first
 * signal begins it: watching takes processor time.
 */
import { openSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** The environment's variable with the path of the file. */
export const STALL_FILE = 'BENCH_STALL_FILE';

/** Milliseconds between two looks; a loop that always turns at once reads as this much. */
const RESOLUTION = 1;

/** Milliseconds of processor time that this process's first thread has taken; the kernel counts to a tick or better. */
function threadTime(): number {
  const length = readSync(schedule, bytes, 0, bytes.length, 0);
  return Number(bytes.toString('latin1', 0, length).split(' ', 1)[0]) / 1e6;
}

const bytes = Buffer.alloc(64);
const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');

const file = process.env[STALL_FILE];
if (file && isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  let [before, held] = [0, 0];
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const now = threadTime();
    held = Math.max(held, now - before);
    before = now;
  };
  process.on('SIGUSR2', () => {
    if (timer) look();
    writeFileSync(`${file}.new`, JSON.stringify([Math.max(0, delay.max / 1e6 - RESOLUTION), held]));
    renameSync(`${file}.new`, file);
    [before, held] = [threadTime(), 0];
    timer ??= setInterval(look, RESOLUTION).unref();
    delay.reset();
    delay.enable();
  });
}
