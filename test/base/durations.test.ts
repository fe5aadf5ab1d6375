import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  addedDurations,
  DurationCounter,
  meanOf,
  NO_DURATIONS,
  percentileOf,
} from '../../src/base/durations.ts';
import { uniforms } from '../../src/base/random.ts';

function counted(all: readonly number[]) {
  const counter = new DurationCounter();
  for (const ms of all) counter.add(ms);
  return counter.durations;
}

describe('Durations', () => {
  test('have percentiles at most a tenth off, and an exact mean', () => {
    const random = uniforms(7);
    const all = Array.from({ length: 5000 }, () => 0.2 * 1000 ** random());
    const sorted = [...all].sort((first, second) => first - second);
    const durations = counted(all);
    for (const share of [0.01, 0.5, 0.95, 0.999, 1]) {
      const exact = sorted[Math.ceil(share * sorted.length) - 1] as number;
      const found = percentileOf(durations, share) as number;
      assert.ok(Math.abs(found / exact - 1) < 0.11, `${share}: ${found} for ${exact}`);
    }
    const mean = all.reduce((sum, ms) => sum + ms, 0) / all.length;
    assert.ok(Math.abs((meanOf(durations) as number) / mean - 1) < 0.01);
  });

  test('of several periods add up to those of the whole', () => {
    const [first, second] = [
      [1, 2, 300],
      [0, 4_000_000],
    ];
    const sum = addedDurations(counted(first as number[]), counted(second as number[]));
    assert.deepEqual(sum, counted([1, 2, 300, 0, 4_000_000]));
    assert.deepEqual(addedDurations(NO_DURATIONS, sum), sum);
  });

  test('that are missing have neither mean nor percentile', () => {
    assert.deepEqual([meanOf(NO_DURATIONS), percentileOf(NO_DURATIONS, 0.5)], [null, null]);
  });
});
