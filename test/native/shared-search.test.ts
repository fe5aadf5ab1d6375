import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { normals } from '../../src/base/random.ts';
import { createExecutor, type Executor } from '../../src/native/executor.ts';
import { createGalleryIndex, openSearchSpace, type SearchSpace } from '../../src/native/gallery-index.ts';
import { evenSpace } from '../../testing/search-spaces.ts';

const DIMENSION = 32;
const COUNT = 300_000;
const PEOPLE = 150;

const executors = [1, 2, 4].map((threads) => createExecutor({ threads, maxQueue: 16 }));
after(() => Promise.all(executors.map((executor) => executor.close())));

const normal = normals(11);
const people = Float32Array.from({ length: PEOPLE * DIMENSION }, normal);
const probes = Array.from({ length: 12 }, (_, i) =>
  people.slice(i * DIMENSION, (i + 1) * DIMENSION).map((value) => value + normal()),
);
const allow = BigInt64Array.from({ length: COUNT / 2 }, (_, i) => BigInt(2 * i));

async function answersOf(executor: Executor, space: SearchSpace): Promise<unknown[]> {
  const index = createGalleryIndex(executor, space);
  const rows = space.row(people);
  const ids = BigInt64Array.from({ length: PEOPLE }, (_, i) => BigInt(i));
  for (let from = 0; from < COUNT; from += PEOPLE) {
    await index.add(
      ids.map((id) => id + BigInt(from)),
      rows,
    );
    const probe = probes[Math.floor((from / COUNT) * probes.length)];
    if (probe) await index.add(BigInt64Array.of(BigInt(COUNT + probes.indexOf(probe))), space.row(probe));
  }
  await index.remove(ids.filter((id) => id % 7n === 0n));
  const answers: unknown[] = [];
  for (const [i, probe] of probes.entries()) {
    assert.deepEqual([...(await index.search(probe, 1)).ids], [BigInt(COUNT + i)]);
    for (const k of [1, 30, 500]) {
      answers.push(await index.search(probe, k), await index.search(probe, k, allow));
    }
  }
  return answers;
}

describe('A search on one, two or four threads gives the same answers to the bit', () => {
  for (const [name, space] of [
    ['by proposals', evenSpace({ dimension: DIMENSION, rank: DIMENSION })],
    ['by an exact scan', openSearchSpace(DIMENSION)],
  ] as const) {
    test(name, async () => {
      const [alone, ...shared] = await Promise.all(executors.map((executor) => answersOf(executor, space)));
      for (const answers of shared) assert.deepEqual(answers, alone);
    });
  }
});
