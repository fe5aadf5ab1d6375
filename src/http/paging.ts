import { VisageError } from '../errors.ts';

/** Parameters that every list takes. */
export const PAGING = {
  limit: {
    type: 'integer',
    minimum: 1,
    maximum: 1000,
    default: 1000,
    description: 'Entries to answer at most.',
  },
  cursor: {
    type: 'string',
    minLength: 1,
    maxLength: 512,
    pattern: '^[A-Za-z0-9_-]+$',
    description: 'The `nextCursor` of the answer before; the first entries where it is absent.',
  },
} as const;

export const NEXT_CURSOR = {
  type: ['string', 'null'],
  description: 'The `cursor` of the next call; null where nothing is left.',
} as const;

/** @param last the last entry's sort key, ASCII. */
export function encodeCursor(last: string): string {
  return Buffer.from(last, 'latin1').toString('base64url');
}

/**
 * The sort key behind which a page begins, null for the first page.
 * @param pattern what a sort key looks like. @throws VisageError `VALIDATION_FAILED` for a cursor that is none.
 */
export function decodeCursor(cursor: string | undefined, pattern: RegExp): string | null {
  if (cursor === undefined) return null;
  const last = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!pattern.test(last)) {
    const message = 'is not the nextCursor of an earlier answer';
    throw new VisageError('VALIDATION_FAILED', `cursor: ${message}.`, [{ path: 'cursor', message }]);
  }
  return last;
}
