/** Publishes how long each request stage takes. */
import { channel } from 'node:diagnostics_channel';

export interface StageTime {
  /** `queue`, `search`, `store`, or a pipeline stage such as `decode` or `detect`. */
  readonly stage: string;
  readonly seconds: number;
}

const times = channel('visage:stage');

/** Costs nothing without a listener. */
export function stageTook(stage: string, ms: number): void {
  if (times.hasSubscribers) times.publish({ stage, seconds: ms / 1000 } satisfies StageTime);
}

/**
 * Calls the listener synchronously for every stage.
 * @returns a function that unsubscribes.
 */
export function onStage(listener: (time: StageTime) => void): () => void {
  const subscriber = (message: unknown) => listener(message as StageTime);
  times.subscribe(subscriber);
  return () => times.unsubscribe(subscriber);
}
