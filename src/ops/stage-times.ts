/** How long each stage of a request took: said where it is known, heard by whoever measures. */
import { channel } from 'node:diagnostics_channel';

/** One stage of one request. */
export interface StageTime {
  /** `queue`, `decode`, `detect`, `align`, `embed` and what else the pipeline tells; `search`; `store`. */
  readonly stage: string;
  readonly seconds: number;
}

const times = channel('visage:stage');

/** Tells that a stage took so many milliseconds. Costs nothing where nobody listens. */
export function stageTook(stage: string, ms: number): void {
  if (times.hasSubscribers) times.publish({ stage, seconds: ms / 1000 } satisfies StageTime);
}

/** Calls a function with every stage from now on, in the turn that tells it. @returns what ends that. */
export function onStage(listener: (time: StageTime) => void): () => void {
  const subscriber = (message: unknown) => listener(message as StageTime);
  times.subscribe(subscriber);
  return () => times.unsubscribe(subscriber);
}
