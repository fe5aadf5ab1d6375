/**
 * Measures stalls of a process's event loop from inside: `node --import <this> program`. On SIGUSR2 it writes
 * the longest stall since the last signal to the file named by {@link STALL_FILE}: milliseconds by the clock,
 * and of the thread's processor time. The first signal starts the measurement.
 */
import { openSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

export const STALL_FILE = 'BENCH_STALL_FILE';

const RESOLUTION = 1;

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
