import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { openModelPack } from '../../../src/vision/model-pack.ts';
import type { SimilarityScale } from '../../../src/vision/similarity.ts';
import { cosine, usePipeline } from '../../../testing/faces.ts';
import { photograph, portrait } from '../../../testing/photographs.ts';

const PEOPLE = ['annaElsewhere', 'bea', 'dora', 'emma'] as const;
const FIXTURES = new URL('../../../../test/fixtures/detection/', import.meta.url);
const parts = usePipeline();
const analyze = (image: Uint8Array) => parts.pipeline.analyze(image, 'binary', { attributes: true });

/** Degrees between two angles, 0..180. */
function between(a: number, b: number): number {
  const apart = Math.abs(a - b) % 360;
  return Math.min(apart, 360 - apart);
}

describe('a turned face', () => {
  for (const degrees of [90, 180, 270]) {
    test(`of ${degrees} degrees is found, with its roll and the template of the upright face`, async () => {
      const { similarity } = await openModelPack('yunet');
      for (const person of PEOPLE) {
        const image = await portrait(person);
        const upright = await analyze(image);
        const turned = await analyze(await sharp(image).rotate(degrees).jpeg({ quality: 95 }).toBuffer());
        const [[before], [after]] = [upright.faces, turned.faces];
        assert.ok(before?.pose && after?.pose, person);
        const apart = between(after.pose.roll, before.pose.roll + degrees);
        assert.ok(apart < 8, `${person}: roll ${before.pose.roll} and ${after.pose.roll}`);
        const score = (similarity as SimilarityScale).toSimilarity(cosine(upright.template, turned.template));
        assert.ok(score > 95, `${person}: ${score}`);
      }
    });
  }

  test('stays different from a turned stranger', async () => {
    const { similarity } = await openModelPack('yunet');
    const templates = await Promise.all(
      PEOPLE.map(async (person) => {
        const image = await sharp(await portrait(person))
          .rotate(180)
          .jpeg({ quality: 95 })
          .toBuffer();
        return (await analyze(image)).template;
      }),
    );
    for (const [i, one] of templates.entries()) {
      for (const other of templates.slice(i + 1)) {
        const score = (similarity as SimilarityScale).toSimilarity(cosine(one, other));
        assert.ok(score < 80, `${score}`);
      }
    }
  });

  test('is found in a whole photograph that lies on its side', async () => {
    const lying = await sharp(photograph(4)).rotate(90).jpeg({ quality: 95 }).toBuffer();
    const { faces } = await analyze(lying);
    assert.ok(faces.length >= 3, `${faces.length} of 4`);
  });
});

describe('a drawing that is no face', () => {
  test('has no face', async () => {
    for (const name of ['wheel-1.jpg', 'wheel-2.jpg']) {
      const { faces } = await analyze(readFileSync(new URL(name, FIXTURES)));
      assert.deepEqual(faces, [], name);
    }
  });
});
