import type { Executor } from '../native/executor.ts';
import type { Log } from './log.ts';

const CHECKS = 4;

export interface WatchdogOptions {
  readonly limitMs: number;
  readonly executor: Pick<Executor, 'stats'>;
  readonly probe: () => Promise<unknown>;
  readonly alive: () => void;
  readonly log: Log;
}

/**
 * A probe returns from the executor: event loop and threads work. While it waits, other jobs' progress counts
 * too.
 */
export function startWatchdog({ limitMs, executor, probe, alive, log }: WatchdogOptions): () => void {
  let isWaiting = false;
  let endedBefore = executor.stats().ended;
  const check = async () => {
    const { ended } = executor.stats();
    if (isWaiting) {
      if (ended !== endedBefore) alive();
      endedBefore = ended;
      return;
    }
    endedBefore = ended;
    isWaiting = true;
    try {
      await probe();
      alive();
    } catch (error) {
      log.error({ err: error }, "the executor refused the watchdog's probe");
    } finally {
      isWaiting = false;
    }
  };
  const timer = setInterval(check, limitMs / CHECKS);
  timer.unref();
  return () => clearInterval(timer);
}
