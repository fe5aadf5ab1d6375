import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Gallery } from '../../bench/distinct-people.ts';
import { openPeopleBase } from '../../bench/people-base.ts';
import { innerProduct } from '../../src/vision/impostors.ts';

const base = await openPeopleBase(undefined);
const { dimension } = base;
const PEOPLE = 2866;

const rowOf = (vectors: Float32Array, i: number) => vectors.subarray(i * dimension, (i + 1) * dimension);

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

function near(value: number, wanted: number, margin: number, what: string): void {
  assert.ok(Math.abs(value - wanted) <= margin, `${what}: expected ${wanted} +- ${margin}, got ${value}`);
}

describe('distinct people', () => {
  const people = new Gallery(base, { people: PEOPLE }, 1);
  const rows = people.take(0, PEOPLE);

  test('score against each other as strangers in Labeled Faces in the Wild do, also the nearest ones', () => {
    const scores: number[] = [];
    const nearest: number[] = [];
    for (let i = 0; i < PEOPLE; i += 10) {
      let best = -1;
      for (let j = 0; j < PEOPLE; j++) {
        if (i === j) continue;
        const score = innerProduct(rowOf(rows, i), rowOf(rows, j));
        scores.push(score);
        best = Math.max(best, score);
      }
      nearest.push(best);
    }
    near(meanOf(scores), 0, 0.02, 'mean');
    near(deviationOf(scores), 0.1, 0.01, 'standard deviation');
    near(medianOf(nearest), 0.36, 0.025, 'median of the nearest');
    assert.ok(Math.max(...nearest) < 0.65, 'two people are alike');
  });

  test('score against probes of themselves as two images of one person do', () => {
    const { vectors, mates } = people.probes(1000);
    const scores = Array.from(mates, (mate, i) => innerProduct(rowOf(vectors, i), rowOf(rows, mate)));
    near(meanOf(scores), 0.68, 0.02, 'mean');
    near(deviationOf(scores), 0.12, 0.02, 'standard deviation');
  });

  test('score against probes of others as strangers do', () => {
    const { vectors, mates } = people.probes(500);
    const scores = Array.from(mates, (mate, i) =>
      innerProduct(rowOf(vectors, i), rowOf(rows, (mate + 1) % PEOPLE)),
    );
    near(meanOf(scores), 0, 0.02, 'mean');
    near(deviationOf(scores), 0.1, 0.01, 'standard deviation');
  });

  test('are unit vectors, the same for one seed wherever reading begins, others for another', () => {
    for (const i of [0, 1, PEOPLE - 1]) near(innerProduct(rowOf(rows, i), rowOf(rows, i)), 1, 1e-5, 'length');
    const again = new Gallery(base, { people: PEOPLE }, 1);
    assert.deepEqual(again.take(1000, 3), rows.slice(1000 * dimension, 1003 * dimension));
    assert.deepEqual(again.probes(5), people.probes(5));
    assert.notDeepEqual(new Gallery(base, { people: PEOPLE }, 2).take(0, 1), rows.slice(0, dimension));
  });

  test('come in batches that together are all rows', () => {
    const gallery = new Gallery(base, { people: 25 }, 1);
    const batches = [...gallery.batches(10)].map(({ from, rows: { length } }) => [from, length / dimension]);
    assert.deepEqual(batches, [
      [0, 10],
      [10, 10],
      [20, 5],
    ]);
    const [first] = gallery.batches(10);
    assert.deepEqual(first?.rows.slice(0, dimension), rows.slice(0, dimension));
  });
});

describe('a gallery with copies', () => {
  test('has the first people in equal rows, and every other person once', () => {
    const shape = { people: 10, copies: { people: 2, rows: 3 } };
    const gallery = new Gallery(base, shape, 1);
    assert.equal(gallery.rows, 14);
    const rows = gallery.take(0, 14);
    const people = new Gallery(base, { people: 10 }, 1);
    const persons = [0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    assert.deepEqual(rows, Float32Array.from(persons.flatMap((person) => [...people.take(person, 1)])));
  });
});

describe('a gallery of families', () => {
  test('has relatives who score about 0.5, and strangers who score as elsewhere', () => {
    const gallery = new Gallery(base, { people: 500, family: 5 }, 1);
    const rows = gallery.take(0, 500);
    const scores = { relatives: [] as number[], strangers: [] as number[] };
    for (let i = 0; i < 500; i++) {
      for (let j = 0; j < i; j++) {
        const kind = Math.floor(i / 5) === Math.floor(j / 5) ? 'relatives' : 'strangers';
        scores[kind].push(innerProduct(rowOf(rows, i), rowOf(rows, j)));
      }
    }
    near(meanOf(scores.relatives), 0.5, 0.03, 'mean of relatives');
    near(deviationOf(scores.strangers), 0.1, 0.015, 'standard deviation of strangers');
  });
});
