import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { before, beforeEach, describe, test } from 'node:test';
import { type Analysis, loadPipeline } from '../../../src/native/pipeline.ts';
import type { PipelineOptions } from '../../../src/native/pipeline-options.ts';
import { deviceNetworks } from '../../../src/vision/graph/device-networks.ts';
import { attributeMessage, nodeMessage, tensorMessage } from '../../../src/vision/graph/onnx.ts';
import { type ModelPack, openModelPack } from '../../../src/vision/model-pack.ts';
import { cosine } from '../../../testing/faces.ts';
import { photograph } from '../../../testing/photographs.ts';
import { modelBytes, type SmallModel, weights } from '../../../testing/small-model.ts';
import { workplace } from './workplace.ts';

const device = { provider: 'cpu', maxBatch: 4, maxDelayMs: 5, memoryLimit: 0 } as const;

describe('The networks for a device', () => {
  const place = workplace(4);
  const { lines, log } = place;
  let folder: string;
  let pack: ModelPack;
  before(async () => {
    pack = await openModelPack('faceplugin');
  });
  beforeEach(() => {
    folder = place.emptyFolder();
  });
  const networks = (of: ModelPack) => deviceNetworks(of, place.executor, { folder, log, device });

  /** A pack of an embedder alone, whose input is 3 x 5 x 5. */
  function alone(model: Pick<SmallModel, 'nodes' | 'initializers'>): ModelPack {
    const file = join(place.folder, 'small.onnx');
    writeFileSync(file, modelBytes({ ...model, input: [1, 3, 5, 5], output: [1, 3, 5, 5] }));
    const { embedder } = pack.pipeline;
    const input = { ...embedder.input, width: 5, height: 5 };
    return { ...pack, pipeline: { embedder: { ...embedder, file, input } } as unknown as PipelineOptions };
  }

  test('see in pictures that come together what they see in each alone', async () => {
    const joined = await loadPipeline(place.executor, await networks(pack), device);
    assert.deepEqual(lines, []);
    const plain = await loadPipeline(place.executor, pack.pipeline);
    const request = { attributes: true, liveness: true };
    const pictures = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => photograph(n)));
    const expected: Analysis[] = [];
    for (const picture of pictures) expected.push(await plain.analyze(picture, 'binary', request));
    const seen = await Promise.all(pictures.map((picture) => joined.analyze(picture, 'binary', request)));
    for (const [i, { faces, template, liveness }] of seen.entries()) {
      assert.equal(faces.length, expected[i]?.faces.length);
      assert.ok(cosine(template, expected[i]?.template ?? null) > 1 - 1e-5);
      assert.ok(Math.abs((liveness?.[0] ?? 0) - (expected[i]?.liveness?.[0] ?? 1)) < 1e-3);
      assert.ok(Math.abs((faces[0]?.pose?.yaw ?? 99) - (expected[i]?.faces[0]?.pose?.yaw ?? 0)) < 0.01);
    }
  });

  test('are each in a folder of its own, named for its content, and made only once', async () => {
    const model = { nodes: [nodeMessage('n', 'Neg', ['x'], 'y')], initializers: [] };
    const [first, second] = [await networks(alone(model)), await networks(alone(model))];
    assert.equal(first.embedder.file, second.embedder.file);
    assert.equal(basename(first.embedder.file), 'small.onnx');
    assert.deepEqual(readdirSync(folder), [basename(dirname(first.embedder.file))]);
    assert.match(basename(dirname(first.embedder.file)), /^[0-9a-f]{64}$/);
  });

  test('stay of one input where a batch would mix its pictures', async () => {
    const mean = nodeMessage('m', 'ReduceMean', ['x'], 'mean', [attributeMessage('axes', [0])]);
    const mixing = { nodes: [mean, nodeMessage('a', 'Add', ['x', 'mean'], 'y')], initializers: [] };
    const { embedder } = await networks(alone(mixing));
    assert.deepEqual(
      lines.map(({ msg, network }) => [msg, network]),
      [['the network cannot be run in batches', 'small.onnx']],
    );
    assert.notEqual(embedder.file, join(place.folder, 'small.onnx'));
  });

  test('are refused where what they give is not what the CPU gives', async () => {
    const zero = tensorMessage('zero', [1], weights(1).fill(0));
    const silent = { nodes: [nodeMessage('m', 'Mul', ['x', 'zero'], 'y')], initializers: [zero] };
    await assert.rejects(
      networks(alone(silent)),
      /^Error: The network small\.onnx gives different outputs on the device cpu than on the CPU: expected a cosine of at least 0\.9999, got NaN\.$/,
    );
  });
});
