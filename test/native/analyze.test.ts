import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { createExecutor } from '../../src/native/executor.ts';
import type { Analysis, AnalyzedFace } from '../../src/native/pipeline.ts';
import type { Box } from '../../src/native/pipeline-options.ts';
import { cosine, FACES_OF_PHOTOGRAPH, openPipeline, usePipeline } from '../../testing/faces.ts';
import { nobody, photograph, portrait } from '../../testing/photographs.ts';

const parts = usePipeline();
const analyze = (image: Uint8Array) => parts.pipeline.analyze(image, 'binary');

const area = ({ width, height }: Box) => width * height;

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const both = Math.max(width, 0) * Math.max(height, 0);
  return both / (area(a) + area(b) - both);
}

function assertSameFaces(actual: Analysis, expected: Analysis, least: number) {
  assert.equal(actual.faces.length, expected.faces.length);
  for (const { box } of expected.faces) {
    const best = Math.max(...actual.faces.map((face) => overlap(face.box, box)));
    assert.ok(best > least, `a face overlaps by ${best} only`);
  }
}

describe('the analysis of a photograph', () => {
  for (const [number, count] of FACES_OF_PHOTOGRAPH) {
    test(`finds the ${count} faces of photograph ${number}, inside the picture, largest first`, async () => {
      const { width, height, format, faces, template } = await analyze(photograph(number));
      assert.equal(format, 'jpeg');
      assert.equal(faces.length, count);
      for (const { box, confidence } of faces) {
        assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height);
        assert.ok(confidence > 0.5 && confidence <= 1);
      }
      const ranks = faces.map(({ box, certainty }) => area(box) - (certainty < 0.85 ? width * height : 0));
      assert.deepEqual(
        ranks,
        [...ranks].sort((a, b) => b - a),
      );
      assert.equal(template?.length, 512);
      assert.ok(Math.abs(cosine(template, template) - 1) < 1e-5);
      assert.equal(faces[0]?.landmarks?.length, 10);
      assert.ok(faces.slice(1).every(({ landmarks }) => landmarks === null));
    });
  }

  test('places eyes, nose and mouth corners where a face has them', async () => {
    const { faces } = await analyze(photograph(3));
    const { box, landmarks } = faces[0] as AnalyzedFace;
    const [
      leftEyeX,
      leftEyeY,
      rightEyeX,
      rightEyeY,
      noseX,
      noseY,
      leftMouthX,
      leftMouthY,
      rightMouthX,
      rightMouthY,
    ] = landmarks as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    assert.ok(box.x < leftEyeX && leftEyeX < rightEyeX && rightEyeX < box.x + box.width);
    assert.ok(box.y < leftEyeY && leftEyeY < noseY && noseY < leftMouthY && leftMouthY < box.y + box.height);
    assert.ok(rightEyeY < noseY && noseY < rightMouthY && leftMouthX < rightMouthX);
    assert.ok(leftEyeX < noseX && noseX < rightEyeX);
  });

  test('tells a person in another photograph from other people', async () => {
    const [anna, annaElsewhere, bea, cleo, dora, emma] = await Promise.all(
      (['anna', 'annaElsewhere', 'bea', 'cleo', 'dora', 'emma'] as const).map(async (person) => {
        return (await analyze(await portrait(person))).template;
      }),
    );
    const same = cosine(anna as Float32Array, annaElsewhere as Float32Array);
    for (const other of [bea, cleo, dora, emma]) {
      assert.ok(same > cosine(anna as Float32Array, other as Float32Array) + 0.2);
    }
  });

  test('sees the same faces in a copy that is stored turned and says so', async () => {
    const original = await analyze(photograph(4));
    const turned = await sharp(photograph(4))
      .rotate(270)
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 95 })
      .toBuffer();
    assert.ok(((await sharp(turned).metadata()).width ?? 0) < original.width, 'the copy is stored turned');
    const copy = await analyze(turned);
    assert.deepEqual([copy.width, copy.height], [original.width, original.height]);
    assertSameFaces(copy, original, 0.9);
    assert.ok(cosine(copy.template, original.template) > 0.97);
  });

  test("makes nearly the same template of a 12 megapixel copy, in that copy's pixels", async () => {
    const original = await analyze(photograph(6));
    const scale = 4096 / original.width;
    const large = await sharp(photograph(6)).resize(4096).jpeg({ quality: 90 }).toBuffer();
    const copy = await analyze(large);
    assert.equal(copy.width, 4096);
    const [expected, actual] = [original.faces[0]?.box as Box, copy.faces[0]?.box as Box];
    const scaled = {
      x: expected.x * scale,
      y: expected.y * scale,
      width: expected.width * scale,
      height: expected.height * scale,
    };
    assert.ok(overlap(actual, scaled) > 0.8);
    assert.ok(cosine(copy.template, original.template) > 0.97);
  });

  test('takes a small face of a large picture from its full pixels', async () => {
    const face = await sharp(await portrait('bea'))
      .resize(150)
      .jpeg({ quality: 95 })
      .toBuffer();
    const alone = await analyze(face);
    const large = await sharp({ create: { width: 2600, height: 1950, channels: 3, background: '#88a0b8' } })
      .composite([{ input: face, left: 1400, top: 800 }])
      .jpeg({ quality: 95 })
      .toBuffer();
    const inside = await analyze(large);
    assert.equal(inside.faces.length, 1);
    assert.ok(cosine(inside.template, alone.template) > 0.9);
  });

  test('answers the same for a picture and its base64 text', async () => {
    const binary = await analyze(photograph(2));
    const text = Buffer.from(photograph(2).toString('base64'), 'latin1');
    const base64 = await parts.pipeline.analyze(text, 'base64');
    assert.deepEqual({ ...base64, timings: null }, { ...binary, timings: null });
  });

  test('describes as many faces as are asked for, and makes no template that nobody wants', async () => {
    const request = { described: 2, template: false };
    const { faces, template, timings } = await parts.pipeline.analyze(photograph(1), 'binary', request);
    assert.deepEqual(
      faces.map(({ landmarks }) => landmarks?.length),
      [10, 10, undefined],
    );
    assert.equal(template, null);
    assert.equal(timings.embed, 0);
    const boxesOnly = await parts.pipeline.analyze(photograph(1), 'binary', { ...request, described: 0 });
    assert.ok(boxesOnly.faces.every(({ landmarks }) => landmarks === null));
    assert.equal(boxesOnly.timings.align, 0);
  });

  test('makes templates of as many faces as requested, the same on any number of threads', async () => {
    const alone = createExecutor({ threads: 1, maxQueue: 16 });
    const many = createExecutor({ threads: 7, maxQueue: 16 });
    const pipelines = await Promise.all([alone, many].map(openPipeline));
    const analyses = await Promise.all(
      [parts.pipeline, ...pipelines].flatMap((pipeline) =>
        [1, 2, 100].map(async (templates) => {
          const request = { templates, attributes: true };
          const { timings: _, ...rest } = await pipeline.analyze(photograph(5), 'binary', request);
          return rest;
        }),
      ),
    );
    await Promise.all([alone.close(), many.close()]);
    const [one, two, all] = analyses as [Analysis, Analysis, Analysis];
    for (const [i, analysis] of analyses.entries()) assert.deepEqual(analysis, [one, two, all][i % 3]);
    assert.deepEqual(
      [one, two, all].map(({ templates }) => templates.length),
      [1, 2, 5],
    );
    for (const { template, templates, faces } of [one, two, all]) {
      assert.deepEqual(template, templates[0]);
      assert.equal(faces.filter(({ landmarks, measures }) => landmarks && measures).length, templates.length);
    }
    assert.ok(cosine(one.template, all.template) > 0.99);
    for (const [i, a] of all.templates.entries()) {
      for (const b of all.templates.slice(i + 1)) assert.ok(cosine(a, b) < 0.5);
    }
  });

  test('has no face and no template where nobody is', async () => {
    const { faces, template, timings } = await analyze(await nobody());
    assert.deepEqual({ faces, template }, { faces: [], template: null });
    assert.deepEqual([timings.align, timings.embed], [0, 0]);
    assert.ok(timings.decode > 0 && timings.detect > 0 && timings.queue > 0);
  });
});
