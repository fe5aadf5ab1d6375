import { VisageError } from '../errors.ts';

export const PAGING = {
  limit: {
    type: 'integer',
    minimum: 1,
    maximum: 1000,
    default: 1000,
    description: 'Maximum number of entries.',
  },
  cursor: {
    type: 'string',
    minLength: 1,
    maxLength: 512,
    pattern: '^[A-Za-z0-9_-]+$',
    description: 'The `nextCursor` of the previous page; absent for the first page.',
  },
} as const;

export const NEXT_CURSOR = {
  type: ['string', 'null'],
  description: 'The `cursor` of the next page; null on the last page.',
} as const;

/** @param last ASCII sort key of the last entry. */
export function encodeCursor(last: string): string {
  return Buffer.from(last, 'latin1').toString('base64url');
}

/** @throws `VALIDATION_FAILED`. */
export function decodeCursor(cursor: string | undefined, pattern: RegExp): string | null {
  if (cursor === undefined) return null;
  const last = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!pattern.test(last)) {
    const message = 'expected the nextCursor of an earlier answer';
    throw new VisageError('VALIDATION_FAILED', `cursor: ${message}.`, [{ path: 'cursor', message }]);
  }
  return last;
}
