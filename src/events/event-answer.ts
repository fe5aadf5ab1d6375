import type { EventView } from '../store/event-records.ts';

export function answerOf({ at, id, review, ...event }: EventView) {
  return { id, time: timeOf(at), ...event, review: review && reviewOf(review) };
}

function reviewOf({ at, ...review }: NonNullable<EventView['review']>) {
  return { ...review, time: timeOf(at) };
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
