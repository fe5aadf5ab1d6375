import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { foldedAccuracy, thresholdAt, trueMatchRate } from '../../bench/verification.ts';

describe('measures of verification', () => {
  test('a threshold at a false match rate admits just that share of strangers', () => {
    const nonMated = Array.from({ length: 1000 }, (_, i) => i / 1000);
    const threshold = thresholdAt(nonMated, 0.01);
    assert.equal(nonMated.filter((score) => score >= threshold).length, 10);
  });

  test('a threshold at a rate of nought admits no stranger', () => {
    const nonMated = [0.1, 0.7, 0.3];
    assert.equal(nonMated.filter((score) => score >= thresholdAt(nonMated, 0)).length, 0);
  });

  test('the true match rate counts the mated pairs that reach the threshold', () => {
    assert.equal(trueMatchRate([0.2, 0.5, 0.6, 0.9], 0.5), 0.75);
  });

  test('accuracy is 1 where the scores part the pairs, and one half where they say nothing', () => {
    const parted = Array.from({ length: 200 }, (_, i) => ({ score: i < 100 ? 0.8 : 0.1, mated: i < 100 }));
    assert.equal(foldedAccuracy(parted, 10).mean, 1);
    const mute = parted.map((pair) => ({ ...pair, score: 0 }));
    assert.equal(foldedAccuracy(mute, 10).mean, 0.5);
  });

  test('a fold is judged by the threshold of the others, so an odd fold pays for itself', () => {
    const pairs = Array.from({ length: 100 }, (_, i) => ({
      score: (i < 50 ? 0.8 : 0.2) + (i % 50 < 5 ? -0.7 : 0),
      mated: i < 50,
    }));
    const { mean } = foldedAccuracy(pairs, 10);
    assert.ok(mean < 1 && mean >= 0.9, `${mean}`);
  });
});
