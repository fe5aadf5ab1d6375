import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { normals } from '../../src/base/random.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { createGalleryIndex, type GalleryIndex } from '../../src/native/gallery-index.ts';

const executor = createExecutor({ threads: 2, maxQueue: 4096 });
after(() => executor.close());

const DIMENSION = 128;
/** Vectors from which on these tests have a graph. */
const GRAPH_FROM = 200;
const COUNT = 4000;
/** Probes of one measurement of recall. */
const PROBES = 40;

/** Unit vectors as those of faces are: of 300 people, who are a little like each other. Row `i` is of person `i % 300`. */
function faces(count: number, seed: number, noise = 0.8): Float32Array {
  const person = normals(1);
  const people = Array.from({ length: 300 }, () => {
    // Few directions have most of the variance.
    const values = Array.from({ length: DIMENSION }, (_, i) => person() * Math.exp(-i / 40));
    return values.map((value) => value / Math.hypot(...values));
  });
  const normal = normals(seed);
  const vectors = new Float32Array(count * DIMENSION);
  for (let row = 0; row < count; row++) {
    const centre = people[row % people.length] as number[];
    const values = centre.map((value) => value + (noise / Math.sqrt(DIMENSION)) * normal());
    const length = Math.hypot(...values);
    vectors.set(
      values.map((value) => value / length),
      row * DIMENSION,
    );
  }
  return vectors;
}

const row = (vectors: Float32Array, i: number) => vectors.subarray(i * DIMENSION, (i + 1) * DIMENSION);
const labels = (count: number, from = 0) => BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i));

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** The `k` best of `held` by plain computation, best first. */
function best(held: ReadonlyMap<bigint, Float32Array>, probe: Float32Array, k: number): bigint[] {
  return [...held]
    .map(([label, vector]) => ({ label, score: product(probe, vector) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, k)
    .map(({ label }) => label);
}

/** Share of the `k` best that are found, over PROBES probes. */
async function recall(
  index: GalleryIndex,
  held: ReadonlyMap<bigint, Float32Array>,
  k: number,
  allow?: BigInt64Array,
  width?: number,
): Promise<number> {
  const probes = faces(PROBES, 99);
  let found = 0;
  let wanted = 0;
  for (let i = 0; i < PROBES; i++) {
    const probe = row(probes, i);
    const { ids } = await index.search(probe, k, allow, width);
    const expected = best(held, probe, k);
    assert.equal(ids.length, expected.length);
    wanted += expected.length;
    found += expected.filter((label) => ids.includes(label)).length;
  }
  return found / wanted;
}

/** Waits until the background has come so far. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    assert.ok(i < 12_000, 'the background does not end');
    await sleep(10);
  }
}

const all = faces(COUNT, 7);
const everything = new Map(Array.from({ length: COUNT }, (_, i) => [BigInt(i), row(all, i)]));

async function filled(): Promise<GalleryIndex> {
  const index = createGalleryIndex(executor, DIMENSION, GRAPH_FROM);
  await index.add(labels(COUNT), all);
  return index;
}

/** One whose graph is built, for tests that change nothing. */
let built: Promise<GalleryIndex> | undefined;
function unchanged(): Promise<GalleryIndex> {
  built ??= linked();
  return built;
}

async function linked(): Promise<GalleryIndex> {
  const index = await filled();
  await until(() => isLinked(index));
  return index;
}

/** All but a few rows, which are never worth a link. */
const isLinked = (index: GalleryIndex) => index.stats().linked >= index.size - 256;

describe('a gallery with a graph', () => {
  test('is searched exactly until it is large enough', async () => {
    const index = createGalleryIndex(executor, DIMENSION, GRAPH_FROM);
    await index.add(labels(GRAPH_FROM - 1), all.subarray(0, (GRAPH_FROM - 1) * DIMENSION));
    await sleep(50);
    assert.equal(index.stats().linked, 0);
    await index.add(labels(COUNT), all);
    await until(() => isLinked(index));
  });

  test('finds nearly all of the best', async () => {
    const index = await unchanged();
    assert.ok((await recall(index, everything, 1)) >= 0.98);
    assert.ok((await recall(index, everything, 16)) >= 0.98);
    assert.ok((await recall(index, everything, 300)) >= 0.98);
  });

  test('follows as many vectors as a search asks for', async () => {
    const index = await unchanged();
    const [few, more, every] = [
      await recall(index, everything, 1, undefined, 1),
      await recall(index, everything, 1, undefined, 32),
      await recall(index, everything, 1, undefined, COUNT),
    ];
    assert.ok(few < more, `${few} with 1, ${more} with 32`);
    assert.equal(every, 1, 'it is exact where that is as fast');
    assert.throws(() => index.search(row(faces(1, 3), 0), 1, undefined, 0), {
      message: /width must be a whole number/,
    });
  });

  test('answers with scores of full precision, best first', async () => {
    const index = await unchanged();
    const probe = row(faces(1, 5), 0);
    const { ids, scores } = await index.search(probe, 16);
    for (const [i, label] of ids.entries()) {
      assert.ok(Math.abs((scores[i] as number) - product(probe, row(all, Number(label)))) < 1e-4);
      assert.ok(i === 0 || (scores[i] as number) <= (scores[i - 1] as number));
    }
  });

  test('finds at once what is added while the graph is built, and after', async () => {
    const index = await filled();
    const more = faces(400, 21, 3);
    for (let i = 0; i < 400; i++) {
      await index.add(labels(1, COUNT + i), row(more, i));
      const { ids } = await index.search(row(more, i), 1);
      assert.deepEqual([...ids], [BigInt(COUNT + i)]);
    }
    await until(() => isLinked(index));
    await index.add(labels(1, 2 * COUNT), row(more, 3).map((value) => -value) as Float32Array);
    const { ids } = await index.search(row(more, 3).map((value) => -value) as Float32Array, 1);
    assert.deepEqual([...ids], [BigInt(2 * COUNT)]);
  });

  test('finds nothing that was removed, and all that is left', async () => {
    const index = await linked();
    const removed = labels(COUNT).filter((label) => label % 5n === 0n);
    assert.equal(await index.remove(removed), removed.length);
    const left = new Map([...everything].filter(([label]) => label % 5n !== 0n));
    assert.equal(index.stats().tombstones, removed.length);
    assert.ok((await recall(index, left, 1)) >= 0.98);
    assert.ok((await recall(index, left, 16)) >= 0.98);
  });

  test('finds others where everybody near was removed', async () => {
    const index = await linked();
    const [probe] = [row(faces(1, 5), 0)];
    const near = best(everything, probe, COUNT / 8);
    await index.remove(BigInt64Array.from(near));
    const left = new Map(everything);
    for (const label of near) left.delete(label);
    const { ids } = await index.search(probe, 16);
    assert.equal(ids.length, 16);
    assert.ok(best(left, probe, 16).filter((label) => ids.includes(label)).length >= 14);
  });

  test('sweeps out what was removed, and takes in what is added and removed meanwhile', async () => {
    const index = await linked();
    const held = new Map(everything);
    const before = index.bytes;
    await index.remove(labels(COUNT).filter((label) => label % 2n === 0n));
    for (const label of [...held.keys()]) if (label % 2n === 0n) held.delete(label);
    const changed = faces(300, 33);
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
    await until(() => index.stats().tombstones < 1024 && isLinked(index));
    assert.equal(index.size, held.size);
    assert.ok(index.bytes < 0.8 * before);
    assert.ok((await recall(index, held, 16)) >= 0.98);
    assert.equal((await index.search(row(all, 1), 2 * COUNT)).ids.length, held.size);
  });

  test('gives the graph up when few are left', async () => {
    const index = await linked();
    await index.remove(labels(COUNT - 50));
    await until(() => index.stats().linked === 0 && index.stats().tombstones === 0);
    const left = new Map([...everything].slice(COUNT - 50));
    assert.equal(await recall(index, left, 10), 1);
  });

  test('finds only what is allowed, whatever the share of it', async () => {
    const index = await unchanged();
    for (const share of [1, 0.9, 0.5, 0.2, 0.05, 0.001]) {
      const allow = labels(COUNT).filter((label) => (label * 7919n) % 1000n < 1000 * share);
      const allowed = new Map([...everything].filter(([label]) => (label * 7919n) % 1000n < 1000 * share));
      for (const k of [1, 16]) assert.ok((await recall(index, allowed, k, allow)) >= 0.98, `${share}, ${k}`);
    }
  });

  test('finds those that are allowed where they are unlike the probe', async () => {
    const index = await unchanged();
    const probe = row(faces(1, 5), 0);
    const far = best(everything, probe, COUNT).slice(COUNT / 2);
    const { ids } = await index.search(probe, 16, BigInt64Array.from(far));
    assert.equal(ids.length, 16);
    assert.ok(far.slice(0, 16).filter((label) => ids.includes(label)).length >= 14);
  });

  test('finds everybody where each picture is there many times over', async () => {
    const people = faces(6, 3);
    const index = createGalleryIndex(executor, DIMENSION, GRAPH_FROM);
    const copies = new Float32Array(COUNT * DIMENSION);
    // One after the other, so that the graph has only the first for long.
    for (let i = 0; i < COUNT; i++) copies.set(row(people, Math.floor((6 * i) / COUNT)), i * DIMENSION);
    await index.add(labels(COUNT), copies);
    await until(() => isLinked(index));
    for (let i = 0; i < 6; i++) {
      const { ids, scores } = await index.search(row(people, i), 16);
      assert.ok((scores[0] as number) > 0.999, `person ${i}`);
      assert.equal(new Set(ids).size, 16);
    }
  });

  test('answers any mixture of searches and changes at once as if they came one by one', async () => {
    const step = fc.record({
      kind: fc.constantFrom('add', 'add', 'remove', 'search'),
      at: fc.nat(COUNT - 1),
      count: fc.integer({ min: 1, max: 400 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const index = createGalleryIndex(executor, DIMENSION, GRAPH_FROM);
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
              assert.ok(Math.abs(product(row(all, at), vector) - (scores[i] as number)) < 1e-4);
            }
            // What is searched for itself is found if it is there.
            if (now.has(BigInt(at))) assert.ok((scores[0] as number) > 0.999);
          });
        });
        await Promise.all(calls);
        assert.equal(index.size, held.size);
      }),
      { numRuns: 30 },
    );
  });

  test('is there again from a snapshot, without what was removed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    try {
      const index = await linked();
      await index.remove(labels(COUNT).filter((label) => label % 9n === 0n));
      const left = new Map([...everything].filter(([label]) => label % 9n !== 0n));
      await index.save(executor, join(folder, 'snapshot'), '');
      const own = createExecutor({ threads: 1, maxQueue: 16 });
      const again = createGalleryIndex(own, DIMENSION, GRAPH_FROM);
      await again.load(join(folder, 'snapshot'));
      assert.ok(again.stats().linked >= left.size - 256);
      assert.equal(again.stats().tombstones, 0);
      for (const k of [1, 16]) assert.ok((await recall(again, left, k)) >= 0.98);
      // And it grows on.
      const more = faces(600, 21, 3);
      await again.add(labels(600, COUNT), more);
      await until(() => isLinked(again));
      for (let i = 0; i < 600; i += 50) {
        const { ids } = await again.search(row(more, i), 1);
        assert.deepEqual([...ids], [BigInt(COUNT + i)]);
      }
      await own.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('stops building when the executor is closed', async () => {
    const own = createExecutor({ threads: 1, maxQueue: 16 });
    const index = createGalleryIndex(own, DIMENSION, GRAPH_FROM);
    await index.add(labels(COUNT), all);
    await own.close();
    const { linked } = index.stats();
    await sleep(50);
    assert.equal(index.stats().linked, linked);
    assert.ok(linked < COUNT);
  });
});
