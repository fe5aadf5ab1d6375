/** draft-ietf-httpapi-idempotency-key-header. */
import { VisageError } from '../errors.ts';
import type { RequestHeaders, Route } from './route.ts';

const MAX_LENGTH = 255;
const VISIBLE = /^[\x21-\x7E]+$/;

export const REPLAYED_HEADER = 'Idempotency-Replayed';

/** Other methods are idempotent; public routes have no caller to keep an answer for. */
export function takesIdempotencyKey({ method, access }: Pick<Route, 'method' | 'access'>): boolean {
  return method === 'POST' && access.by !== 'anyone';
}

/**
 * Null on routes that ignore the header.
 * @throws `VALIDATION_FAILED`.
 */
export function idempotencyKeyOf(route: Route, headers: RequestHeaders): string | null {
  const key = headers['idempotency-key']?.[0];
  if (key === undefined || !takesIdempotencyKey(route)) return null;
  if (key.length <= MAX_LENGTH && VISIBLE.test(key)) return key;
  const message = `expected 1 to ${MAX_LENGTH} visible ASCII characters without spaces, got ${key.length} characters`;
  throw new VisageError('VALIDATION_FAILED', `Idempotency-Key: ${message}.`, [
    { path: 'Idempotency-Key', message },
  ]);
}
