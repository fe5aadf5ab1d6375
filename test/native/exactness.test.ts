import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { normals } from '../../src/base/random.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { createGalleryIndex, openSearchSpace } from '../../src/native/gallery-index.ts';
import { valuesOf } from '../../testing/rows.ts';

const executor = createExecutor({ threads: 2, maxQueue: 4096 });
after(() => executor.close());

const product = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
const length = (vector: Float32Array) => Math.sqrt(product(vector, vector));

const gallery = fc.record({
  dimension: fc.constantFrom(1, 2, 3, 31, 63, 64, 65, 128, 200, 512, 513, 1000),
  count: fc.integer({ min: 1, max: 300 }),
  people: fc.integer({ min: 1, max: 40 }),
  noise: fc.constantFrom(0, 1e-6, 1e-3, 0.1, 1),
  lengths: fc.constantFrom(0, 1, 15),
  zeros: fc.boolean(),
  seed: fc.integer(),
});

describe('the exact search', () => {
  test('is as near to rows in floats as 16 bits are, whatever the vectors, and the same for every k and filter', async () => {
    const property = fc.asyncProperty(gallery, async (shape) => {
      const { dimension, count, people, noise, lengths, zeros, seed } = shape;
      const normal = normals(seed);
      const direction = () => Float32Array.from({ length: dimension }, normal);
      const centres = Array.from({ length: people }, direction);
      const near = (centre: Float32Array) => {
        const scale = 10 ** (lengths * Math.max(-1, Math.min(1, normal() / 2)));
        return centre.map((value) => scale * (value + noise * normal()));
      };
      const rows = Array.from({ length: count }, (_, i) =>
        zeros && i % 7 === 3 ? new Float32Array(dimension) : near(centres[i % people] as Float32Array),
      );
      const probe = near(centres[0] as Float32Array);
      const space = openSearchSpace(dimension);
      const rounded = (vector: Float32Array) => {
        const values = valuesOf(space.row(vector));
        const norm = length(values) || 1;
        return values.map((value) => value / norm);
      };
      const ids = BigInt64Array.from(rows, (_, i) => BigInt(i * 3));
      const index = createGalleryIndex(executor, space);
      await index.add(ids, Float32Array.from(rows.flatMap((row) => [...row])));

      const all = await index.search(probe, count + 5);
      assert.deepEqual(
        [...all.ids].sort((a, b) => Number(a - b)),
        [...ids],
      );
      for (const [i, id] of all.ids.entries()) {
        const row = rounded(rows[Number(id) / 3] as Float32Array);
        const [score, wanted] = [all.scores[i] as number, product(rounded(probe), row)];
        // Half a step of both codes: below 2^-15 of the largest value, in every dimension.
        const bound = 2 ** -15 * Math.sqrt(dimension);
        assert.ok(Math.abs(score - wanted) <= 2 * bound, `${score} for ${wanted}`);
        assert.ok(i === 0 || score <= (all.scores[i - 1] as number), 'best first');
      }
      for (const k of [1, 2, 16, count]) {
        const wanted = { ...all, ids: all.ids.slice(0, k), scores: all.scores.slice(0, k) };
        assert.deepEqual(await index.search(probe, k), wanted);
        assert.deepEqual(await index.search(probe, k, ids), wanted);
      }
      const gone = ids.filter((_, i) => i % 3 === 1);
      await index.remove(gone);
      const left = [...all.ids.keys()].filter((i) => !gone.includes(all.ids[i] as bigint)).slice(0, 16);
      assert.deepEqual(await index.search(probe, 16), {
        isDamaged: false,
        ids: BigInt64Array.from(left, (i) => all.ids[i] as bigint),
        scores: Float32Array.from(left, (i) => all.scores[i] as number),
      });
    });
    await fc.assert(property, { numRuns: 80 });
  });

  test('tells scores of unit vectors of 512 values to a ten-thousandth', async () => {
    const [dimension, count] = [512, 1000];
    const normal = normals(5);
    const unit = () => {
      const vector = Float32Array.from({ length: dimension }, normal);
      const norm = length(vector);
      return vector.map((value) => value / norm);
    };
    const rows = Array.from({ length: count }, unit);
    const index = createGalleryIndex(executor, openSearchSpace(dimension));
    await index.add(
      BigInt64Array.from(rows, (_, i) => BigInt(i)),
      Float32Array.from(rows.flatMap((row) => [...row])),
    );
    for (let i = 0; i < 5; i++) {
      const probe = unit();
      const { ids, scores } = await index.search(probe, count);
      for (const [place, id] of ids.entries()) {
        const wanted = product(probe, rows[Number(id)] as Float32Array);
        assert.ok(Math.abs((scores[place] as number) - wanted) < 1e-4);
      }
    }
  });

  test('gives rows of equal scores in the order in which they came', async () => {
    const index = createGalleryIndex(executor, openSearchSpace(64));
    const vector = new Float32Array(64).fill(0.125);
    for (let i = 0; i < 200; i++) await index.add(BigInt64Array.of(BigInt(1000 - i)), vector);
    const { ids } = await index.search(vector, 5);
    assert.deepEqual([...ids], [1000n, 999n, 998n, 997n, 996n]);
  });

  test('takes the largest and the smallest floats, and as many dimensions as there may be', async () => {
    const dimension = 65536;
    const index = createGalleryIndex(executor, openSearchSpace(dimension));
    const largest = 3.4e38;
    const rows = [1, -1, 1e-38, 1e-45].map((value) => new Float32Array(dimension).fill(largest * value));
    rows.push(new Float32Array(dimension).fill(1));
    await index.add(
      BigInt64Array.from(rows, (_, i) => BigInt(i)),
      Float32Array.from(rows.flatMap((row) => [...row])),
    );
    const { ids, scores } = await index.search(new Float32Array(dimension).fill(1), 5);
    assert.deepEqual([...ids], [0n, 2n, 3n, 4n, 1n]);
    for (const [i, score] of scores.entries()) assert.ok(Math.abs(score - (i < 4 ? 1 : -1)) < 1e-4);
  });
});
