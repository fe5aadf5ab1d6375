import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normals } from '../../src/base/random.ts';
import { calibrate } from '../../src/vision/calibration.ts';
import { ImpostorScores } from '../../src/vision/impostors.ts';
import type { LabelledTemplate } from '../../src/vision/labelled-templates.ts';

const DIMENSION = 24;

function unit(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => value / length);
}

function strangers(count: number, seed: number): LabelledTemplate[] {
  const normal = normals(seed);
  return Array.from({ length: count }, (_, i) => {
    const person = `person-${String(i).padStart(5, '0')}`;
    return {
      person,
      image: `${person}/1.jpg`,
      template: unit(Array.from({ length: DIMENSION }, normal)),
    };
  });
}

function underAnotherName(entry: LabelledTemplate, name: string, seed: number): LabelledTemplate {
  const normal = normals(seed);
  const template = unit(Array.from(entry.template as Float32Array, (value) => value + 0.03 * normal()));
  return { person: name, image: `${name}/1.jpg`, template };
}

describe('calibration of the similarity scale', () => {
  test('gives each similarity the score that its false match rate has among strangers', () => {
    const people = strangers(2000, 1);
    const { points, excluded, impostorPairs } = calibrate(people);
    assert.equal(impostorPairs, (2000 * 1999) / 2);
    assert.deepEqual(excluded, []);
    const others = ImpostorScores.of(strangers(2000, 2));
    for (const [similarity, rate] of [
      [60, 1e-2],
      [70, 1e-3],
      [80, 1e-4],
      [90, 1e-5],
    ] as const) {
      const score = points.find((point) => point[1] === similarity)?.[0] as number;
      const met = others.falseMatchRate(score);
      assert.ok(
        met > rate / 2 && met < rate * 2,
        `${similarity} stands for ${rate}, other people met ${met}`,
      );
    }
  });

  test('rises strictly from (-1, 0) to (1, 100)', () => {
    const { points } = calibrate(strangers(1500, 3));
    assert.deepEqual(points[0], [-1, 0]);
    assert.deepEqual(points.at(-1), [1, 100]);
    for (const [i, point] of points.entries()) {
      const before = points[i - 1] ?? [-2, -1];
      assert.ok(point[0] > before[0] && point[1] > before[1]);
    }
  });

  test('finds people under two names, lists them and gives the scale that it gives without them', () => {
    const people = strangers(2000, 4);
    const doubles = [7, 70, 700].map((i) => underAnotherName(people[i] as LabelledTemplate, `twin-${i}`, i));
    const clean = calibrate(people);
    const { excluded, points } = calibrate([...people, ...doubles]);
    assert.deepEqual(excluded.map(({ people: pair }) => pair.join(' ')).sort(), [
      'person-00007 twin-7',
      'person-00070 twin-70',
      'person-00700 twin-700',
    ]);
    for (const [i, [score]] of points.entries()) {
      assert.ok(Math.abs(score - (clean.points[i]?.[0] as number)) < 0.01);
    }
  });

  test('never counts two pictures of one person, nor a picture without a face', () => {
    const [first, second] = strangers(2, 5) as [LabelledTemplate, LabelledTemplate];
    const scores = ImpostorScores.of([
      first,
      { ...first, image: 'again.jpg' },
      second,
      { ...second, person: 'nobody', template: null },
    ]);
    assert.equal(scores.pairs, 2);
  });

  test('refuses to speak of rare false matches from few pictures', () => {
    assert.throws(() => calibrate(strangers(200, 6)), /needs at least 1000000 pairs/);
  });
});
