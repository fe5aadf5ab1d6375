import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { falseMatchRateFor, isCovered, thresholdAt } from '../../src/vision/false-match-rate.ts';
import {
  guessedSource,
  type NameRules,
  planFiles,
  problemOfName,
} from '../../web/src/screens/people/names.ts';
import {
  falseMatchRate,
  strangerMatchRate,
  strangerOdds,
  thresholdOfRate,
} from '../../web/src/ui/stranger-odds.ts';

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual / expected - 1) < 1e-9, `${actual}, expected ${expected}`);

describe('The words for a threshold', () => {
  test('follow the documented scale, and a line in log space between its points', () => {
    near(falseMatchRate(70), 1e-3);
    near(falseMatchRate(80), 1e-4);
    near(falseMatchRate(90), 1e-5);
    near(falseMatchRate(95), 1e-6);
    near(falseMatchRate(75), 10 ** -3.5);
    near(falseMatchRate(92.5), 10 ** -5.5);
    near(falseMatchRate(60), 1e-2);
    near(falseMatchRate(100), 1e-7);
    assert.equal(falseMatchRate(10), 1);
  });

  test('take the size of the collection into account', () => {
    near(strangerMatchRate(80, 1), 1e-4);
    near(strangerMatchRate(80, 25), 1 - (1 - 1e-4) ** 25);
    assert.equal(strangerMatchRate(80, 0), 0);
    assert.equal(strangerMatchRate(0, 1), 1);
    assert.deepEqual(strangerOdds(80, 25), { kind: 'one', count: 400 });
    assert.deepEqual(strangerOdds(80, 1000), { kind: 'one', count: 11 });
    assert.deepEqual(strangerOdds(95, 1), { kind: 'one', count: 1_000_000 });
    assert.deepEqual(strangerOdds(70, 1_000_000), { kind: 'most', count: 99 });
    assert.deepEqual(strangerOdds(70, 1000), { kind: 'most', count: 63 });
    assert.deepEqual(strangerOdds(80, 0), { kind: 'empty' });
    assert.deepEqual(strangerOdds(101, 1), { kind: 'rare' });
  });

  test('begin at the threshold that the service computes for a rate, rounded up', () => {
    for (const rate of [0.1, 0.01, 0.0024, 1e-3, 3e-5, 1e-6]) {
      for (const people of [1, 2, 33, 1000]) {
        const needed = falseMatchRateFor(rate, people);
        const expected = isCovered(needed, 1e-6) ? Math.ceil(thresholdAt(needed)) : null;
        assert.equal(thresholdOfRate(rate, people), expected, `${rate} ${people}`);
      }
    }
    assert.equal(thresholdOfRate(1e-4, 0), 80);
  });
});

describe('The names of photos', () => {
  const rules: NameRules = { source: 'file', isPlain: false, dropsNumber: true };
  const file = (path: string, type = 'image/jpeg', size = 1) => ({
    path,
    file: { name: path, type, size } as unknown as File,
  });
  const plan = (path: string, more: Partial<NameRules> = {}) =>
    planFiles([file(path)], { ...rules, ...more })[0];

  test('come from the file, without a number at its end', () => {
    for (const path of ['anna.jpg', 'staff/anna_0001.jpg', 'anna-2.png', 'anna (3).webp', 'anna 7.jpg']) {
      assert.deepEqual([plan(path)?.externalKey, plan(path)?.problem], ['anna', null], path);
    }
    assert.equal(plan('anna_1.jpg', { dropsNumber: false })?.externalKey, 'anna_1');
    assert.equal(plan('42.jpg')?.externalKey, '42');
  });

  test('come from the folder, if several folders hold photos', () => {
    assert.equal(plan('staff/anna/1.jpg', { source: 'folder' })?.externalKey, 'anna');
    assert.equal(plan('1.jpg', { source: 'folder' })?.problem, 'missing');
    assert.equal(guessedSource([file('staff/anna/1.jpg'), file('staff/bert/1.jpg')]), 'folder');
    assert.equal(guessedSource([file('staff/anna.jpg'), file('staff/bert.jpg')]), 'file');
  });

  test('are refused with a reason, and can be simplified', () => {
    assert.equal(plan('Jürgen Groß.jpg')?.problem, 'space');
    assert.equal(plan('Jürgen.jpg')?.problem, 'characters');
    assert.equal(plan('Jürgen Groß.jpg', { isPlain: true })?.externalKey, 'Jurgen_Gross');
    assert.equal(plan('王.jpg', { isPlain: true })?.problem, 'characters');
    assert.equal(problemOfName('a'.repeat(513)), 'long');
    assert.equal(problemOfName(''), 'missing');
    assert.equal(problemOfName('a~!'), null);
  });

  test('are left out for files that are no images, too large or of the system', () => {
    const problem = (picked: ReturnType<typeof file>) => planFiles([picked], rules)[0]?.problem;
    assert.equal(problem(file('notes.txt', 'text/plain')), 'type');
    assert.equal(problem(file('anna.heic', '')), null);
    assert.equal(problem(file('anna.jpg', 'image/jpeg', 10_000_001)), 'size');
    assert.equal(problem(file('anna.jpg', 'image/jpeg', 0)), 'empty');
    assert.equal(planFiles([file('staff/.DS_Store', ''), file('a/Thumbs.db', '')], rules).length, 0);
  });
});
