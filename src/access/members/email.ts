import type { Schema } from '../../api/schema.ts';
import { VisageError } from '../../errors.ts';

export const EMAIL = {
  type: 'string',
  minLength: 3,
  maxLength: 254,
  pattern: '^[^\\s@]+@[^\\s@]+$',
  examples: ['alice@example.com'],
} as const satisfies Schema;

const FORM = new RegExp(EMAIL.pattern, 'u');

/** Includes unpaired surrogates, which the store cannot distinguish. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}]/u;

/** Does not validate. */
export function normalizedEmail(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase();
}

/**
 * NFKC can expand one character to eighteen, so validation follows.
 * @throws `VALIDATION_FAILED`.
 */
export function emailOf(typed: string, path = '/email'): string {
  const email = normalizedEmail(typed);
  if (FORM.test(email) && [...email].length <= EMAIL.maxLength && !INVISIBLE.test(email)) return email;
  const message =
    `expected an e-mail of ${EMAIL.maxLength} characters at most, with one @, and without spaces or invisible ` +
    'characters, also after Unicode NFKC';
  throw new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
}
