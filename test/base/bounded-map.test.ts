import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedMap } from '../../src/base/bounded-map.ts';

test('a bounded map removes its oldest entry when a new key exceeds the limit', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1).set('b', 2).set('a', 3);
  assert.deepEqual(
    [...map],
    [
      ['a', 3],
      ['b', 2],
    ],
  );
  map.set('c', 4);
  assert.deepEqual(
    [...map],
    [
      ['b', 2],
      ['c', 4],
    ],
  );
  map.delete('b');
  map.set('b', 5).set('d', 6);
  assert.deepEqual(
    [...map],
    [
      ['b', 5],
      ['d', 6],
    ],
  );
});

test('a large bounded map keeps the newest entries, and few more', () => {
  const map = new BoundedMap<number, number>(1_000);
  for (let i = 0; i < 10_000; i++) {
    map.set(i, i);
    assert.ok(map.size <= 1_062);
  }
  for (let i = 9_000; i < 10_000; i++) assert.equal(map.get(i), i);
});
