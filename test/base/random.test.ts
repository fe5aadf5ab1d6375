import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normals, uniforms } from '../../src/base/random.ts';

const COUNT = 20_000;

test('uniforms repeat for a seed, differ between seeds, and fill 0 to 1 evenly', () => {
  const draw = (seed: number) => Array.from({ length: COUNT }, uniforms(seed));
  const values = draw(1);
  assert.deepEqual(values, draw(1));
  assert.notDeepEqual(values, draw(2));
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = values.filter((value) => Math.floor(10 * value) === tenth).length / COUNT;
    assert.ok(Math.abs(share - 0.1) < 0.01, `${tenth}: ${share}`);
  }
});

test('normals have mean 0 and variance 1', () => {
  const values = Array.from({ length: COUNT }, normals(3));
  const mean = values.reduce((sum, value) => sum + value, 0) / COUNT;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / COUNT;
  assert.ok(Math.abs(mean) < 0.03, String(mean));
  assert.ok(Math.abs(variance - 1) < 0.05, String(variance));
});
