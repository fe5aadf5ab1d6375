import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { createExecutor, type Executor } from '../../../src/native/executor.ts';
import { loadPipeline } from '../../../src/native/pipeline.ts';
import type { Box, DetectorDecoder, PipelineOptions } from '../../../src/native/pipeline-options.ts';
import { openModelPack } from '../../../src/vision/model-pack.ts';
import { type ConstantOutput, constantModel } from './constant-model.ts';

/** The size of the smallest image, so pixels of input and image are equal. */
const SIDE = 64;

let folder: string;
let executor: Executor;
let stages: PipelineOptions;
let picture: Buffer;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
  executor = createExecutor({ threads: 1, maxQueue: 16 });
  stages = (await openModelPack('faceplugin')).pipeline;
  picture = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#888' } })
    .png()
    .toBuffer();
});
after(async () => {
  await executor.close();
  rmSync(folder, { recursive: true });
});

async function detect(
  decoder: DetectorDecoder,
  outputs: readonly ConstantOutput[],
  settings: Partial<PipelineOptions['detector']> = {},
) {
  const file = join(folder, `${decoder}-${outputs.length}.onnx`);
  writeFileSync(file, constantModel({ width: SIDE, height: SIDE }, outputs));
  const pipeline = await loadPipeline(executor, {
    ...stages,
    detector: {
      file,
      decoder,
      input: { width: SIDE, height: SIDE, channels: 'BGR', mean: 0, scale: 1 },
      faceWidths: { least: 16, most: SIDE },
      scoreThreshold: 0.5,
      nmsIou: 0.4,
      ...settings,
    },
  });
  return (await pipeline.analyze(picture, 'binary', { described: 0, template: false })).faces;
}

function assertFaces(
  actual: Awaited<ReturnType<typeof detect>>,
  expected: readonly (Box & { score: number })[],
) {
  const round = (value: number) => Math.round(value * 1e3) / 1e3;
  assert.deepEqual(
    actual.map(({ box: { x, y, width, height }, confidence }) =>
      [x, y, width, height, confidence].map(round),
    ),
    expected.map(({ x, y, width, height, score }) => [x, y, width, height, score]),
  );
}

const empty = (rows: number, columns: number): ConstantOutput => ({ rows, columns, values: {} });

describe("a detector's outputs are read as their family lays them out", () => {
  test('RFB: corners as shares of the input', async () => {
    const faces = await detect('rfb', [
      { rows: 3, columns: 2, values: { 0: [0.1, 0.9], 1: [0.6, 0.4], 2: [0.3, 0.7] } },
      {
        rows: 3,
        columns: 4,
        values: { 0: [0.25, 0.25, 0.5, 0.75], 1: [0, 0, 1, 1], 2: [0.75, 0.5, 1.25, 1] },
      },
    ]);
    assertFaces(faces, [
      { x: 16, y: 16, width: 16, height: 32, score: 0.9 },
      { x: 48, y: 32, width: 16, height: 32, score: 0.7 },
    ]);
  });

  test('YuNet: shifts and logarithms in cells, from the corner of the cell', async () => {
    // Cell (3, 2) of stride 8: centre (3.5, 2.25) x 8, size (2, 3) x 8. Cell (1, 1) of stride 32: centre (1.5, 1.5) x 32.
    const faces = await detect('yunet', [
      { rows: 64, columns: 1, values: { 19: [0.81] } },
      empty(16, 1),
      { rows: 4, columns: 1, values: { 3: [1] } },
      { rows: 64, columns: 1, values: { 19: [1] } },
      empty(16, 1),
      { rows: 4, columns: 1, values: { 3: [0.64] } },
      { rows: 64, columns: 4, values: { 19: [0.5, 0.25, Math.log(2), Math.log(3)] } },
      empty(16, 4),
      { rows: 4, columns: 4, values: { 3: [0.5, 0.5, Math.log(0.75), 0] } },
      empty(64, 10),
      empty(16, 10),
      empty(4, 10),
    ]);
    assertFaces(faces, [
      { x: 36, y: 32, width: 24, height: 32, score: 0.8 },
      { x: 20, y: 6, width: 16, height: 24, score: 0.9 },
    ]);
  });

  // Second prior of cell (3, 2) of stride 8, at (24, 16); first of cell (2, 2) of stride 16, at (32, 32).
  const scrfd = [
    { rows: 128, columns: 1, values: { 39: [0.9] } },
    { rows: 32, columns: 1, values: { 20: [0.6] } },
    empty(8, 1),
    { rows: 128, columns: 4, values: { 39: [1, 2, 1, 1] } },
    { rows: 32, columns: 4, values: { 20: [0.5, 0, 1, 1.5] } },
    empty(8, 4),
  ];
  const scrfdFaces = [
    { x: 24, y: 32, width: 24, height: 24, score: 0.6 },
    { x: 16, y: 0, width: 16, height: 24, score: 0.9 },
  ];

  test('SCRFD without points: distances from the prior in cells', async () => {
    assertFaces(await detect('scrfd', scrfd), scrfdFaces);
  });

  test('SCRFD with points', async () => {
    assertFaces(await detect('scrfd', [...scrfd, empty(128, 10), empty(32, 10), empty(8, 10)]), scrfdFaces);
  });

  for (const [order, name] of [
    [[0, 1, 2], 'location, score, points'],
    [[2, 1, 0], 'points, score, location'],
  ] as const) {
    test(`RetinaFace: variances about square priors, outputs in the order ${name}`, async () => {
      // The 64 pixel prior of cell (1, 2) of stride 16, centre (24, 40): 128 of stride 8 and 9 cells of two before it.
      const prior = 128 + (2 * 4 + 1) * 2;
      const outputs = [
        {
          rows: 168,
          columns: 4,
          values: { [prior]: [1, -0.5, Math.log(0.5) / 0.2, Math.log(0.75) / 0.2] },
        },
        { rows: 168, columns: 2, values: { [prior]: [0.05, 0.95] } },
        empty(168, 10),
      ];
      const faces = await detect(
        'retinaface',
        order.map((i) => outputs[i] as ConstantOutput),
      );
      // Centre (24 + 0.1 x 64, 40 - 0.05 x 64), half and three quarters of 64 large.
      assertFaces(faces, [{ x: 14.4, y: 12.8, width: 32, height: 48, score: 0.95 }]);
    });
  }

  test('boxes are moved and stretched as the pack says, about their centre', async () => {
    const outputs = [
      { rows: 1, columns: 2, values: { 0: [0.1, 0.9] } },
      { rows: 1, columns: 4, values: { 0: [0.25, 0.25, 0.5, 0.75] } },
    ];
    const faces = await detect('rfb', outputs, { boxFit: { x: 0.25, y: -0.125, width: 2, height: 0.5 } });
    assertFaces(faces, [{ x: 12, y: 20, width: 32, height: 16, score: 0.9 }]);
  });

  test('a box mostly inside a larger one of a better score is a part of that face', async () => {
    const outputs = [
      { rows: 3, columns: 2, values: { 0: [0, 0.9], 1: [0, 0.8], 2: [0, 0.95] } },
      {
        rows: 3,
        columns: 4,
        values: { 0: [0, 0, 1, 1], 1: [0.5, 0.5, 0.75, 0.75], 2: [0.1, 0.1, 0.3, 0.3] },
      },
    ];
    const faces = await detect('rfb', outputs);
    assert.deepEqual(
      faces.map(({ box }) => Math.round(box.width * 10) / 10),
      [64, 12.8],
    );
  });

  test('a network of another family is refused when the pack is loaded, with what is wrong', async () => {
    await assert.rejects(
      detect('scrfd', [empty(64, 1)]),
      /scrfd-1\.onnx cannot be used as scrfd: SCRFD has six outputs/,
    );
    await assert.rejects(
      detect('yunet', Array(12).fill(empty(64, 1))),
      /The output y6 is not a table of 64 x 4/,
    );
    await assert.rejects(detect('retinaface', [empty(9, 4), empty(9, 2), empty(9, 10)]), /168 x 4/);
    await assert.rejects(detect('rfb', [empty(3, 2), empty(4, 4)]), /3 x 4/);
  });
});
