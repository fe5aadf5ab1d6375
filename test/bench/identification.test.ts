import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  bestOf,
  draw,
  falseNegativeRate,
  identificationThreshold,
  meanScore,
  meanTemplate,
  rankOne,
  search,
} from '../../bench/identification.ts';
import type { LabelledTemplate } from '../../src/vision/labelled-templates.ts';

const unit = (degrees: number) =>
  Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
const picture = (person: string, degrees: number | null): LabelledTemplate => ({
  person,
  image: `${person}/${degrees}.jpg`,
  template: degrees === null ? null : unit(degrees),
});
const enrolled = (person: string, ...degrees: number[]) => ({ person, templates: degrees.map(unit) });
const nobodyIsTwo = () => false;
const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}`);

describe('open-set identification', () => {
  const gallery = [enrolled('anna', 0), enrolled('bea', 90)];

  test('counts a mated search as a miss where a stranger scores higher, however high the mate scores', () => {
    const mated = [picture('anna', 10), picture('bea', 40)];
    const searches = search(gallery, { mated, nonMated: [] }, nobodyIsTwo);
    assert.equal(rankOne(searches), 0.5);
    assert.equal(falseNegativeRate(searches, -1), 0.5);
    assert.equal(falseNegativeRate(searches, 0.999), 1);
  });

  test('searches for a stranger without their own entry', () => {
    const { nonMated } = search(gallery, { mated: [], nonMated: [picture('anna', 0)] }, nobodyIsTwo);
    near(nonMated[0] as number, 0);
  });

  test('passes over an entry that is the same person under another name', () => {
    const { nonMated } = search(
      gallery,
      { mated: [], nonMated: [picture('annie', 0)] },
      (first, second) => first === 'anna' && second === 'annie',
    );
    near(nonMated[0] as number, 0);
  });

  test('takes a probe without a face for a miss and finds no stranger in it', () => {
    const probes = { mated: [picture('anna', null)], nonMated: [picture('cleo', null)] };
    const searches = search(gallery, probes, nobodyIsTwo);
    assert.equal(falseNegativeRate(searches, 0), 1);
    assert.deepEqual(searches.nonMated, [-1]);
  });

  test('a threshold at a false positive rate admits just that share of strangers', () => {
    const nonMated = Array.from({ length: 1000 }, (_, i) => i / 1000);
    const threshold = identificationThreshold({ mated: [], nonMated }, 0.003);
    assert.equal(nonMated.filter((score) => score >= threshold).length, 3);
  });
});

describe('several templates of one person', () => {
  const anna = enrolled('anna', -60, 0);

  test('count by the best, by the mean of their scores, or as one template in their middle', () => {
    near(bestOf(unit(0), anna), 1);
    near(meanScore(unit(0), anna), 0.75);
    near(meanTemplate()(unit(-30), anna), 1);
  });
});

describe('a draw', () => {
  test('takes different items, the same ones for one seed and others for another', () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    assert.equal(new Set(draw(items, 50, 7)).size, 50);
    assert.deepEqual(draw(items, 20, 7), draw(items, 20, 7));
    assert.notDeepEqual(draw(items, 20, 7), draw(items, 20, 8));
  });
});
