import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { SimilarityScale } from '../../src/vision/similarity.ts';

const POINTS: [number, number][] = [
  [-1, 0],
  [0.2, 60],
  [0.5, 90],
  [1, 100],
];

describe('the similarity scale', () => {
  const scale = new SimilarityScale(POINTS);

  test('meets its points and runs straight between them', () => {
    for (const [score, similarity] of POINTS) assert.equal(scale.toSimilarity(score), similarity);
    assert.equal(scale.toSimilarity(0.35), 75);
    assert.equal(scale.toSimilarity(0.75), 95);
  });

  test('stays within 0 and 100 for scores a rounding error outside of -1 and 1', () => {
    assert.equal(scale.toSimilarity(1.0000002), 100);
    assert.equal(scale.toSimilarity(-1.0000002), 0);
  });

  test('shows two decimals, and what is shown is what a threshold compares with', () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (score) => {
        const similarity = scale.toSimilarity(score);
        assert.equal(similarity, Number(similarity.toFixed(2)));
      }),
    );
  });

  test('never falls while the score rises', () => {
    const scores = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(scores, scores, (a, b) => {
        if (a <= b) assert.ok(scale.toSimilarity(a) <= scale.toSimilarity(b));
      }),
    );
  });

  test('leads back to the score', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 100, noNaN: true }), (similarity) => {
        assert.ok(Math.abs(scale.toSimilarity(scale.toScore(similarity)) - similarity) < 0.00501);
      }),
    );
  });

  for (const [name, points] of [
    [
      'falls',
      [
        [-1, 0],
        [0.5, 80],
        [0.6, 70],
        [1, 100],
      ],
    ],
    [
      'stands still',
      [
        [-1, 0],
        [0.5, 80],
        [0.5, 90],
        [1, 100],
      ],
    ],
    [
      'has a number that is none',
      [
        [-1, 0],
        [Number.NaN, 50],
        [1, 100],
      ],
    ],
    [
      'does not reach 100',
      [
        [-1, 0],
        [1, 99],
      ],
    ],
    [
      'does not begin at 0',
      [
        [-1, 1],
        [1, 100],
      ],
    ],
    ['has one point', [[0, 0]]],
  ] as [string, [number, number][]][]) {
    test(`is refused if it ${name}`, () => {
      assert.throws(() => new SimilarityScale(points), /similarity scale/);
    });
  }

  test('of the default pack is a scale', async () => {
    const { similarity } = await openModelPack('faceplugin');
    assert.ok(similarity);
    assert.equal(similarity.toSimilarity(1), 100);
    assert.ok(similarity.toScore(70) < similarity.toScore(80));
  });
});
