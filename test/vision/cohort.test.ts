import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normals } from '../../src/base/random.ts';
import { type Cohort, cohortFile, cohortOf, parseCohort } from '../../src/vision/cohort.ts';
import { LEAST_MEMBERS, trainCohort } from '../../src/vision/cohort-training.ts';
import { innerProduct } from '../../src/vision/impostors.ts';

const DIMENSION = 24;

function unit(values: Iterable<number>): Float32Array {
  const vector = Float32Array.from(values);
  return vector.map((value) => value / Math.hypot(...vector));
}

function people(count: number, seed: number): Float32Array[] {
  const normal = normals(seed);
  return Array.from({ length: count }, () => unit(Array.from({ length: DIMENSION }, normal)));
}

describe('the file of a cohort', () => {
  const cohort = cohortOf(people(20, 1), 4, 0.6);

  test('holds the cohort that was written, at any place in memory', () => {
    const file = cohortFile(cohort);
    const moved = new Uint8Array(file.length + 1);
    moved.set(file, 1);
    assert.deepEqual(parseCohort(file), cohort);
    assert.deepEqual(parseCohort(moved.subarray(1)), cohort);
  });

  test('keeps the direction of an average', () => {
    for (const [i, average] of people(20, 1).entries()) {
      const kept = unit(cohort.vectors[i] as Int8Array);
      assert.ok(innerProduct(kept, average) > 0.9998);
    }
  });

  for (const [name, change, expected] of [
    ['another kind of file', (file: Buffer) => file.fill('x', 0, 8), /starts with VISAGECO/],
    ['another format', (file: Buffer) => file.writeUInt32LE(2, 8), /format 1, got format 2/],
    ['no dimension', (file: Buffer) => file.writeUInt32LE(0, 12), /at least 1 dimension/],
    ['more nearest vectors than vectors', (file: Buffer) => file.writeUInt32LE(21, 20), /20, got 21/],
    ['another number of vectors', (file: Buffer) => file.writeUInt32LE(19, 16), /Expected 484 bytes/],
    [
      'a negative weight',
      (file: Buffer) => file.writeFloatLE(-0.5, 24),
      /a weight above 0 and at most 10, got -0.5/,
    ],
  ] as const) {
    test(`refuses ${name}`, () => {
      const file = cohortFile(cohort);
      change(file);
      assert.throws(() => parseCohort(file), expected);
    });
  }
});

describe('the training of a cohort', () => {
  /** 20 groups of people, who resemble each other within a group. */
  function grouped(seed: number): { readonly templates: Float32Array[]; readonly centres: Float32Array[] } {
    const normal = normals(seed);
    const centres = people(20, seed);
    const templates = Array.from({ length: 800 }, (_, i) =>
      unit((centres[i % 20] as Float32Array).map((value) => value + 0.25 * normal())),
    );
    return { templates, centres };
  }

  function assertFound({ vectors }: Cohort, centres: readonly Float32Array[]): void {
    const nearest = centres.map((centre) =>
      Math.max(...vectors.map((vector) => innerProduct(unit(vector), centre))),
    );
    const found = nearest.filter((cosine) => cosine > 0.8).length;
    assert.ok(found >= 0.8 * centres.length, `${found} of ${centres.length} groups`);
  }

  test('averages at least eight people in each vector, so none shows a person', () => {
    const templates = people(800, 2);
    const { cohort, leastMembers, faces } = trainCohort(templates, []);
    assert.equal(LEAST_MEMBERS, 8);
    assert.ok(leastMembers >= 8);
    assert.equal(faces, cohort.vectors.length);
    assert.ok(faces >= 20 && faces <= 100, `${faces} vectors of 800 people`);
    const nearest = cohort.vectors.map((vector) =>
      Math.max(...templates.map((template) => innerProduct(unit(vector), template))),
    );
    assert.ok(Math.max(...nearest) < 0.95, `a vector is as near as ${Math.max(...nearest)} to a person`);
  });

  test('counts a person once, however many images show them', () => {
    const normal = normals(7);
    const several = people(800, 8);
    const [person] = several as [Float32Array];
    const again = Array.from({ length: 40 }, () => unit(person.map((value) => value + 0.02 * normal())));
    const trained = trainCohort([...several, ...again], []);
    assert.ok(trained.people <= 800, `${trained.people} people`);
    const nearest = Math.max(...trained.cohort.vectors.map((vector) => innerProduct(unit(vector), person)));
    assert.ok(nearest < 0.95, `a vector is as near as ${nearest} to the person`);
  });

  test('finds every group of people, and of degraded faces', () => {
    const faces = grouped(3);
    const degraded = grouped(4);
    const { cohort } = trainCohort(faces.templates, degraded.templates);
    assertFound(cohort, [...faces.centres, ...degraded.centres]);
  });

  test('groups by coordinates in a search space, and averages whole templates', () => {
    const { templates, centres } = grouped(5);
    const coordinates = (template: Float32Array) => template.subarray(0, 16);
    const { cohort } = trainCohort(templates, [], { coordinates });
    assert.equal(cohort.dimension, DIMENSION);
    assertFound(cohort, centres);
  });

  test('refuses too few people', () => {
    assert.throws(() => trainCohort(people(40, 6), []), /at least 8 groups of 8, got/);
  });
});
