import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { uniforms } from '../../src/base/random.ts';
import { sortedInTurns } from '../../src/base/turns.ts';
import { turnsOf } from '../../testing/turns.ts';

describe('Sorting in turns', () => {
  test('orders as a stable sort does, whatever the length', async () => {
    const uniform = uniforms(3);
    for (const length of [0, 1, 2, 2047, 2048, 2049, 10_000]) {
      const items = Array.from({ length }, (_, place) => ({ value: Math.floor(uniform() * 50), place }));
      const expected = [...items].sort((a, b) => a.value - b.value);
      assert.deepEqual(await sortedInTurns(items, (a, b) => a.value - b.value), expected);
    }
  });

  test('lets other work run in between', async () => {
    const slow = (a: number, b: number) => {
      const end = performance.now() + 0.01;
      while (performance.now() < end);
      return a - b;
    };
    const items = Array.from({ length: 4096 }, (_, i) => -i);
    const turns = await turnsOf(() => sortedInTurns(items, slow));
    assert.ok(turns > 1, `${turns} turns`);
  });
});
