import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { normals } from '../../src/base/random.ts';
import { createExecutor } from '../../src/native/executor.ts';
import {
  createGalleryIndex,
  type GalleryIndex,
  openSearchSpace,
  type Row,
} from '../../src/native/gallery-index.ts';
import { evenSpace, orthonormal } from '../../testing/search-spaces.ts';

const executor = createExecutor({ threads: 2, maxQueue: 4096 });
after(() => executor.close());

const DIMENSION = 96;
const RANK = 64;
const SPACE = evenSpace({ dimension: DIMENSION, rank: RANK });
const BASIS = orthonormal({ dimension: DIMENSION, rank: RANK });
const COUNT = 20_000;
const PROBES = 40;

function people(count: number, seed: number): Float32Array {
  const normal = normals(seed);
  const vectors = new Float32Array(count * DIMENSION);
  for (let at = 0; at < count; at++) {
    const coordinates = Float64Array.from({ length: RANK }, normal);
    const length = Math.hypot(...coordinates);
    const vector = row(vectors, at);
    for (const [axis, direction] of BASIS.entries()) {
      const share = (coordinates[axis] as number) / length;
      for (let i = 0; i < DIMENSION; i++)
        vector[i] = (vector[i] as number) + share * (direction[i] as number);
    }
  }
  return vectors;
}

/** A probe whose score with the vector is about 0.68, as of another image of the same person. */
function probeOf(vector: Float32Array, seed: number): Float32Array {
  const noise = people(1, 5000 + seed);
  const mixed = vector.map((value, i) => 0.68 * value + 0.73 * (noise[i] as number));
  const length = Math.hypot(...mixed);
  return mixed.map((value) => value / length);
}

const row = (vectors: Float32Array, i: number) => vectors.subarray(i * DIMENSION, (i + 1) * DIMENSION);
const labels = (count: number, from = 0) => BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i));

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

const rows = new WeakMap<Float32Array, Row>();

function rowOf(vector: Float32Array): Row {
  let own = rows.get(vector);
  if (!own) {
    own = SPACE.row(vector);
    rows.set(vector, own);
  }
  return own;
}

function best(held: ReadonlyMap<bigint, Float32Array>, probe: Float32Array, k: number): bigint[] {
  const scores = SPACE.compare(probe, [...held.values()].map(rowOf));
  return [...held.keys()]
    .map((label, i) => ({ label, score: scores[i] as number }))
    .sort((a, b) => b.score - a.score)
    .slice(0, k)
    .map(({ label }) => label);
}

async function recall(
  index: GalleryIndex,
  held: ReadonlyMap<bigint, Float32Array>,
  k: number,
  allow?: BigInt64Array,
): Promise<number> {
  const vectors = [...held.values()];
  let found = 0;
  let wanted = 0;
  for (let i = 0; i < PROBES; i++) {
    const probe = probeOf(vectors[(i * 7919) % vectors.length] as Float32Array, 1000 + i);
    const { ids } = await index.search(probe, k, allow);
    const expected = best(held, probe, k);
    assert.equal(ids.length, expected.length);
    wanted += expected.length;
    const answered = new Set(ids);
    found += expected.filter((label) => answered.has(label)).length;
  }
  return found / wanted;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    assert.ok(i < 12_000, 'the background does not end');
    await sleep(10);
  }
}

const all = people(COUNT, 7);
const everything = new Map(Array.from({ length: COUNT }, (_, i) => [BigInt(i), row(all, i)]));

async function filled(): Promise<GalleryIndex> {
  const index = createGalleryIndex(executor, SPACE);
  await index.add(labels(COUNT), all);
  return index;
}

let shared: Promise<GalleryIndex> | undefined;
function unchanged(): Promise<GalleryIndex> {
  shared ??= filled();
  return shared;
}

describe('A gallery with a search space', () => {
  test('is searched exactly while it is small, and among proposals when it is large', async () => {
    const blind = evenSpace({ dimension: DIMENSION, rank: RANK, isBlind: true });
    const index = createGalleryIndex(executor, blind);
    await index.add(labels(4000), all.subarray(0, 4000 * DIMENSION));
    const small = new Map([...everything].slice(0, 4000));
    assert.equal(await recall(index, small, 1), 1);
    const large = createGalleryIndex(executor, blind);
    await large.add(labels(COUNT), all);
    assert.ok((await recall(large, everything, 1)) < 0.5, 'a blind quantiser proposes the wrong rows');
  });

  test('finds all of the best', async () => {
    const index = await unchanged();
    for (const k of [1, 2]) assert.equal(await recall(index, everything, k), 1, `${k}`);
    for (const k of [16, 300]) assert.ok((await recall(index, everything, k)) >= 0.99, `${k}`);
    assert.equal(await recall(index, everything, COUNT), 1);
  });

  test('answers with exact scores, best first', async () => {
    const index = await unchanged();
    const probe = probeOf(row(all, 5), 5);
    const { ids, scores } = await index.search(probe, 16);
    for (const [i, label] of ids.entries()) {
      assert.deepEqual([scores[i]], [...SPACE.compare(probe, [row(all, Number(label))])]);
      assert.ok(i === 0 || (scores[i] as number) <= (scores[i - 1] as number));
    }
  });

  test('scores by the part of a template in the subspace', async () => {
    const index = createGalleryIndex(executor, SPACE);
    const inside = row(all, 0);
    const outside = Float32Array.from({ length: DIMENSION }, normals(8));
    for (const direction of BASIS) {
      const along = product(outside, Float32Array.from(direction));
      for (let i = 0; i < DIMENSION; i++)
        outside[i] = (outside[i] as number) - along * (direction[i] as number);
    }
    const both = inside.map((value, i) => value + (outside[i] as number));
    await index.add(labels(1), both);
    assert.ok(Math.abs(((await index.search(inside, 1)).scores[0] as number) - 1) < 1e-5);
  });

  test('finds an added vector at once, at every size', async () => {
    const index = createGalleryIndex(executor, SPACE);
    const more = people(400, 21);
    for (let i = 0; i < 400; i++) {
      await index.add(labels(50, 50 * i), all.subarray(50 * i * DIMENSION, 50 * (i + 1) * DIMENSION));
      await index.add(labels(1, COUNT + i), row(more, i));
      const { ids } = await index.search(probeOf(row(more, i), i), 1);
      assert.deepEqual([...ids], [BigInt(COUNT + i)]);
    }
  });

  test('finds nothing that was removed, and all that is left', async () => {
    const index = await filled();
    const removed = labels(COUNT).filter((label) => label % 5n === 0n);
    assert.equal(await index.remove(removed), removed.length);
    const left = new Map([...everything].filter(([label]) => label % 5n !== 0n));
    assert.equal(index.tombstones, removed.length);
    assert.equal(await recall(index, left, 1), 1);
    assert.ok((await recall(index, left, 16)) >= 0.99);
  });

  test('finds others where all near ones were removed', async () => {
    const index = await filled();
    const probe = probeOf(row(all, 5), 5);
    const near = best(everything, probe, COUNT / 8);
    await index.remove(BigInt64Array.from(near));
    const left = new Map(everything);
    for (const label of near) left.delete(label);
    const { ids } = await index.search(probe, 16);
    assert.deepEqual(new Set(ids), new Set(best(left, probe, 16)));
  });

  test('frees removed rows in the background, beside adds and removals', async () => {
    const index = await filled();
    const held = new Map(everything);
    const before = index.bytes;
    await index.remove(labels(COUNT).filter((label) => label % 2n === 0n));
    for (const label of [...held.keys()]) if (label % 2n === 0n) held.delete(label);
    const changed = people(300, 33);
    for (let i = 0; i < 300; i++) {
      const label = BigInt(3 * i);
      if (i % 3 === 0) {
        await index.remove(BigInt64Array.of(label));
        held.delete(label);
      } else {
        await index.add(BigInt64Array.of(label), row(changed, i));
        held.set(label, row(changed, i));
      }
    }
    await until(() => index.tombstones < 1024);
    assert.equal(index.size, held.size);
    await until(() => index.bytes < 0.8 * before);
    assert.equal(await recall(index, held, 1), 1);
    assert.ok((await recall(index, held, 16)) >= 0.99);
    assert.equal((await index.search(row(all, 1), 2 * COUNT)).ids.length, held.size);
  });

  test('finds only allowed vectors, whatever their share', async () => {
    const index = await unchanged();
    for (const share of [1, 0.9, 0.5, 0.2, 0.05, 0.001]) {
      const isAllowed = (label: bigint) => (label * 7919n) % 1000n < 1000 * share;
      const allow = labels(COUNT).filter(isAllowed);
      const allowed = new Map([...everything].filter(([label]) => isAllowed(label)));
      assert.equal(await recall(index, allowed, 1, allow), 1, `${share}`);
      assert.ok((await recall(index, allowed, 16, allow)) >= 0.99, `${share}`);
    }
  });

  test('finds the best of allowed vectors that are all unlike the probe', async () => {
    const index = await unchanged();
    const probe = probeOf(row(all, 5), 5);
    for (const left of [COUNT / 2, COUNT - 100, COUNT - 400]) {
      const far = best(everything, probe, COUNT).slice(COUNT - left);
      const { ids } = await index.search(probe, 16, BigInt64Array.from(far));
      assert.deepEqual(new Set(ids), new Set(far.slice(0, 16)), `${left}`);
    }
  });

  test('finds every person of a gallery with many copies of each', async () => {
    const few = people(60, 3);
    const copies = new Float32Array(6000 * DIMENSION);
    for (let i = 0; i < 6000; i++) copies.set(row(few, Math.floor(i / 100)), i * DIMENSION);
    const index = await filled();
    await index.add(labels(6000, COUNT), copies);
    for (let i = 0; i < 60; i++) {
      const { ids, scores } = await index.search(probeOf(row(few, i), i), 16);
      assert.ok((scores[0] as number) > 0.5, `person ${i}`);
      assert.equal(new Set(ids).size, 16);
      for (const id of ids) assert.equal(Math.floor((Number(id) - COUNT) / 100), i);
    }
  });

  test('answers a zero probe with scores of 0', async () => {
    const index = await unchanged();
    const { ids, scores } = await index.search(new Float32Array(DIMENSION), 3);
    assert.equal(new Set(ids).size, 3);
    assert.deepEqual([...scores], [0, 0, 0]);
  });

  test('answers any mixture of searches and changes as if they came one by one', async () => {
    const step = fc.record({
      kind: fc.constantFrom('add', 'add', 'remove', 'search'),
      at: fc.nat(COUNT - 1),
      count: fc.integer({ min: 1, max: 4000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const index = createGalleryIndex(executor, SPACE);
        const held = new Map<bigint, Float32Array>();
        const calls = steps.map(({ kind, at, count }) => {
          const some = labels(Math.min(count, COUNT - at), at);
          if (kind === 'add') {
            for (const label of some) held.set(label, row(all, Number(label)));
            return index.add(some, all.subarray(at * DIMENSION, (at + some.length) * DIMENSION));
          }
          if (kind === 'remove') {
            const had = some.filter((label) => held.delete(label)).length;
            return index.remove(some).then((removed) => assert.equal(removed, had));
          }
          const now = new Map(held);
          return index.search(row(all, at), 16).then(({ ids, scores }) => {
            assert.equal(ids.length, Math.min(16, now.size));
            assert.equal(new Set(ids).size, ids.length);
            for (const [i, label] of ids.entries()) {
              const vector = now.get(label);
              assert.ok(vector, 'it is not held');
              assert.ok(Math.abs(product(row(all, at), vector) - (scores[i] as number)) < 1e-3);
            }
            if (now.has(BigInt(at))) assert.ok((scores[0] as number) > 0.999);
          });
        });
        await Promise.all(calls);
        assert.equal(index.size, held.size);
      }),
      { numRuns: 20 },
    );
  });

  test('comes back from a snapshot without removed rows, and grows on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    try {
      const path = join(folder, 'snapshot');
      const index = await filled();
      await index.remove(labels(COUNT).filter((label) => label % 9n === 0n));
      const left = new Map([...everything].filter(([label]) => label % 9n !== 0n));
      await index.save(executor, path, '');
      const again = createGalleryIndex(executor, SPACE);
      await again.load(path);
      assert.equal(again.tombstones, 0);
      assert.equal(await recall(again, left, 1), 1);
      const more = people(600, 21);
      await again.add(labels(600, COUNT), more);
      for (let i = 0; i < 600; i += 50) {
        const { ids } = await again.search(row(more, i), 1);
        assert.deepEqual([...ids], [BigInt(COUNT + i)]);
      }
      const other = createGalleryIndex(executor, evenSpace({ dimension: DIMENSION, rank: RANK, seed: 2 }));
      await assert.rejects(other.load(path), /another search space/);
      await assert.rejects(
        createGalleryIndex(executor, openSearchSpace(DIMENSION)).load(path),
        /another search space/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
