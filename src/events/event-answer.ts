import type { EventView } from '../store/event-records.ts';

/** An event as the API answers it. */
export function answerOf({ at, id, ...event }: EventView) {
  return { id, time: new Date(at).toISOString(), ...event };
}
