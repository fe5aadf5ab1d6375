import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FaceBase, FaceLike, openFaceBase, spreadOf } from '../../bench/face-like.ts';
import { innerProduct } from '../../src/vision/impostors.ts';

const base = await openFaceBase(undefined);
const { dimension } = base;
const COPIES = 300;

function scoresAmong(vectors: Float32Array): number[] {
  const row = (i: number) => vectors.subarray(i * dimension, (i + 1) * dimension);
  const scores: number[] = [];
  for (let i = 0; i < vectors.length / dimension; i++) {
    for (let j = 0; j < i; j++) scores.push(innerProduct(row(i), row(j)));
  }
  return scores;
}

describe('face-like data', () => {
  test('copies of one template score as mated pairs do', () => {
    const one: FaceBase = { ...base, templates: base.templates.slice(0, dimension) };
    const { mean, deviation } = spreadOf(scoresAmong(new FaceLike(one, 1).take(COPIES)));
    assert.ok(Math.abs(mean - base.mated.mean) < 0.06, `mean ${mean}`);
    assert.ok(Math.abs(deviation - base.mated.deviation) < 0.03, `deviation ${deviation}`);
  });

  test('copies of different templates score as strangers do', () => {
    const { mean, deviation } = spreadOf(scoresAmong(new FaceLike(base, 1).take(COPIES)));
    assert.ok(Math.abs(mean) < 0.02 && deviation < 0.1, `${mean} +- ${deviation}`);
  });

  test('are unit vectors, the same for one seed and others for another', () => {
    const copies = new FaceLike(base, 7).take(4);
    for (let i = 0; i < 4; i++) {
      const row = copies.subarray(i * dimension, (i + 1) * dimension);
      assert.ok(Math.abs(innerProduct(row, row) - 1) < 1e-5);
    }
    const again = new FaceLike(base, 7);
    assert.deepEqual(Float32Array.of(...again.take(1), ...again.take(3)), copies);
    assert.notDeepEqual(new FaceLike(base, 8).take(4), copies);
  });

  test('say what they are made of where there are no faces', () => {
    assert.match(base.source, /^6 templates .* random directions: faces were not given$/);
  });
});
