import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { createExecutor, type Executor } from '../../src/native/executor.ts';
import { type Analysis, loadPipeline, type Pipeline } from '../../src/native/pipeline.ts';
import type { PipelineOptions } from '../../src/native/pipeline-options.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { cosine } from '../../testing/faces.ts';
import { portrait } from '../../testing/photographs.ts';

const PEOPLE = ['anna', 'annaElsewhere', 'bea', 'cleo', 'dora', 'emma'] as const;
const CUTS = [
  [5, 0],
  [0, 9],
  [13, 7],
] as const;
const PLAIN = { context: 1, mirrored: false };

let executor: Executor;
let stages: PipelineOptions;
before(async () => {
  executor = createExecutor({ threads: 2, maxQueue: 256 });
  stages = (await openModelPack('faceplugin')).pipeline;
});
after(() => executor.close());

function pipelineWith(changes: {
  landmarks?: Partial<PipelineOptions['landmarks']>;
  embedder?: Partial<PipelineOptions['embedder']>;
}): Promise<Pipeline> {
  return loadPipeline(executor, {
    ...stages,
    landmarks: { ...stages.landmarks, ...changes.landmarks },
    embedder: { ...stages.embedder, ...changes.embedder },
  });
}

async function jitter(pipeline: Pipeline): Promise<number> {
  const moves: number[] = [];
  for (const person of PEOPLE) {
    const picture = await portrait(person);
    const { width = 0, height = 0 } = await sharp(picture).metadata();
    const points = async (left: number, top: number) => {
      const part = sharp(picture).extract({ left, top, width: width - left, height: height - top });
      const image = await part.png({ compressionLevel: 1 }).toBuffer();
      const { faces } = await pipeline.analyze(image, 'binary', { described: 1, template: false });
      return [...(faces[0]?.landmarks ?? [])].map((value, i) => value + (i % 2 === 0 ? left : top));
    };
    const whole = await points(0, 0);
    assert.equal(whole.length, 10);
    const [leftX = 0, leftY = 0, rightX = 0, rightY = 0] = whole;
    for (const [left, top] of CUTS) {
      for (const [i, value] of (await points(left, top)).entries()) {
        moves.push(Math.abs(value - (whole[i] ?? 0)) / Math.hypot(rightX - leftX, rightY - leftY));
      }
    }
  }
  return moves.reduce((sum, move) => sum + move, 0) / moves.length;
}

describe('the five points', () => {
  test('move less with the box where they are looked for a second time', async () => {
    const once = await jitter(await pipelineWith({ landmarks: { secondLook: false } }));
    const twice = await jitter(await pipelineWith({ landmarks: { secondLook: true } }));
    assert.ok(twice < 0.75 * once, `${twice} of the distance of the eyes, and once ${once}`);
    assert.ok(twice < 0.02, `${twice} of the distance of the eyes`);
  });
});

describe('the views of a face', () => {
  test('make nearly the same template of a mirrored picture where one of them is mirrored', async () => {
    const similarity = async (views: PipelineOptions['embedder']['views']) => {
      const pipeline = await pipelineWith({ embedder: { ...(views && { views }) } });
      const picture = await portrait('bea');
      const mirrored = await sharp(picture).flop().png().toBuffer();
      const [first, second] = await Promise.all(
        [picture, mirrored].map((image) => pipeline.analyze(image, 'binary')),
      );
      return cosine((first as Analysis).template, (second as Analysis).template);
    };
    const both = await similarity([PLAIN, { context: 1, mirrored: true }]);
    const one = await similarity([PLAIN]);
    assert.ok(both > 0.975 && both > one + 0.005, `${both}, and with one view ${one}`);
  });

  test('are one plain view where none is named, and change the template where they change', async () => {
    const { views: _, ...embedder } = stages.embedder;
    const unnamed = await loadPipeline(executor, { ...stages, embedder });
    const image = await portrait('cleo');
    const templates = await Promise.all(
      [
        unnamed,
        await pipelineWith({ embedder: { views: [PLAIN] } }),
        await pipelineWith({ embedder: { views: [{ context: 1.3, mirrored: false }] } }),
      ].map(async (pipeline) => (await pipeline.analyze(image, 'binary')).template),
    );
    const [none, plain, wide] = templates as [Float32Array, Float32Array, Float32Array];
    assert.deepEqual(none, plain);
    assert.ok(cosine(plain, wide) < 0.98);
  });
});

describe("the embedder's input", () => {
  test('takes a mean and a scale for each channel, in the order of the channels', async () => {
    const image = await portrait('dora');
    const templateWith = async (input: Partial<PipelineOptions['embedder']['input']>) => {
      const pipeline = await pipelineWith({ embedder: { input: { ...stages.embedder.input, ...input } } });
      return (await pipeline.analyze(image, 'binary')).template;
    };
    const scale = 1 / 128;
    const one = await templateWith({ mean: 127.5, scale });
    assert.deepEqual(
      await templateWith({ mean: [127.5, 127.5, 127.5], scale: [scale, scale, scale] }),
      one,
      'three equal numbers are one number',
    );
    const firstDark = await templateWith({ mean: [255, 127.5, 127.5] });
    const lastDark = await templateWith({ mean: [127.5, 127.5, 255] });
    assert.ok(cosine(firstDark, one) < 0.999 && cosine(lastDark, one) < 0.999);
    assert.ok(cosine(firstDark, lastDark) < 0.999, 'each number is for its own channel');
  });

  test('refuses two numbers', async () => {
    const mean = [1, 2] as unknown as [number, number, number];
    await assert.rejects(
      async () => pipelineWith({ embedder: { input: { ...stages.embedder.input, mean } } }),
      /embedder\.input\.mean must have three numbers/,
    );
  });
});

describe('a face that is laid upright into the input', () => {
  test('turns with its picture, which a face laid by its points does not', async () => {
    const picture = await portrait('emma');
    const turned = await sharp(picture).rotate(20, { background: '#888' }).png().toBuffer();
    const similarity = async (alignment: 'arcface5' | 'box') => {
      const pipeline = await pipelineWith({ embedder: { alignment, cropScale: 1.1, views: [PLAIN] } });
      const [first, second] = await Promise.all(
        [picture, turned].map(async (image) => (await pipeline.analyze(image, 'binary')).template),
      );
      return cosine(first ?? null, second ?? null);
    };
    const [byPoints, upright] = [await similarity('arcface5'), await similarity('box')];
    assert.ok(byPoints > upright + 0.1, `${byPoints}, upright ${upright}`);
  });

  test('shows more of the picture for a larger crop', async () => {
    const image = await portrait('emma');
    const templateOf = async (cropScale: number) => {
      const pipeline = await pipelineWith({ embedder: { alignment: 'box', cropScale, views: [PLAIN] } });
      return (await pipeline.analyze(image, 'binary')).template;
    };
    assert.ok(cosine(await templateOf(1), await templateOf(1.5)) < 0.95);
  });
});

describe('the face that is processed', () => {
  async function wholeAndCut(scale: number): Promise<Buffer> {
    const pipeline = await pipelineWith({});
    const face = await portrait('bea');
    const { box } = (await pipeline.analyze(face, 'binary', { template: false })).faces[0] ?? {};
    assert.ok(box);
    const visible = await sharp(face)
      .extract({ left: 0, top: 0, width: Math.round(box.x + 0.8 * box.width), height: 482 })
      .toBuffer();
    const whole = await sharp(face).resize({ height: 241 }).png().toBuffer();
    const cut = await sharp(visible)
      .resize({ height: Math.round(241 * scale) })
      .png()
      .toBuffer();
    const { width = 0 } = await sharp(cut).metadata();
    return sharp({ create: { width: 700, height: 500, channels: 3, background: '#789' } })
      .composite([
        { input: whole, left: 20, top: 10 },
        { input: cut, left: 700 - width, top: 10 },
      ])
      .png()
      .toBuffer();
  }

  test('is a whole one before one that is hardly larger and cut by the edge', async () => {
    const pipeline = await pipelineWith({});
    const { faces } = await pipeline.analyze(await wholeAndCut(1.25), 'binary');
    const [first, second] = faces.map(({ box }) => box);
    assert.ok(first && second, 'both faces are found');
    const area = (box: { width: number; height: number }) => box.width * box.height;
    assert.ok(area(second) > area(first), `the cut one is larger: ${area(second)} and ${area(first)}`);
    assert.ok(first.x < 300 && second.x > 300);
  });

  test('is the cut one where that is far larger', async () => {
    const pipeline = await pipelineWith({});
    const { faces } = await pipeline.analyze(await wholeAndCut(2), 'binary');
    assert.ok((faces[0]?.box.x ?? 0) > 300);
  });
});
