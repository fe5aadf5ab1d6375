import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { idempotencyKeyOf } from '../../src/api/idempotency-key.ts';
import type { Route } from '../../src/api/route.ts';
import { VisageError } from '../../src/errors.ts';

const keyOf = (key: string | undefined, route: object = { method: 'POST', access: { by: 'caller' } }) =>
  idempotencyKeyOf(route as Route, key === undefined ? {} : { 'idempotency-key': [key] });

describe('The header Idempotency-Key', () => {
  test('is read on a POST with a caller, up to 255 visible characters', () => {
    for (const key of ['a', '!~', 'k'.repeat(255)]) assert.equal(keyOf(key), key);
    assert.equal(keyOf(undefined), null);
  });

  test('is refused with a space, another alphabet or too many characters', () => {
    for (const key of ['', 'a b', 'ä', 'k'.repeat(256)]) {
      assert.throws(
        () => keyOf(key),
        (error) => error instanceof VisageError && error.code === 'VALIDATION_FAILED',
      );
    }
  });

  test('is ignored on other methods, and without a caller', () => {
    assert.equal(keyOf('a b', { method: 'PUT', access: { by: 'caller' } }), null);
    assert.equal(keyOf('a b', { method: 'POST', access: { by: 'anyone' } }), null);
  });
});
