import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { uniforms } from '../../src/base/random.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { createGalleryIndex, openSearchSpace } from '../../src/native/gallery-index.ts';

const executor = createExecutor({ threads: 3, maxQueue: 4096 });
after(() => executor.close());

const DIMENSION = 8;
const ROUNDING = 1e-3;

const vector = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: DIMENSION, maxLength: DIMENSION })
  .filter((values) => Math.hypot(...values) > 0.01)
  .map((values) => Float32Array.from(values, (value) => value / Math.hypot(...values)));
const id = fc.bigInt({ min: -20n, max: 20n });
const ids = fc.array(id, { maxLength: 30 });

const operation = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    entries: fc.array(fc.tuple(id, vector), { maxLength: 12 }),
  }),
  fc.record({ kind: fc.constant('remove' as const), ids }),
  fc.record({
    kind: fc.constant('search' as const),
    query: vector,
    k: fc.integer({ min: 1, max: 50 }),
    allow: fc.option(ids, { nil: undefined }),
  }),
);

const product = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

function expected(
  held: Map<bigint, Float32Array>,
  query: Float32Array,
  k: number,
  allow?: readonly bigint[],
) {
  const scores = new Map<bigint, number>();
  for (const [key, value] of held) {
    if (!allow || allow.includes(key)) scores.set(key, product(query, value));
  }
  return { scores, best: [...scores.values()].sort((a, b) => b - a).slice(0, k) };
}

function rows(count: number, seed: number, dimension: number): Float32Array {
  const values = new Float32Array(count * dimension);
  const uniform = uniforms(seed);
  for (let i = 0; i < values.length; i++) values[i] = 2 * uniform() - 1;
  for (let row = 0; row < count; row++) {
    const one = values.subarray(row * dimension, (row + 1) * dimension);
    const length = Math.hypot(...one);
    for (let i = 0; i < dimension; i++) one[i] = (one[i] as number) / length;
  }
  return values;
}

const labels = (count: number, from = 0) => BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i));

describe('the search index', () => {
  test('does any mixture of operations in the order of the calls, exactly', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
        const index = createGalleryIndex(executor, openSearchSpace(DIMENSION));
        const held = new Map<bigint, Float32Array>();
        const checks = operations.map((step) => {
          if (step.kind === 'add') {
            for (const [key, value] of step.entries) held.set(key, value);
            const flat = Float32Array.from(step.entries.flatMap(([, value]) => [...value]));
            return index.add(
              BigInt64Array.from(step.entries, ([key]) => key),
              flat,
            );
          }
          if (step.kind === 'remove') {
            const before = held.size;
            for (const key of step.ids) held.delete(key);
            const removed = before - held.size;
            return index.remove(BigInt64Array.from(step.ids)).then((count) => assert.equal(count, removed));
          }
          const { query, k, allow } = step;
          const { scores, best } = expected(held, query, k, allow);
          return index.search(query, k, allow && BigInt64Array.from(allow)).then((found) => {
            assert.equal(found.ids.length, best.length);
            assert.equal(new Set(found.ids).size, best.length);
            for (const [i, score] of found.scores.entries()) {
              assert.ok(Math.abs(score - (best[i] as number)) < ROUNDING);
              assert.ok(Math.abs(score - (scores.get(found.ids[i] as bigint) as number)) < ROUNDING);
            }
          });
        });
        await Promise.all(checks);
        assert.equal(index.size, held.size);
      }),
      { numRuns: 200 },
    );
  });

  test('finds the same neighbours as a plain computation among templates of full length', async () => {
    const [count, dimension, k] = [2000, 512, 150];
    const vectors = rows(count, 1, dimension);
    const query = rows(1, 2, dimension);
    const index = createGalleryIndex(executor, openSearchSpace(dimension));
    await index.add(labels(count, 1000), vectors);
    const scores = labels(count).reduce(
      (all, _, i) =>
        all.set(BigInt(1000 + i), product(query, vectors.subarray(i * dimension, (i + 1) * dimension))),
      new Map<bigint, number>(),
    );
    const best = [...scores.values()].sort((a, b) => b - a);
    const found = await index.search(query, k);
    assert.equal(new Set(found.ids).size, k);
    for (const [i, key] of found.ids.entries()) {
      assert.ok(Math.abs((found.scores[i] as number) - (scores.get(key) as number)) < 1e-4);
      assert.ok(Math.abs((found.scores[i] as number) - (best[i] as number)) < 1e-4);
    }
  });

  test('finds every vector while others come and go on all threads', async () => {
    const index = createGalleryIndex(executor, openSearchSpace(DIMENSION));
    const lasting = rows(200, 3, DIMENSION);
    await index.add(labels(200), lasting);
    const work: Promise<void>[] = [];
    for (let round = 0; round < 50; round++) {
      const passing = labels(40, 1000 + round * 40);
      work.push(index.add(passing, rows(40, 4 + round, DIMENSION)));
      for (let i = 0; i < 8; i++) {
        const row = (round * 8 + i) % 200;
        const query = lasting.subarray(row * DIMENSION, (row + 1) * DIMENSION);
        work.push(index.search(query, 1).then((found) => assert.ok((found.scores[0] as number) > 0.9999)));
      }
      work.push(index.remove(passing).then((count) => assert.equal(count, 40)));
    }
    await Promise.all(work);
    assert.equal(index.size, 200);
  });

  test('keeps account of thousands of labels that come and go, whatever they are', async () => {
    const index = createGalleryIndex(executor, openSearchSpace(1));
    const all = Array.from({ length: 3000 }, (_, i) => {
      const spread = [BigInt(i), BigInt(-i * 1024), BigInt(i) << 40n, 2n ** 63n - 1n - BigInt(i)];
      return spread[i % 4] as bigint;
    });
    const held = new Set<bigint>();
    const uniform = uniforms(7);
    const some = () => Array.from({ length: 700 }, () => all[Math.floor(uniform() * all.length)] as bigint);
    for (let round = 0; round < 25; round++) {
      const [added, removed] = [some(), some()];
      await index.add(BigInt64Array.from(added), new Float32Array(added.length).fill(1));
      for (const key of added) held.add(key);
      const there = new Set(removed.filter((key) => held.delete(key)));
      assert.equal(await index.remove(BigInt64Array.from(removed)), there.size);
      assert.equal(index.size, held.size);
      const { ids } = await index.search(Float32Array.of(1), all.length, BigInt64Array.from(all));
      assert.deepEqual(new Set(ids), held);
      assert.equal(ids.length, held.size);
    }
  });

  test('lets no search pass a write that was called before it, while an earlier search is still at work', async () => {
    const [count, dimension] = [20_000, 128];
    const index = createGalleryIndex(executor, openSearchSpace(dimension));
    await index.add(labels(count), rows(count, 9, dimension));
    for (let round = 0; round < 5; round++) {
      const key = BigInt(count + round);
      const query = rows(1, 10 + round, dimension);
      const [, , found] = await Promise.all([
        index.search(query, count),
        index.add(BigInt64Array.of(key), query),
        index.search(query, 1),
      ]);
      assert.deepEqual([...found.ids], [key]);
    }
  });

  test('answers a longer probe as one of length 1, and a zero probe with zeros', async () => {
    const index = createGalleryIndex(executor, openSearchSpace(DIMENSION));
    const vectors = rows(5, 5, DIMENSION);
    await index.add(labels(5), vectors);
    const query = rows(1, 6, DIMENSION);
    const [unit, long] = await Promise.all([
      index.search(query, 5),
      index.search(
        query.map((value) => 3 * value),
        5,
      ),
    ]);
    assert.deepEqual(long, unit);
    assert.deepEqual((await index.search(new Float32Array(DIMENSION), 5)).scores, new Float32Array(5));
  });

  test('finds nothing in an empty index and among ids that are not held', async () => {
    const index = createGalleryIndex(executor, openSearchSpace(DIMENSION));
    const query = rows(1, 7, DIMENSION);
    const none = { ids: new BigInt64Array(), scores: new Float32Array(), isDamaged: false };
    assert.deepEqual(await index.search(query, 3), none);
    await index.add(labels(3), rows(3, 8, DIMENSION));
    assert.equal((await index.search(query, 3, new BigInt64Array())).ids.length, 0);
    assert.deepEqual([...(await index.search(query, 3, BigInt64Array.of(2n, 9n, 2n))).ids], [2n]);
  });

  test('refuses what is not a vector of its dimension, with a sentence', async () => {
    const index = createGalleryIndex(executor, openSearchSpace(DIMENSION));
    const message = (text: RegExp) => ({ name: 'TypeError', message: text });
    assert.throws(
      () => index.search(new Float32Array(7), 1),
      message(/probe must hold 16 bytes or 8 floats/),
    );
    assert.throws(() => index.search(new Uint8Array(15), 1), message(/probe must hold 16 bytes or 8 floats/));
    await assert.rejects(index.search(new Float32Array(8).fill(Number.NaN), 1), /not a finite number/);
    await assert.rejects(index.search(new Uint8Array(16).fill(0x7c), 1), /not a finite number/);
    assert.throws(() => index.search(new Float32Array(8), 0), message(/k must be a whole number/));
    assert.throws(
      () => index.add(labels(2), new Float32Array(12)),
      message(/16 bytes or 8 floats for each face/),
    );
    assert.throws(
      () => index.remove([1n] as unknown as BigInt64Array),
      message(/ids must be a BigInt64Array/),
    );
    assert.throws(
      () => createGalleryIndex(executor, openSearchSpace(0)),
      message(/dimension must be a whole number/),
    );
  });
});
