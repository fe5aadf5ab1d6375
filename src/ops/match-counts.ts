/** Publishes the result of each comparison of faces. */
import { channel } from 'node:diagnostics_channel';

const results = channel('visage:comparison');

export function compared(isMatch: boolean): void {
  if (results.hasSubscribers) results.publish(isMatch);
}

export function onCompared(listener: (isMatch: boolean) => void): () => void {
  const subscriber = (message: unknown) => listener(message as boolean);
  results.subscribe(subscriber);
  return () => results.unsubscribe(subscriber);
}
