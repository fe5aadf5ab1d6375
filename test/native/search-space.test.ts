import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normals } from '../../src/base/random.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { createGalleryIndex, openSearchSpace, type RowOrTemplate } from '../../src/native/gallery-index.ts';
import { innerProduct } from '../../src/vision/impostors.ts';
import { parseSearchSpace, project } from '../../src/vision/search-space.ts';
import { valuesOf } from '../../testing/rows.ts';
import { evenSpaceFile } from '../../testing/search-spaces.ts';

const OPTIONS = { dimension: 96, rank: 64 };
const HEAD = 24;

function changed(change: (file: Buffer) => void): Buffer {
  const file = evenSpaceFile(OPTIONS);
  change(file);
  return file;
}

describe('The search space file of a pack', () => {
  test('opens with its sizes', () => {
    const { dimension, rank, subquantizers } = openSearchSpace(evenSpaceFile(OPTIONS));
    assert.deepEqual([dimension, rank, subquantizers], [96, 64, 32]);
  });

  const file = evenSpaceFile(OPTIONS);
  for (const [name, damaged, expected] of [
    ['empty', Buffer.alloc(0), /cut off/],
    ['cut off in its head', file.subarray(0, HEAD - 1), /cut off/],
    ['cut off at its end', file.subarray(0, -4), /not as long/],
    ['longer than its sizes say', Buffer.concat([file, Buffer.alloc(4)]), /not as long/],
    ['another kind of file', changed((bytes) => bytes.write('X')), /not a search space/],
    ['of another format', changed((bytes) => bytes.writeUInt32LE(2, 8)), /another version/],
    ['of no dimension', changed((bytes) => bytes.writeUInt32LE(0, 12)), /sizes/],
    ['of a rank above its dimension', changed((bytes) => bytes.writeUInt32LE(128, 16)), /sizes/],
    ['of a rank that is no multiple of 32', changed((bytes) => bytes.writeUInt32LE(65, 16)), /sizes/],
    ['of no rank', changed((bytes) => bytes.writeUInt32LE(0, 16)), /sizes/],
    ['of an odd number of parts', changed((bytes) => bytes.writeUInt32LE(1, 20)), /sizes/],
    ['of parts that do not divide the rank', changed((bytes) => bytes.writeUInt32LE(48, 20)), /sizes/],
    ['of endless sizes', changed((bytes) => bytes.fill(0xff, 12, HEAD)), /sizes/],
    [
      'with a value that is no number',
      changed((bytes) => bytes.writeFloatLE(Number.NaN, HEAD + 8)),
      /finite/,
    ],
    ['with a direction of another length', changed((bytes) => bytes.writeFloatLE(2, HEAD)), /length 1/],
  ] as const) {
    test(`is refused if it is ${name}`, () => {
      assert.throws(() => openSearchSpace(damaged), expected);
    });
  }
});

describe('A row', () => {
  const file = evenSpaceFile(OPTIONS);
  const space = openSearchSpace(file);
  const normal = normals(3);
  const template = () => Float32Array.from({ length: OPTIONS.dimension }, normal);
  const unit = (vector: Float32Array) => vector.map((value) => value / Math.hypot(...vector));

  test('holds the coordinates in the space, scaled to length 1, in two bytes each', () => {
    for (let i = 0; i < 50; i++) {
      const vector = template();
      const row = space.row(vector);
      assert.equal(row.length, 2 * OPTIONS.rank);
      assert.equal(space.rowBytes, row.length);
      const wanted = unit(project(parseSearchSpace(file), vector));
      for (const [at, value] of valuesOf(row).entries()) {
        const exact = wanted[at] as number;
        assert.ok(Math.abs(value - exact) <= 2 ** -11 * Math.abs(exact) + 2 ** -24, `${value} for ${exact}`);
      }
    }
  });

  test('rounds to the nearest of 16 bits, and ties to even', () => {
    const whole = openSearchSpace(2);
    // 2048 + 1 is half-way between two of them, so is 2048 + 3.
    for (const [value, expected] of [
      [0.5 + 2 ** -12, 0.5],
      [0.5 + 3 * 2 ** -12, 0.5 + 2 ** -10],
      [0.5 + 2 ** -12 + 2 ** -20, 0.5 + 2 ** -11],
      [-(0.5 + 2 ** -12), -0.5],
      [2 ** -24, 2 ** -24],
      [2 ** -26, 0],
      [0, 0],
    ] as const) {
      const other = Math.sqrt(1 - value * value);
      assert.equal(valuesOf(whole.row(Float32Array.of(value, other)))[0], expected, `${value}`);
    }
  });

  test('of a zero template is zero, and so are its scores', () => {
    const zero = space.row(new Float32Array(OPTIONS.dimension));
    assert.deepEqual(zero, new Uint8Array(2 * OPTIONS.rank));
    assert.deepEqual([...space.compare(zero, [zero, space.row(template())])], [0, 0]);
  });

  test('of several templates comes one after another', () => {
    const templates = [template(), template(), template()];
    const all = space.row(Float32Array.from(templates.flatMap((each) => [...each])));
    assert.deepEqual(Buffer.from(all), Buffer.concat(templates.map((each) => space.row(each))));
    assert.throws(() => space.row(new Float32Array(OPTIONS.dimension + 1)), /96 floats each/);
    assert.throws(() => space.row(new Float32Array(OPTIONS.dimension).fill(Number.NaN)), /finite/);
  });

  test('gives a template of the space back, whose row it is', () => {
    for (let i = 0; i < 20; i++) {
      const row = space.row(template());
      const lifted = space.template(row);
      assert.equal(lifted.length, OPTIONS.dimension);
      assert.ok(Math.abs(Math.hypot(...lifted) - 1) < 1e-5);
      const [before, after] = [valuesOf(row), valuesOf(space.row(lifted))];
      for (const [at, value] of after.entries())
        assert.ok(Math.abs(value - (before[at] as number)) < 2 ** -10);
      assert.ok((space.compare(row, [lifted])[0] as number) > 0.99999);
    }
  });

  test('scores 1 with itself and the cosine with others, and its template scores the same', () => {
    for (let i = 0; i < 50; i++) {
      const [one, other] = [template(), template()];
      const [row, second] = [space.row(one), space.row(other)];
      const [own, cosine] = space.compare(row, [row, second]);
      assert.ok(Math.abs((own as number) - 1) < 1e-5);
      const exact = innerProduct(unit(valuesOf(row)), unit(valuesOf(second)));
      assert.ok(Math.abs((cosine as number) - exact) < 3e-5);
      assert.deepEqual([...space.compare(one, [one, other])], [own, cosine]);
    }
  });

  test('scores in a comparison as it does in a search, to the bit', async () => {
    const executor = createExecutor({ threads: 1, maxQueue: 16 });
    const rows = Array.from({ length: 300 }, () => space.row(template()));
    const index = createGalleryIndex(executor, space);
    await index.add(
      BigInt64Array.from(rows, (_, i) => BigInt(i)),
      Buffer.concat(rows),
    );
    const probe = space.row(template());
    const compared = space.compare(probe, rows);
    const { ids, scores } = await index.search(probe, 300);
    assert.deepEqual(
      [...scores],
      [...ids].map((id) => compared[Number(id)]),
    );
    await executor.close();
  });

  test('is refused where it is damaged or of another space', () => {
    const row = space.row(template());
    const damaged = Buffer.from(row);
    damaged.writeUInt16LE(0x7c00, 10);
    const message = { message: /not a finite number/ };
    assert.throws(() => space.compare(row, [damaged]), message);
    assert.throws(() => space.compare(damaged, [row]), message);
    const wrong: RowOrTemplate[] = [row.subarray(1), new Float32Array(64), new Uint8Array(0)];
    for (const each of wrong)
      assert.throws(() => space.compare(row, [each]), /rows\[0\] must hold 128 bytes/);
  });
});
