/** Tells systemd that the service lives, as long as it does. */
import type { Executor } from '../native/executor.ts';
import type { Log } from './log.ts';

/** Looks so many times within the limit, so that one late look is not the end. */
const LOOKS = 4;

export interface WatchdogOptions {
  /** Milliseconds within which systemd wants to hear. */
  readonly limitMs: number;
  readonly executor: Pick<Executor, 'stats'>;
  /** Resolves after a job went through the executor and back to this thread. */
  readonly probe: () => Promise<unknown>;
  /** Tells systemd. */
  readonly alive: () => void;
  readonly log: Log;
}

/**
 * Sends a job through the executor again and again, and tells systemd when it comes back: so both the event loop and
 * the executor's threads were at work. While the job waits behind others, it is enough that some of them end.
 * @returns ends it.
 */
export function startWatchdog({ limitMs, executor, probe, alive, log }: WatchdogOptions): () => void {
  let isWaiting = false;
  let endedBefore = executor.stats().ended;
  const look = async () => {
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
      log.error({ err: error }, "the executor does not take the watchdog's job");
    } finally {
      isWaiting = false;
    }
  };
  const timer = setInterval(look, limitMs / LOOKS);
  timer.unref();
  return () => clearInterval(timer);
}
