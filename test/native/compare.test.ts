import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createExecutor, type Executor } from '../../src/native/executor.ts';
import { compareNetworks, runtimeVersion } from '../../src/native/networks.ts';
import { nodeMessage, tensorMessage } from '../../src/vision/graph/onnx.ts';
import { modelBytes } from '../../testing/small-model.ts';

describe('the comparison of two networks', () => {
  let folder: string;
  let executor: Executor;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    executor = createExecutor({ threads: 2, maxQueue: 4 });
  });
  after(async () => {
    await executor.close();
    rmSync(folder, { recursive: true });
  });

  function scaling(name: string, ...factors: number[]): string {
    const file = join(folder, `${name}.onnx`);
    const shape = [1, factors.length];
    const bytes = modelBytes({
      nodes: [nodeMessage('mul', 'Mul', ['x', 'f'], 'y')],
      initializers: [tensorMessage('f', shape, Float32Array.from(factors))],
      input: shape,
      output: shape,
    });
    writeFileSync(file, bytes);
    return file;
  }
  const compare = async (original: string, changed: string, ...inputs: number[]) => {
    const compared = await compareNetworks(executor, original, changed, Float32Array.from(inputs));
    return { cosine: compared.cosine, difference: compared.difference };
  };

  test('finds nothing between a network and itself', async () => {
    const file = scaling('same', 1, 2);
    assert.deepEqual(await compare(file, file, 3, 4), { cosine: 1, difference: 0 });
  });

  test('measures angle and difference, relative to the largest value of the original', async () => {
    const { cosine, difference } = await compare(scaling('a', 1, 1), scaling('b', 1, 0.5), 3, 4);
    // (3, 4) and (3, 2)
    assert.ok(Math.abs(cosine - 17 / (5 * Math.sqrt(13))) < 1e-12);
    assert.ok(Math.abs(difference - 0.5) < 1e-12);
  });

  test('takes scores below what ONNX Runtime computes exactly for the same', async () => {
    const [a, b] = [scaling('a', 1, 1), scaling('b', 1, 0.5)];
    assert.deepEqual(await compare(a, b, 1e-6, 1.9e-6), { cosine: 1, difference: 0 });
    assert.ok((await compare(a, b, 1e-6, 2.1e-6)).difference > 0.4);
  });

  test('answers the worst of all inputs', async () => {
    const [a, b] = [scaling('a', 1, 1), scaling('b', 1, 0.5)];
    const worst = await compare(a, b, 3, 4);
    assert.deepEqual(await compare(a, b, 1, 0, 3, 4, 0, 1), { ...worst, difference: 0.5 });
    assert.deepEqual(await compare(a, b, 1, 0), { cosine: 1, difference: 0 });
  });

  test('answers NaN where there is nothing to compare, whatever the other inputs give', async () => {
    const [a, b] = [scaling('a', 1, 1), scaling('b', 1, 0.5)];
    assert.deepEqual(await compare(a, b, 1, 0, 0, 0, 3, 4), { cosine: Number.NaN, difference: Number.NaN });
  });

  test('refuses networks of different shapes, inputs that do not fit, and files that are none', async () => {
    const two = scaling('two', 1, 1);
    await assert.rejects(compare(two, scaling('three', 1, 1, 1), 1, 2), /differ in the shapes/);
    await assert.rejects(compare(two, two, 1, 2, 3), /take inputs of 2 floats, 3 were given/);
    await assert.rejects(compare(two, two), /take inputs of 2 floats, 0 were given/);
    await assert.rejects(compare(two, join(folder, 'gone.onnx'), 1, 2), (error: Error) => {
      assert.match(error.message, /gone\.onnx does not load/);
      assert.ok(!error.message.includes(folder), 'the folder does not show');
      return true;
    });
    await assert.rejects(compare(two, two, Number.NaN, 2), { name: 'TypeError' });
  });

  test('is by a runtime with a version', () => {
    assert.match(runtimeVersion(), /^\d+\.\d+\.\d+$/);
  });
});
