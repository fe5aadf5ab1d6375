import { channel } from 'node:diagnostics_channel';

export interface StageTime {
  /** `queue`, `search`, `store`, or a pipeline stage such as `detect`. */
  readonly stage: string;
  readonly seconds: number;
}

const times = channel('visage:stage');

export function stageTook(stage: string, ms: number): void {
  if (times.hasSubscribers) times.publish({ stage, seconds: ms / 1000 } satisfies StageTime);
}

export function onStage(listener: (time: StageTime) => void): () => void {
  const subscriber = (message: unknown) => listener(message as StageTime);
  times.subscribe(subscriber);
  return () => times.unsubscribe(subscriber);
}
