import { addon } from './addon.ts';

/**
 * Refuses images with `OVERLOADED` beyond `maxQueue`. Runs index work first and never refuses it. Idle threads
 * help with an image.
 */
export interface Executor {
  stats(): {
    readonly threads: number;
    readonly queued: number;
    readonly running: number;
    readonly ended: number;
  };
  /** Finishes all jobs. New work fails with `NOT_READY`. */
  close(): Promise<void>;
}

interface Exports {
  readonly Executor: new (options: { threads: number; maxQueue: number }) => Executor;
}

/** @param options `threads` 1..256, `maxQueue` 1..65536. */
export function createExecutor(options: { threads: number; maxQueue: number }): Executor {
  return new (addon<Exports>().Executor)(options);
}
