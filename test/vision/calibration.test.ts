import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normals } from '../../src/base/random.ts';
import { calibrate, type GroupedTemplate } from '../../src/vision/calibration.ts';
import { ImpostorScores, NormalisedTemplate } from '../../src/vision/impostors.ts';
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

  test('knows the rates of rare scores from the best pairs alone', () => {
    const all = ImpostorScores.of(strangers(300, 8));
    const scores = all.best.slice(0, 500).map(({ score }) => score);
    const best = ImpostorScores.ofBest(scores, all.pairs);
    assert.equal(best.pairs, all.pairs);
    assert.equal(best.scoreAt(1e-3), all.scoreAt(1e-3));
    assert.equal(best.falseMatchRate(0.8), all.falseMatchRate(0.8));
  });

  test('refuses to speak of rare false matches from few pictures', () => {
    assert.throws(() => calibrate(strangers(200, 6)), /needs at least 1000000 pairs/);
  });
});

describe('calibration by groups', () => {
  const NAMES = ['even', 'even too', 'near each other'] as const;
  const named = strangers(1500, 11);

  /** 1,200 people of three groups. Those of the last group resemble each other. */
  function groupedPeople(seed: number): GroupedTemplate[] {
    const normal = normals(seed);
    return Array.from({ length: 1200 }, (_, i) => {
      const group = NAMES[i % NAMES.length] as string;
      const vector = Array.from({ length: DIMENSION }, normal);
      if (group === 'near each other') vector[0] = 1.5 + (vector[0] as number);
      const person = `${group}-${i}`;
      return { person, image: person, template: unit(vector), group };
    });
  }

  const { points, groups, excluded } = calibrate(named, groupedPeople(12));
  const others = groupedPeople(13);

  function scoreOf(similarity: number): number {
    return points.find((point) => point[1] === similarity)?.[0] as number;
  }

  function metWithin(group: string, similarity: number): number {
    return ImpostorScores.of(others.filter((each) => each.group === group)).falseMatchRate(
      scoreOf(similarity),
    );
  }

  for (const [similarity, rate] of [
    [70, 1e-3],
    [80, 1e-4],
  ] as const) {
    test(`holds ${similarity} within the mean of the groups, and within thrice the rate in the worst`, () => {
      const rates = NAMES.map((group) => metWithin(group, similarity));
      const mean = rates.reduce((sum, each) => sum + each, 0) / rates.length;
      assert.ok(mean > rate / 2.5 && mean < 1.5 * rate, `a mean of ${mean}`);
      assert.ok(Math.max(...rates) < 1.3 * 3 * rate, `${rates}`);
      assert.ok(Math.max(...rates) > 3 * Math.min(...rates), 'the groups differ');
    });
  }

  test('holds 90 among all people together, pairs of two groups too', () => {
    const met = ImpostorScores.of(others).falseMatchRate(scoreOf(90));
    assert.ok(met > 1e-6 && met < 3e-5, `${met}`);
    const pairs = ImpostorScores.of(groupedPeople(12));
    assert.ok(scoreOf(90) >= pairs.scoreAt(3e-5));
  });

  test('lists the groups', () => {
    assert.deepEqual(groups, { people: 1200, names: [...NAMES].sort(), pairs: (3 * 400 * 399) / 2 });
    assert.deepEqual(excluded, []);
  });

  test('counts a person with two images once', () => {
    const people = groupedPeople(12);
    const again = { ...underAnotherName(people[5] as GroupedTemplate, 'again', 14), group: NAMES[2] };
    const found = calibrate(named, [...people, again]);
    assert.deepEqual(
      found.excluded.map(({ people: pair }) => pair),
      [[people[5]?.person, 'again']],
    );
    assert.deepEqual([found.groups?.people, found.points], [1200, points]);
  });

  test('uses people without a group only above similarity 80', () => {
    const people = groupedPeople(12).map((each) =>
      each.group === NAMES[2] ? { ...each, group: null } : each,
    );
    const { points: without, groups: left } = calibrate(named, people);
    assert.deepEqual(left?.names, ['even', 'even too']);
    const at = (similarity: number) => without.find((point) => point[1] === similarity)?.[0] as number;
    assert.ok(at(70) < scoreOf(70) - 0.02);
    assert.equal(at(90), scoreOf(90));
  });

  test('needs a group of 50 people', () => {
    const few = groupedPeople(12).slice(0, 147);
    assert.throws(() => calibrate(named, few), /needs a group of at least 50 people/);
    assert.ok(calibrate(named, groupedPeople(12).slice(0, 150)));
  });

  test('gives 100 to the score that most faces have with themselves', () => {
    const offset = 0.2;
    const normalised = (entries: LabelledTemplate[]) =>
      entries.map((entry) => {
        const template = new NormalisedTemplate(entry.template as Float32Array);
        template.offset = offset;
        return { ...entry, template };
      });
    assert.deepEqual(calibrate(normalised(named)).points.at(-1), [1 - 2 * offset, 100]);
  });
});
