import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import type { AnalysisRequest, AnalyzedFace } from '../../src/native/pipeline.ts';
import { loadPipeline } from '../../src/native/pipeline.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { usePipeline } from '../../testing/faces.ts';
import { nobody, photograph, portrait } from '../../testing/photographs.ts';

const parts = usePipeline();
const analyze = (image: Uint8Array, request: AnalysisRequest) =>
  parts.pipeline.analyze(image, 'binary', { template: false, ...request });

async function attributesOf(image: Uint8Array): Promise<AnalyzedFace> {
  const { faces } = await analyze(image, { attributes: true });
  assert.ok(faces[0]);
  return faces[0];
}

describe('attributes', () => {
  test('are made of every described face and of no other', async () => {
    const { faces, timings } = await analyze(photograph(1), { described: 2, attributes: true });
    assert.deepEqual(
      faces.map(({ pose, measures }) => [pose !== null, measures !== null]),
      [
        [true, true],
        [true, true],
        [false, false],
      ],
    );
    assert.ok(timings.attributes > 0);
  });

  test('are not made unless they are asked for', async () => {
    const { faces, timings } = await analyze(photograph(1), { described: 2, template: false });
    assert.ok(faces.every(({ pose, measures }) => pose === null && measures === null));
    assert.equal(timings.attributes, 0);
  });

  test('see less sharpness in a blurred copy, and the same light', async () => {
    const clear = await portrait('bea');
    const [before, after] = await Promise.all([
      attributesOf(clear),
      attributesOf(await sharp(clear).blur(3).jpeg({ quality: 95 }).toBuffer()),
    ]);
    assert.ok((after.measures?.sharpness ?? 0) < (before.measures?.sharpness ?? 0) / 3);
    assert.ok(Math.abs((after.measures?.light ?? 0) - (before.measures?.light ?? 0)) < 5);
  });

  test('see the light, its spread and what is lost at both ends', async () => {
    const clear = await portrait('bea');
    const original = (await attributesOf(clear)).measures;
    const lit = async (slope: number, offset: number) =>
      (await attributesOf(await sharp(clear).linear(slope, offset).jpeg().toBuffer())).measures;
    const [dark, bright] = [await lit(0.15, 0), await lit(2, 120)];
    assert.ok(original && dark && bright);
    assert.ok(dark.light < 0.3 * original.light && dark.contrast < 0.3 * original.contrast);
    assert.ok(dark.underexposed > 0.5 && original.underexposed < 0.2 && bright.underexposed < 0.05);
    assert.ok(bright.overexposed > 0.5 && original.overexposed < 0.2 && dark.overexposed === 0);
  });
});

describe('pose', () => {
  const poseOf = async (image: Uint8Array) => (await attributesOf(image)).pose ?? assert.fail('no pose');

  test('turns its yaw and roll about in a mirrored copy, and keeps its pitch', async () => {
    const clear = await portrait('bea');
    const mirrored = await sharp(clear).flop().jpeg({ quality: 95 }).toBuffer();
    const [before, after] = [await poseOf(clear), await poseOf(mirrored)];
    assert.ok(before.yaw < -10, 'she looks to the left of the picture');
    assert.ok(Math.abs(before.yaw + after.yaw) < 8 && Math.abs(before.roll + after.roll) < 4);
    assert.ok(Math.abs(before.pitch - after.pitch) < 6);
  });

  test('follows a head that is turned clockwise by its roll', async () => {
    const clear = await portrait('dora');
    const turned = await sharp(clear).rotate(20, { background: '#808080' }).jpeg({ quality: 95 }).toBuffer();
    const [before, after] = [await poseOf(clear), await poseOf(turned)];
    assert.ok(Math.abs(after.roll - before.roll - 20) < 6, `${before.roll} to ${after.roll}`);
  });

  test('tells a profile', async () => {
    const [profile, frontal] = [await poseOf(await portrait('cleo')), await poseOf(await portrait('dora'))];
    assert.ok(profile.yaw < -40 && Math.abs(frontal.yaw) < 30, `${profile.yaw} and ${frontal.yaw}`);
  });

  test('is told from the landmarks where the pack has no network for it', async () => {
    const { pose: _pose, ...plain } = (await openModelPack('faceplugin')).pipeline;
    const bare = await loadPipeline(parts.executor, plain);
    const clear = await portrait('bea');
    const mirrored = await sharp(clear).flop().jpeg({ quality: 95 }).toBuffer();
    for (const [image, sign] of [
      [clear, -1],
      [mirrored, 1],
    ] as const) {
      const { faces } = await bare.analyze(image, 'binary', { attributes: true, template: false });
      const yaw = faces[0]?.pose?.yaw ?? assert.fail('no pose');
      assert.ok(yaw * sign > 5, `${yaw}`);
    }
  });
});

describe('liveness', () => {
  test('is told of the largest face as probabilities of all classes of both looks', async () => {
    const { faces, liveness, timings } = await analyze(photograph(1), { described: 0, liveness: true });
    assert.equal(liveness?.length, 6);
    for (const look of [liveness.subarray(0, 3), liveness.subarray(3)]) {
      assert.ok(Math.abs(look.reduce((sum, p) => sum + p, 0) - 1) < 1e-5);
    }
    assert.ok(liveness.every((p) => p >= 0 && p <= 1));
    assert.ok(faces.every(({ landmarks }) => landmarks === null));
    assert.ok(timings.liveness > 0);
  });

  test('is not told unless it is asked for, nor where nobody is', async () => {
    assert.equal((await analyze(photograph(1), {})).liveness, null);
    assert.equal((await analyze(await nobody(), { liveness: true })).liveness, null);
  });

  test('of a pack without its network is an error, and the rest goes on', async () => {
    const { pipeline } = await openModelPack('faceplugin');
    const { liveness: _liveness, pose: _pose, ...plain } = pipeline;
    const bare = await loadPipeline(parts.executor, plain);
    const image = photograph(1);
    await assert.rejects(bare.analyze(image, 'binary', { liveness: true }), /no liveness network/);
    const { faces } = await bare.analyze(image, 'binary', { attributes: true, template: false });
    assert.ok(faces[0]?.measures);
  });
});
