import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeCursor, encodeCursor } from '../../src/api/paging.ts';
import { VisageError } from '../../src/errors.ts';

describe('A cursor', () => {
  test('leads back to the entry that it was made from', () => {
    assert.equal(decodeCursor(encodeCursor('2026-01-15 anna\xe4'), /^2026/), '2026-01-15 anna\xe4');
  });

  test('is the first page where it is absent', () => {
    assert.equal(decodeCursor(undefined, /^never$/), null);
  });

  test('of another list is refused', () => {
    assert.throws(
      () => decodeCursor(encodeCursor('other'), /^\d+$/),
      (error) => error instanceof VisageError && error.code === 'VALIDATION_FAILED',
    );
  });
});
