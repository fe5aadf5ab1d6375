import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  falseMatchRateAt,
  falseMatchRateFor,
  falsePositiveRateFor,
  roundedUp,
  thresholdAt,
} from '../../src/vision/false-match-rate.ts';
import { SimilarityScale } from '../../src/vision/similarity.ts';

const someRate = fc.double({ min: -6, max: -1, noNaN: true }).map((log) => 10 ** log);
const someSimilarity = fc.double({ min: 0, max: 100, noNaN: true });
const someCount = fc.integer({ min: 1, max: 1_000_000 });

describe('the false match rate of a similarity', () => {
  const meanings = [
    [50, 1e-1],
    [60, 1e-2],
    [70, 1e-3],
    [80, 1e-4],
    [90, 1e-5],
    [95, 1e-6],
  ] as const;

  for (const [similarity, rate] of meanings) {
    test(`is ${rate} at ${similarity}, and back`, () => {
      assert.equal(falseMatchRateAt(similarity), rate);
      assert.equal(thresholdAt(rate), similarity);
    });
  }

  test('runs from 1 at 0 to the end of the scale, which stands for lower rates', () => {
    assert.equal(falseMatchRateAt(0), 1);
    for (const similarity of [95.01, 100]) assert.equal(falseMatchRateAt(similarity), 1e-6);
  });

  test('is a straight line of its logarithm between the points', () => {
    assert.ok(Math.abs(falseMatchRateAt(75) / 10 ** -3.5 - 1) < 1e-5);
    assert.ok(Math.abs(falseMatchRateAt(92.5) / 10 ** -5.5 - 1) < 1e-5);
  });

  test('never rises with the similarity', () => {
    fc.assert(
      fc.property(someSimilarity, someSimilarity, (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        assert.ok(falseMatchRateAt(low) >= falseMatchRateAt(high));
      }),
    );
  });
});

describe('the threshold of a rate', () => {
  test('keeps the rate, and a hundredth less would not', () => {
    fc.assert(
      fc.property(someRate, (rate) => {
        const threshold = thresholdAt(rate);
        assert.equal(threshold, Number(threshold.toFixed(2)));
        assert.ok(falseMatchRateAt(threshold) <= rate * (1 + 1e-9));
        assert.ok(falseMatchRateAt(threshold - 0.01) > rate);
      }),
    );
  });

  test('never rises with the rate', () => {
    fc.assert(
      fc.property(someRate, someRate, (a, b) => {
        assert.ok(thresholdAt(Math.min(a, b)) >= thresholdAt(Math.max(a, b)));
      }),
    );
  });

  test('leads back to itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5000, max: 9500 }), (hundredths) => {
        assert.equal(thresholdAt(falseMatchRateAt(hundredths / 100)), hundredths / 100);
      }),
    );
  });

  test('never falls as a gallery grows', () => {
    fc.assert(
      fc.property(someRate, someCount, someCount, (rate, a, b) => {
        const [few, many] = [Math.min(a, b), Math.max(a, b)];
        assert.ok(thresholdAt(falseMatchRateFor(rate, few)) <= thresholdAt(falseMatchRateFor(rate, many)));
      }),
    );
  });
});

describe('the chance that a stranger matches anyone', () => {
  test('is that of as many throws of a die', () => {
    assert.ok(Math.abs(falsePositiveRateFor(1 / 6, 3) - 91 / 216) < 1e-12);
  });

  test('leads back to the rate of one comparison', () => {
    fc.assert(
      fc.property(someRate, someCount, (rate, count) => {
        const back = falsePositiveRateFor(falseMatchRateFor(rate, count), count);
        assert.ok(Math.abs(back / rate - 1) < 1e-9);
      }),
    );
  });
});

test('a rate is rounded up, and a round one stays', () => {
  fc.assert(
    fc.property(someRate, fc.integer({ min: 2, max: 6 }), (rate, digits) => {
      const rounded = roundedUp(rate, digits);
      assert.equal(rounded, Number(rounded.toPrecision(digits)));
      assert.ok(rounded >= rate * (1 - 1e-9) && rounded <= rate * (1 + 10 ** (1 - digits)));
      assert.equal(roundedUp(rounded, digits), rounded);
    }),
  );
});

test('a scale says the lowest rate that it has a threshold for', () => {
  const least = (points: [number, number][]) => new SimilarityScale(points).leastFalseMatchRate;
  assert.equal(least([[-1, 0], [0.4, 80], [0.5, 95], [1, 100]]), 1e-6); // biome-ignore format: one scale a line
  assert.equal(least([[-1, 0], [0.4, 80], [0.5, 90], [1, 100]]), 1e-5); // biome-ignore format: one scale a line
  assert.equal(least([[-1, 0], [1, 100]]), 1); // biome-ignore format: one scale a line
});
