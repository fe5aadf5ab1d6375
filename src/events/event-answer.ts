import type { EventView } from '../store/event-records.ts';

/** An event as the API answers it. */
export function answerOf({ at, id, review, ...event }: EventView) {
  return { id, time: timeOf(at), ...event, review: review && reviewOf(review) };
}

function reviewOf({ at, ...review }: NonNullable<EventView['review']>) {
  return { ...review, time: timeOf(at) };
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
