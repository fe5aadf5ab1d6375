import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newIdentifier } from '../../src/store/records.ts';

test('an identifier is its prefix and 26 characters of base32', () => {
  assert.match(newIdentifier('face_', Date.now()), /^face_[0-9A-HJKMNP-TV-Z]{26}$/);
});

test('identifiers sort by time', () => {
  const times = [0, 1, 31, 32, 1_000_000, Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1) + 1, 2 ** 48 - 1];
  const ids = times.map((time) => newIdentifier('face_', time));
  assert.deepEqual(ids.toSorted(), ids);
});

test('identifiers of one moment differ in their last 16 characters, all over', () => {
  const ids = Array.from({ length: 2000 }, () => newIdentifier('face_', 1).slice(-16));
  assert.equal(new Set(ids).size, ids.length);
  for (let i = 0; i < 16; i++) assert.equal(new Set(ids.map((id) => id[i])).size, 32);
});
