import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { loadPipeline, type Pipeline } from '../../src/native/pipeline.ts';
import type { Box, LivenessLook } from '../../src/native/pipeline-options.ts';
import { nodeMessage } from '../../src/vision/graph/onnx.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { usePipeline } from '../../testing/faces.ts';
import { portrait } from '../../testing/photographs.ts';
import { modelBytes, wholesMessage } from '../../testing/small-model.ts';

const SIDE = 48;
const LEVELS = 32;

type Crop = LivenessLook['crop'];

const CROPS: readonly Crop[] = (['box', 'square'] as const).flatMap((mode) =>
  (['none', 'black'] as const).flatMap((padding) => [
    { mode, padding, scale: 1.2 },
    { mode, padding, scale: 4 },
  ]),
);

const parts = usePipeline();
let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
});
after(() => rmSync(folder, { recursive: true }));

async function colourPipeline(crops: readonly Crop[], channels: 'RGB' | 'BGR' = 'RGB'): Promise<Pipeline> {
  const file = join(folder, 'colours.onnx');
  const nodes = [
    nodeMessage('pool', 'GlobalAveragePool', ['x'], 'm'),
    nodeMessage('shape', 'Reshape', ['m', 's'], 'y'),
  ];
  const initializers = [wholesMessage('s', [2], [1, 3])];
  writeFileSync(file, modelBytes({ nodes, initializers, input: [1, 3, SIDE, SIDE], output: [1, 3] }));
  // A mean other than 0 shows whether the padding is black or the mean.
  const input = { width: SIDE, height: SIDE, channels, mean: 100, scale: 1 / LEVELS };
  const { pipeline } = await openModelPack('faceplugin');
  const liveness = crops.map((crop): LivenessLook => {
    return { file, input, crop, classes: ['live', 'print', 'replay'], threshold: 0.5 };
  });
  return loadPipeline(parts.executor, { ...pipeline, liveness });
}

async function cornered(left: number, top: number): Promise<Buffer> {
  const face = await sharp(await portrait('bea'))
    .resize({ width: 150 })
    .png()
    .toBuffer();
  const { height = 0 } = await sharp(face).metadata();
  const [width, tall] = [420, 340];
  const blue = {
    create: { width: width - 150 - left, height: tall, channels: 3, background: '#2040e0' },
  } as const;
  return sharp({ create: { width, height: tall, channels: 3, background: '#d04010' } })
    .composite([
      { input: face, left, top: Math.min(top, tall - height) },
      { input: await sharp(blue).png().toBuffer(), left: 150 + left, top: 0 },
    ])
    .png()
    .toBuffer();
}

async function expected(image: Buffer, box: Box, { mode, scale, padding }: Crop): Promise<number[]> {
  const { width = 0, height = 0 } = await sharp(image).metadata();
  const longer = Math.max(box.width, box.height);
  let [wide, tall] =
    mode === 'box' ? [box.width * scale, box.height * scale] : [longer * scale, longer * scale];
  if (padding === 'none') {
    const fit = Math.min(1, width / wide, height / tall);
    [wide, tall] = [wide * fit, tall * fit];
  }
  let left = box.x + box.width / 2 - wide / 2;
  let top = box.y + box.height / 2 - tall / 2;
  if (padding === 'none') {
    left = Math.max(0, Math.min(left, width - wide));
    top = Math.max(0, Math.min(top, height - tall));
  }
  const margin = 600;
  const edges = { left: margin, right: margin, top: margin, bottom: margin, background: '#000000' };
  const framed = await sharp(image).removeAlpha().extend(edges).png().toBuffer();
  const area = { left: Math.round(left + margin), top: Math.round(top + margin) };
  const cut = { ...area, width: Math.round(wide), height: Math.round(tall) };
  const { channels } = await sharp(await sharp(framed).extract(cut).png().toBuffer()).stats();
  return channels.map(({ mean }) => mean);
}

describe('the crops of liveness', () => {
  test('have their shape, scale and padding, and one set of probabilities each', async () => {
    const pipeline = await colourPipeline(CROPS);
    for (const [left, top] of [
      [0, 0],
      [60, 200],
    ] as const) {
      const image = await cornered(left, top);
      const request = { template: false, liveness: true };
      const { liveness, faces } = await pipeline.analyze(image, 'binary', request);
      assert.ok(liveness && faces[0]);
      assert.equal(liveness.length, 3 * CROPS.length);
      for (const [i, crop] of CROPS.entries()) {
        const [red = 0, green = 0, blue = 0] = liveness.subarray(3 * i, 3 * i + 3);
        const colour = await expected(image, faces[0].box, crop);
        const [r = 0, g = 0, b = 0] = colour;
        const seen = [LEVELS * Math.log(red / green), LEVELS * Math.log(red / blue)];
        const wanted = [r - g, r - b];
        for (const [j, value] of seen.entries()) {
          const difference = Math.abs(value - (wanted[j] as number));
          assert.ok(difference < 4, `${JSON.stringify(crop)}: ${seen} instead of ${wanted}`);
        }
      }
    }
  });

  test('of several networks with other channels do not share a run', async () => {
    const crop = { mode: 'square', scale: 2, padding: 'black' } as const;
    const [rgb, bgr] = [await colourPipeline([crop]), await colourPipeline([crop], 'BGR')];
    const image = await cornered(30, 30);
    const of = async (pipeline: Pipeline) =>
      (await pipeline.analyze(image, 'binary', { template: false, liveness: true })).liveness;
    const [one, other] = [await of(rgb), await of(bgr)];
    assert.deepEqual(one && [...one], other && [...other].reverse());
  });
});
