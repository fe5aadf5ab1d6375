import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normals } from '../../src/base/random.ts';
import { energyKept, parseSearchSpace, project, searchSpaceFile } from '../../src/vision/search-space.ts';
import { trainSearchSpace } from '../../src/vision/search-space-training.ts';
import { smallSpace } from '../../testing/small-space.ts';

function unit(values: Iterable<number>): Float32Array {
  const vector = Float32Array.from(values);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Unit vectors in `rank` of `dimension` dimensions, turned so that no dimension is empty. */
function vectorsOfRank(rank: number, dimension: number, count: number, seed = 7): Float32Array[] {
  const normal = normals(seed);
  const axes = Array.from({ length: rank }, () => Array.from({ length: dimension }, normal));
  return Array.from({ length: count }, () => {
    const weights = axes.map((_, i) => normal() / (1 + i / rank));
    return unit(
      Array.from({ length: dimension }, (_, i) =>
        axes.reduce((sum, axis, a) => sum + (axis[i] as number) * (weights[a] as number), 0),
      ),
    );
  });
}

describe('the file of a search space', () => {
  test('holds the space that was written', () => {
    const space = smallSpace(64);
    assert.deepEqual(parseSearchSpace(searchSpaceFile(space)), space);
  });

  test('is read at any place in memory', () => {
    const file = searchSpaceFile(smallSpace(64));
    const moved = new Uint8Array(file.length + 1);
    moved.set(file, 1);
    assert.deepEqual(parseSearchSpace(moved.subarray(1)), smallSpace(64));
  });

  const faults: [name: string, change: (file: Buffer) => Buffer, expected: RegExp][] = [
    ['a file of another kind', () => Buffer.from('not a search space, but long'), /starts with VISAGESS/],
    ['an empty file', () => Buffer.alloc(0), /starts with VISAGESS and a header of 24 bytes/],
    ['another format', (file) => with32(file, 8, 2), /Expected a search space of format 1, got format 2/],
    [
      'a rank that is no multiple of 32',
      (file) => with32(file, 16, 33),
      /multiple of 32 up to the dimension 64, got 33/,
    ],
    ['a rank above the dimension', (file) => with32(file, 16, 96), /up to the dimension 64, got 96/],
    ['no rank', (file) => with32(file, 16, 0), /got 0/],
    [
      'an odd number of subquantizers',
      (file) => with32(file, 20, 1),
      /even number of subquantizers .* rank 32, got 1/,
    ],
    [
      'subquantizers that do not divide the rank',
      (file) => with32(file, 20, 6),
      /divides the rank 32, got 6/,
    ],
    ['no subquantizers', (file) => with32(file, 20, 0), /got 0/],
    ['a file cut short', (file) => file.subarray(0, -4), /Expected 10264 bytes .*, got 10260/],
    ['a value that is no number', (file) => with32(file, 24, 0x7fc00000), /not finite/],
  ];
  for (const [name, change, expected] of faults) {
    test(`refuses ${name}`, () => {
      assert.throws(() => parseSearchSpace(change(searchSpaceFile(smallSpace(64)))), expected);
    });
  }

  function with32(file: Buffer, at: number, value: number): Buffer {
    file.writeUInt32LE(value, at);
    return file;
  }

  test('projects a template on the basis, and says how much of it is kept', () => {
    const template = new Float32Array(64);
    [template[3], template[40]] = [0.8, 0.6];
    const row = project(smallSpace(64), template);
    assert.equal(row.length, 32);
    assert.equal(row[3], Math.fround(0.8));
    assert.ok(Math.abs(energyKept(smallSpace(64), template) - 0.64) < 1e-6);
  });
});

const train = (templates: readonly Float32Array[], seed = 1) =>
  trainSearchSpace(templates, { seed, trainingPeople: 500, testPeople: 500 });

describe('training of a search space', () => {
  test('finds the smallest multiple of 32 dimensions that holds every template', () => {
    for (const [rank, expected] of [
      [20, 32],
      [32, 32],
      [40, 64],
    ] as const) {
      const { space, report } = train(vectorsOfRank(rank, 96, 300));
      assert.equal(space.rank, expected);
      assert.ok(report.energy.worst > 0.9999);
      assert.equal(report.matches.changed, 0);
    }
  });

  test('leaves out dimensions that hold up to 0.2 % of every template', () => {
    const main = vectorsOfRank(32, 96, 300);
    const rest = vectorsOfRank(20, 96, 300, 8);
    for (const [share, expected] of [
      [0.0005, 32],
      [0.005, 64],
    ] as const) {
      const templates = main.map((vector, t) =>
        unit(vector.map((value, i) => value + Math.sqrt(share) * (rest[t]?.[i] as number))),
      );
      assert.equal(train(templates).space.rank, expected);
    }
  });

  test('widens the space for a single unusual template', () => {
    const templates = vectorsOfRank(20, 96, 300);
    const other = unit(Array.from({ length: 96 }, normals(3)));
    assert.equal(train([...templates, other]).space.rank, 32);
    const odd = Array.from({ length: 30 }, (_, i) => unit(Array.from({ length: 96 }, normals(10 + i))));
    const { space, report } = train([...templates, ...odd]);
    assert.equal(space.rank, 64);
    assert.ok(report.energy.worst >= 0.998);
  });

  test('keeps all dimensions of templates without a smaller subspace', () => {
    const templates = vectorsOfRank(64, 64, 400);
    const { space } = train(templates);
    assert.equal(space.rank, 64);
    for (const template of templates) assert.ok(Math.abs(energyKept(space, template) - 1) < 1e-5);
  });

  test('refuses templates that fill dimensions beyond the last multiple of 32', () => {
    assert.throws(() => train(vectorsOfRank(40, 40, 300)), /32 dimensions keep .* of the worst/);
  });

  test('gives an orthonormal basis, the same one for the same seed', () => {
    const templates = vectorsOfRank(40, 96, 300);
    const { space } = train(templates, 5);
    for (let i = 0; i < space.rank; i++) {
      const row = space.basis.subarray(i * 96, (i + 1) * 96);
      const image = project(space, Float32Array.from(row));
      for (const [j, value] of image.entries()) {
        assert.ok(Math.abs(value - (i === j ? 1 : 0)) < 1e-6, `rows ${i} and ${j}: ${value}`);
      }
    }
    assert.deepEqual(train(templates, 5).space, space);
    assert.notDeepEqual(train(templates, 6).space.centroids, space.centroids);
  });
});
