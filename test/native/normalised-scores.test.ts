import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { normals } from '../../src/base/random.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { createGalleryIndex, openSearchSpace, type Row } from '../../src/native/gallery-index.ts';
import { cohortFile, cohortOf, parseCohort } from '../../src/vision/cohort.ts';
import { innerProduct } from '../../src/vision/impostors.ts';
import { parseSearchSpace, project } from '../../src/vision/search-space.ts';
import { valuesOf } from '../../testing/rows.ts';
import { evenSpaceFile } from '../../testing/search-spaces.ts';

const OPTIONS = { dimension: 96, rank: 64 };
const NEAREST = 5;
const WEIGHT = 0.75;
const HEAD = 28;
const WEIGHT_AT = 24;
/** Of one comparison: rounding to 16 bits of both rows. */
const ROUNDING = 5e-5;

const file = evenSpaceFile(OPTIONS);
const executor = createExecutor({ threads: 2, maxQueue: 4096 });
after(() => executor.close());

function unit(vector: Float32Array): Float32Array {
  return vector.map((value) => value / Math.hypot(...vector));
}

/** Templates around a common direction, so that offsets differ: the nearer to it, the larger. */
function templatesOf(count: number, seed: number): Float32Array[] {
  const normal = normals(seed);
  return Array.from({ length: count }, (_, i) =>
    unit(Float32Array.from({ length: OPTIONS.dimension }, (_, at) => (at === 0 ? (i % 7) * 4 : normal()))),
  );
}

const cohort = cohortOf(templatesOf(70, 1), NEAREST, WEIGHT);
const bytes = cohortFile(cohort);
const plain = openSearchSpace(file);
const space = openSearchSpace(file, bytes);

function offsetOf(row: Row): number {
  const vectors = cohort.vectors.map((vector) =>
    unit(project(parseSearchSpace(file), Float32Array.from(vector))),
  );
  const own = unit(valuesOf(row.subarray(0, plain.rowBytes)));
  const cosines = vectors.map((vector) => innerProduct(own, vector)).sort((a, b) => b - a);
  const mean = cosines.slice(0, NEAREST).reduce((sum, cosine) => sum + cosine, 0) / NEAREST;
  return WEIGHT * Math.max(0, mean) ** 2;
}

describe('a row in a space with a cohort', () => {
  test('is the row of the space, and its offset: the weighted square of the mean of the best cosines with the cohort', () => {
    assert.deepEqual([plain.isNormalised, space.isNormalised], [false, true]);
    assert.equal(space.rowBytes, plain.rowBytes + 4);
    for (const template of templatesOf(30, 2)) {
      const row = space.row(template);
      assert.deepEqual(row.subarray(0, plain.rowBytes), plain.row(template));
      const offset = Buffer.from(row).readFloatLE(plain.rowBytes);
      assert.ok(Math.abs(offset - offsetOf(row)) < 1e-5, `${offset} for ${offsetOf(row)}`);
    }
  });

  test('has no offset if it is unlike every vector of the cohort', () => {
    const along = cohortOf([unit(Float32Array.from({ length: OPTIONS.dimension }, () => 1))], 1, WEIGHT);
    const opposite = openSearchSpace(file, cohortFile(along)).row(
      unit(Float32Array.from({ length: OPTIONS.dimension }, () => -1)),
    );
    assert.equal(Buffer.from(opposite).readFloatLE(plain.rowBytes), 0);
  });

  test('scores the cosine less both offsets, whether it is a row, a row without an offset or a template', () => {
    const templates = templatesOf(20, 3);
    const rows = templates.map((template) => space.row(template));
    const [probe] = rows as [Row];
    const cosines = plain.compare(
      plain.row(templates[0] as Float32Array),
      templates.map((template) => plain.row(template)),
    );
    const scores = space.compare(probe, rows);
    for (const [i, score] of scores.entries()) {
      const expected = (cosines[i] as number) - offsetOf(probe) - offsetOf(rows[i] as Row);
      assert.ok(Math.abs(score - expected) < ROUNDING, `${score} for ${expected}`);
    }
    assert.deepEqual(space.compare(templates[0] as Float32Array, templates), scores);
    assert.deepEqual(
      space.compare(
        probe,
        templates.map((template) => plain.row(template)),
      ),
      scores,
    );
  });

  test('refuses an offset that is not a finite number', () => {
    const row = space.row(templatesOf(1, 4)[0] as Float32Array);
    Buffer.from(row.buffer).writeFloatLE(Number.NaN, plain.rowBytes);
    assert.throws(() => space.compare(row, [row]), /not a finite number/);
  });

  test('has a mean with the offset of the mean, if its scores with the others allow it', () => {
    const [template] = templatesOf(1, 5) as [Float32Array];
    const normal = normals(6);
    const near = Array.from({ length: 3 }, () => unit(template.map((value) => value + 0.02 * normal())));
    const rows = near.map((each) => space.row(each));
    const mean = space.mean(rows, -0.5) as Row;
    assert.equal(mean.length, space.rowBytes);
    assert.ok(Math.abs(Buffer.from(mean).readFloatLE(plain.rowBytes) - offsetOf(mean)) < 1e-5);
    const scores = rows.flatMap((row, i) => [...space.compare(row, rows.slice(i + 1))]);
    const average = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    assert.ok(space.mean(rows, average - 0.02));
    assert.equal(space.mean(rows, average + 0.001), null);
  });

  for (const [name, damaged, expected] of [
    ['empty', Buffer.alloc(0), /cut off/],
    ['a search space', file, /not a cohort/],
    ['of another format', changed((copy) => copy.writeUInt32LE(2, 8)), /another version/],
    [
      'of another dimension',
      cohortFile(cohortOf([new Float32Array(8).fill(1)], 1, WEIGHT)),
      /another length/,
    ],
    ['without vectors', changed((copy) => copy.writeUInt32LE(0, 16)), /sizes/],
    ['of more nearest vectors than vectors', changed((copy) => copy.writeUInt32LE(71, 20)), /sizes/],
    ['without a weight', changed((copy) => copy.writeFloatLE(0, WEIGHT_AT)), /weight/],
    ['of a weight that is no number', changed((copy) => copy.writeFloatLE(Number.NaN, WEIGHT_AT)), /weight/],
    ['cut off at its end', bytes.subarray(0, -1), /not as long/],
  ] as const) {
    test(`does not come from a cohort that is ${name}`, () => {
      assert.throws(() => openSearchSpace(file, damaged), expected);
      assert.throws(() => assert.equal(parseCohort(damaged).dimension, OPTIONS.dimension));
    });
  }

  function changed(change: (copy: Buffer) => void): Buffer {
    const copy = Buffer.from(bytes);
    change(copy);
    assert.equal(copy.length > HEAD, true);
    return copy;
  }
});

describe('a search in a space with a cohort', () => {
  const rows = templatesOf(3000, 7).map((template) => space.row(template));
  const ids = BigInt64Array.from(rows, (_, i) => BigInt(i));
  const probes = templatesOf(40, 8).map((template) => space.row(template));
  const joined = Buffer.concat(rows);

  function best(probe: Row, k: number, among = rows.map((_, i) => i)): [number, number][] {
    const scores = space.compare(
      probe,
      among.map((i) => rows[i] as Row),
    );
    return among
      .map((i, at): [number, number] => [i, scores[at] as number])
      .sort((a, b) => b[1] - a[1] || a[0] - b[0])
      .slice(0, k);
  }

  test('ranks by the normalised score, as comparisons give it to the bit, with and without a filter', async () => {
    const index = createGalleryIndex(executor, space);
    await index.add(ids, joined);
    let differs = 0;
    for (const probe of probes) {
      for (const among of [undefined, rows.flatMap((_, i) => (i % 9 === 0 ? [i] : []))]) {
        const { ids: found, scores } = await index.search(
          probe,
          6,
          among && BigInt64Array.from(among, (i) => BigInt(i)),
        );
        const expected = best(probe, 6, among);
        assert.deepEqual(
          [...found].map((id, i) => [Number(id), scores[i]]),
          expected,
        );
      }
      const [first] = best(probe, 1) as [[number, number]];
      const cosines = plain.compare(
        probe.subarray(0, plain.rowBytes),
        rows.map((row) => row.subarray(0, plain.rowBytes)),
      );
      if (cosines.indexOf(Math.max(...cosines)) !== first[0]) differs++;
    }
    assert.ok(differs > probes.length / 4, `the offsets change only ${differs} first places`);
  });

  test('gives the same from a snapshot, which a space without the cohort refuses', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'snapshot');
    const index = createGalleryIndex(executor, space);
    await index.add(ids, joined);
    await index.save(executor, path, '');
    const again = createGalleryIndex(executor, space);
    await again.load(path);
    for (const probe of probes) assert.deepEqual(await again.search(probe, 6), await index.search(probe, 6));
    await assert.rejects(createGalleryIndex(executor, plain).load(path), /another search space/);
  });
});
