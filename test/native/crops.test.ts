import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import type { Analysis, AnalysisRequest } from '../../src/native/pipeline.ts';
import { cosine, usePipeline } from '../../testing/faces.ts';
import { nobody, photograph, portrait } from '../../testing/photographs.ts';

const SIDE = 224;
const parts = usePipeline();
const analyze = (image: Uint8Array, request: AnalysisRequest = { crops: 1 }) =>
  parts.pipeline.analyze(image, 'binary', request);

async function cropOf(image: Uint8Array): Promise<Buffer> {
  const { crops } = await analyze(image);
  assert.ok(crops[0]);
  return crops[0];
}

const pixelsOf = (image: Buffer) => sharp(image).removeAlpha().raw().toBuffer();

async function meanDifference(one: Buffer, other: Buffer): Promise<number> {
  const [a, b] = [await pixelsOf(one), await pixelsOf(other)];
  assert.equal(a.length, b.length);
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] as number)), 0) / a.length;
}

async function expectedCrop(image: Buffer, { faces }: Analysis): Promise<Buffer> {
  const { x, y, width, height } = faces[0]?.box ?? assert.fail('no face');
  const side = 1.6 * Math.max(width, height);
  const margin = Math.ceil(side);
  const edges = { left: margin, top: margin, right: margin, bottom: margin, background: '#000000' };
  const framed = await sharp(image).extend(edges).png({ compressionLevel: 1 }).toBuffer();
  return sharp(framed)
    .extract({
      left: Math.round(margin + x + (width - side) / 2),
      top: Math.round(margin + y + (height - side) / 2),
      width: Math.round(side),
      height: Math.round(side),
    })
    .resize(SIDE, SIDE)
    .png()
    .toBuffer();
}

describe('crops', () => {
  test('are made of the largest faces that were asked for, and of no other', async () => {
    for (const [asked, made] of [
      [0, 0],
      [2, 2],
      [100, 3],
    ] as const) {
      assert.equal((await analyze(photograph(1), { crops: asked })).crops.length, made);
    }
    const { crops, timings } = await analyze(photograph(1), {});
    assert.deepEqual([crops.length, timings.crop], [0, 0]);
    assert.deepEqual((await analyze(await nobody())).crops, []);
    assert.ok((await analyze(photograph(1))).timings.crop > 0);
  });

  test('are limited in number', async () => {
    for (const crops of [-1, 1.5, 101]) {
      await assert.rejects(async () => analyze(photograph(1), { crops }), TypeError);
    }
  });

  test('are JPEG files of 224 x 224 pixels without metadata', async () => {
    const { format, width, height, channels, ...rest } = await sharp(await cropOf(photograph(2))).metadata();
    assert.deepEqual([format, width, height, channels], ['jpeg', SIDE, SIDE, 3]);
    assert.deepEqual([rest.exif, rest.icc, rest.iptc, rest.xmp, rest.comments], Array(5).fill(undefined));
  });

  test('show the square around the box, grown 1.6 times', async () => {
    for (const person of ['anna', 'bea', 'emma'] as const) {
      const image = await portrait(person);
      const analysis = await analyze(image);
      const difference = await meanDifference(
        analysis.crops[0] as Buffer,
        await expectedCrop(image, analysis),
      );
      assert.ok(difference < 4, `${person}: ${difference}`);
    }
  });

  test('show each face at its place in the list', async () => {
    const image = photograph(1);
    const { crops, faces } = await analyze(image, { crops: 3 });
    for (const [i, crop] of crops.entries()) {
      const own = { faces: [faces[i]] } as unknown as Analysis;
      assert.ok((await meanDifference(crop, await expectedCrop(image, own))) < 4, `face ${i}`);
    }
  });

  test('are upright where EXIF turns the picture', async () => {
    const upright = await portrait('dora');
    const lying = await sharp(upright).rotate(-90).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    assert.ok((await meanDifference(await cropOf(upright), await cropOf(lying))) < 6);
  });

  test('are black outside the picture', async () => {
    const image = await portrait('dora');
    const { width = 0, height = 0 } = await sharp(image).metadata();
    const top = Math.round((await analyze(image)).faces[0]?.box.y ?? 0);
    const cut = sharp(image).extract({ left: 0, top, width, height: height - top });
    const pixels = await pixelsOf(await cropOf(await cut.jpeg({ quality: 95 }).toBuffer()));
    const rows = (from: number, to: number) => pixels.subarray(from * SIDE * 3, to * SIDE * 3);
    assert.ok(Math.max(...rows(0, 24)) < 16);
    assert.ok(Math.max(...rows(100, 124)) > 100);
  });

  test('give the template of the picture again', async () => {
    for (const person of ['anna', 'annaElsewhere', 'bea', 'dora', 'emma'] as const) {
      const { template, crops } = await analyze(await portrait(person));
      const again = await analyze(crops[0] as Buffer, {});
      const score = cosine(template, again.template);
      assert.ok(score > 0.995, `${person}: ${score}`);
    }
  });

  test('change nothing in the rest of the analysis', async () => {
    const request = { attributes: true, described: 3 } as const;
    const { timings: _, crops: none, ...plain } = await analyze(photograph(1), request);
    const { timings, crops, ...cropped } = await analyze(photograph(1), { ...request, crops: 3 });
    assert.deepEqual(cropped, plain);
    assert.deepEqual([none.length, crops.length], [0, 3]);
  });
});
