import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DistinctPeople } from '../../src/vision/distinct-people.ts';
import { innerProduct } from '../../src/vision/impostors.ts';
import { faceMixes } from '../../testing/face-mixes.ts';

function spreadOf(people: readonly Float32Array[]): { mean: number; deviation: number } {
  const scores = people.flatMap((a, i) => people.slice(0, i).map((b) => innerProduct(a, b)));
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return {
    mean,
    deviation: Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length),
  };
}

describe('made-up people', () => {
  const mixes = faceMixes();

  test('of the fixture are unit vectors that score against each other as different people do', () => {
    assert.equal(mixes.length, 512);
    for (const mix of mixes) assert.ok(Math.abs(innerProduct(mix, mix) - 1) < 1e-6);
    const { mean, deviation } = spreadOf(mixes);
    assert.ok(Math.abs(mean - 0.038) < 0.01, `mean ${mean}`);
    assert.ok(Math.abs(deviation - 0.105) < 0.01, `deviation ${deviation}`);
  });

  test('score against each other as those they are made of', () => {
    const source = new DistinctPeople(mixes, 1);
    const { mean, deviation } = spreadOf(Array.from({ length: 500 }, () => source.next()));
    const real = spreadOf(mixes);
    assert.ok(Math.abs(mean - real.mean) < 0.01, `mean ${mean}, expected ${real.mean}`);
    assert.ok(
      Math.abs(deviation - real.deviation) < 0.01,
      `deviation ${deviation}, expected ${real.deviation}`,
    );
  });

  test('score with another image of themselves as asked', () => {
    const source = new DistinctPeople(mixes, 2);
    for (const score of [0.2, 0.68, 0.95]) {
      const person = source.next();
      const probe = source.probe(person, score);
      assert.ok(Math.abs(innerProduct(probe, person) - score) < 1e-5);
      assert.ok(Math.abs(innerProduct(probe, probe) - 1) < 1e-5);
    }
  });

  test('are the same for the same seed, and differ otherwise', () => {
    const first = new DistinctPeople(mixes, 3).next();
    assert.deepEqual(new DistinctPeople(mixes, 3).next(), first);
    assert.ok(innerProduct(new DistinctPeople(mixes, 4).next(), first) < 0.6);
  });
});
