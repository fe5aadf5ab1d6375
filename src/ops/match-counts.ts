/** Publishes the result of each comparison of a face with a gallery or another face. */
import { channel } from 'node:diagnostics_channel';

const results = channel('visage:comparison');

/** Costs nothing without a listener. */
export function compared(isMatch: boolean): void {
  if (results.hasSubscribers) results.publish(isMatch);
}

/**
 * Calls the listener synchronously for every result.
 * @returns a function that unsubscribes.
 */
export function onCompared(listener: (isMatch: boolean) => void): () => void {
  const subscriber = (message: unknown) => listener(message as boolean);
  results.subscribe(subscriber);
  return () => results.unsubscribe(subscriber);
}
