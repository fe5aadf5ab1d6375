import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normals } from '../../src/base/random.ts';
import { eigenOf, secondMoments } from '../../src/vision/principal-axes.ts';

const inner = (a: Float64Array, b: Float64Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

function vectorsWith(deviations: readonly number[], count: number): Float32Array[] {
  const normal = normals(1);
  return Array.from({ length: count }, () =>
    Float32Array.from(deviations, (deviation) => deviation * normal()),
  );
}

describe('principal axes', () => {
  test('are orthonormal eigenvectors of the second moments, largest first', () => {
    const size = 48;
    const vectors = vectorsWith(
      Array.from({ length: size }, (_, i) => 1 / (1 + i)),
      400,
    );
    const moments = secondMoments(vectors, size);
    const { values, vectors: axes } = eigenOf(moments, size);
    for (let i = 0; i < size; i++) {
      const axis = axes.subarray(i * size, (i + 1) * size);
      for (let j = 0; j <= i; j++) {
        const product = inner(axis, axes.subarray(j * size, (j + 1) * size));
        assert.ok(Math.abs(product - (i === j ? 1 : 0)) < 1e-12, `axes ${i} and ${j}: ${product}`);
      }
      const image = Float64Array.from({ length: size }, (_, r) =>
        inner(moments.subarray(r * size, (r + 1) * size), axis),
      );
      const worst = image.reduce(
        (most, value, r) => Math.max(most, Math.abs(value - (values[i] as number) * (axis[r] as number))),
        0,
      );
      assert.ok(worst < 1e-12, `axis ${i} differs by ${worst}`);
      assert.ok(i === 0 || (values[i] as number) <= (values[i - 1] as number));
    }
  });

  test('of vectors in a subspace have no variance outside of it', () => {
    const vectors = vectorsWith([3, 0, 2, 0, 0, 1, 0, 0], 100);
    const { values, vectors: axes } = eigenOf(secondMoments(vectors, 8), 8);
    assert.ok((values[2] as number) > 0.5);
    for (const value of values.subarray(3)) assert.ok(value < 1e-9);
    for (let axis = 0; axis < 8; axis++) {
      const outside = [1, 3, 4, 6, 7].reduce((sum, i) => sum + (axes[8 * axis + i] as number) ** 2, 0);
      assert.ok(Math.abs(outside - (axis < 3 ? 0 : 1)) < 1e-9);
    }
  });
});
