import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorVersusReject } from '../../bench/error-versus-reject.ts';

const pair = (first: number, second: number, isError = false) => ({ first, second, isError });

test('a pair goes with the worse of its two samples, the worst samples first', () => {
  const qualities = [90, 10, 50, 70];
  const pairs = [pair(0, 1, true), pair(0, 2, true), pair(0, 3), pair(2, 3)];
  assert.deepEqual(errorVersusReject(qualities, pairs, [0, 0.25, 0.5]), [2 / 4, 1 / 3, 0]);
});

test('nothing is left to err where every pair is refused', () => {
  assert.ok(Number.isNaN(errorVersusReject([1, 2], [pair(0, 1, true)], [0.5])[0]));
});
