/** The addon's own threads. */
import { addon } from './addon.ts';

/**
 * A bounded pool of the addon's own threads. While all are busy, `maxQueue` pictures may wait; more are refused with
 * `OVERLOADED`. Work on an index is never refused for that, and goes before pictures that wait: it belongs to requests
 * whose picture has been worked on. A picture is worked on by all threads that have nothing else to do.
 */
export interface Executor {
  /** Threads, jobs waiting and running at this moment, and jobs that have ended since the start. */
  stats(): {
    readonly threads: number;
    readonly queued: number;
    readonly running: number;
    readonly ended: number;
  };
  /** Lets running and waiting jobs end, then joins the threads. New work is refused with `NOT_READY`. */
  close(): Promise<void>;
}

interface Part {
  readonly Executor: new (options: { threads: number; maxQueue: number }) => Executor;
}

/** @param options `threads` 1..256; `maxQueue` jobs may wait, 1..65536. */
export function createExecutor(options: { threads: number; maxQueue: number }): Executor {
  return new (addon<Part>().Executor)(options);
}
