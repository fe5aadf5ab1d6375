import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextRound } from 'node:timers/promises';
import { uniforms } from '../../src/base/random.ts';
import { mapInTurns, sortedInTurns, Turn } from '../../src/base/turns.ts';
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

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

async function shortWork(): Promise<void> {
  const turn = new Turn();
  work(2);
  if (turn.isOver) await turn.next();
}

describe('Turns', () => {
  test('end for short functions too that run one after another', async () => {
    await nextRound();
    const turns = await turnsOf(async () => {
      for (let i = 0; i < 20; i++) await shortWork();
    });
    assert.ok(turns > 4, `${turns} turns`);
  });

  test('let new work overtake work that has waited before', async () => {
    let [isOver, steps] = [false, 0];
    const long = async () => {
      for (const turn = new Turn(); !isOver; steps++) {
        work(5);
        await turn.next();
      }
    };
    const running = Array.from({ length: 20 }, long);
    while (steps < 40) await nextRound();
    const before = steps;
    await new Turn().next();
    const meanwhile = steps - before;
    isOver = true;
    await Promise.all(running);
    assert.ok(meanwhile < 10, `${meanwhile} steps of other work`);
  });

  test('let work that has waited before go on, however much new work comes', async () => {
    let [isOver, steps] = [false, 0];
    const flood = async () => {
      while (!isOver && steps < 300) {
        await new Turn().next();
        work(3);
        steps++;
      }
    };
    const flooding = Array.from({ length: 5 }, flood);
    const turn = new Turn();
    for (let i = 0; i < 5; i++) await turn.next();
    isOver = true;
    await Promise.all(flooding);
    assert.ok(steps < 200, `${steps} steps of new work`);
  });

  test('map a list in its order, and let other work run in between', async () => {
    const items = Array.from({ length: 64 }, (_, i) => i);
    let mapped: number[] = [];
    const turns = await turnsOf(async () => {
      mapped = await mapInTurns(items, (item, at) => {
        work(0.5);
        return item + at;
      });
    });
    assert.deepEqual(
      mapped,
      items.map((item) => 2 * item),
    );
    assert.ok(turns > 2, `${turns} turns`);
  });
});
