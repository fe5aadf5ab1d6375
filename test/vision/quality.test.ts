import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { qualityOf } from '../../src/vision/quality.ts';
import { usePipeline } from '../../testing/faces.ts';
import { photograph, portrait } from '../../testing/photographs.ts';

const parts = usePipeline();
const analyze = (image: Uint8Array) =>
  parts.pipeline.analyze(image, 'binary', { attributes: true, template: false });
const qualityIn = async (image: Uint8Array) => qualityOf(await analyze(image), 0);
const PEOPLE = ['bea', 'dora'] as const;

async function changed(change: (picture: Sharp) => Sharp) {
  return Promise.all(
    PEOPLE.map(async (person) => {
      const image = await portrait(person);
      const worse = await change(sharp(image)).jpeg({ quality: 95 }).toBuffer();
      return { before: await qualityIn(image), after: await qualityIn(worse) };
    }),
  );
}

describe('the quality of a face', () => {
  test('is high for portraits, and nothing is said against them', async () => {
    for (const person of ['annaElsewhere', 'bea', 'dora', 'emma'] as const) {
      const { score, reasons } = await qualityIn(await portrait(person));
      assert.ok(score >= 60, `${person}: ${score} ${reasons}`);
      assert.deepEqual(reasons, []);
    }
  });

  const CHANGES = [
    ['LOW_SHARPNESS', 'blurred', (picture: Sharp) => picture.blur(4)],
    ['LOW_LIGHT', 'dark', (picture: Sharp) => picture.linear(0.25, 0)],
    ['OVEREXPOSED', 'blown out', (picture: Sharp) => picture.linear(2, 90)],
    ['SMALL_FACE', 'small', (picture: Sharp) => picture.resize(72)],
    ['EXTREME_POSE', 'tilted', (picture: Sharp) => picture.rotate(50, { background: '#808080' })],
  ] as const;
  for (const [reason, what, change] of CHANGES) {
    test(`falls where the picture is ${what}, with the reason`, async () => {
      const results = await changed(change);
      for (const { before, after } of results) {
        assert.ok(after.score < before.score - 30, `${before.score} to ${after.score}`);
        assert.ok(after.reasons.includes(reason), `${after.reasons}`);
      }
    });
  }

  test('is low for a profile', async () => {
    const { score } = await qualityIn(await portrait('cleo'));
    assert.ok(score < 40, `${score}`);
  });

  test("falls where the picture ends at the face's box, with the reason", async () => {
    const whole = await analyze(await portrait('dora'));
    const { x, width } = whole.faces[0]?.box ?? assert.fail('no face');
    const [before, after] = [qualityOf(whole, 0), qualityOf({ ...whole, width: x + width }, 0)];
    assert.ok(after.score < before.score - 30, `${before.score} to ${after.score}`);
    assert.deepEqual(after.reasons, ['TRUNCATED_FACE']);
  });

  test('says where another face is about as large', async () => {
    const { reasons } = await qualityIn(photograph(1));
    assert.ok(reasons.includes('MULTIPLE_FACES'));
  });

  test('needs the measures of the face that is asked about', async () => {
    const plain = await parts.pipeline.analyze(photograph(1), 'binary', { template: false });
    assert.throws(() => qualityOf(plain, 0), /analyze it with attributes/);
    const described = await analyze(photograph(1));
    assert.throws(() => qualityOf(described, 1), /analyze it with attributes/);
  });
});
