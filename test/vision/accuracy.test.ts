import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, test } from 'node:test';
import { scoreOf, trueMatchRate } from '../../bench/verification.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { ImpostorScores } from '../../src/vision/impostors.ts';
import {
  type LabelledTemplate,
  labelledImages,
  labelledTemplates,
} from '../../src/vision/labelled-templates.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { normalised } from '../../src/vision/normalised-templates.ts';
import { Recognizer } from '../../src/vision/recognizer.ts';

const LFW = '../shared/faces/lfw-dev';
const PEOPLE = 150;

/** Two images of each of 150 people, from all letters of the alphabet. */
async function twoOfEach(): Promise<{ person: string; image: string }[]> {
  const pictures = await labelledImages(LFW);
  const pairs = pictures.flatMap((first, i) => {
    const second = pictures[i + 1];
    const isFirst = pictures[i - 1]?.person !== first.person;
    return isFirst && second?.person === first.person ? [[first, second]] : [];
  });
  const step = pairs.length / PEOPLE;
  return Array.from({ length: PEOPLE }, (_, i) => pairs[Math.floor(i * step)] ?? []).flat();
}

describe('matching of pictures of 150 people', {
  skip: existsSync(LFW) ? false : 'the pictures are not here',
}, () => {
  for (const name of ['faceplugin', 'yunet']) {
    test(`holds with the pack ${name}: faces found, people told apart, the similarity scale met`, async (t) => {
      const threads = availableParallelism();
      const executor = createExecutor({ threads, maxQueue: 4 * threads });
      t.after(() => executor.close());
      const recognizer = await Recognizer.load(await openModelPack(name), executor);
      const templates = await labelledTemplates(recognizer, LFW, await twoOfEach(), 2 * threads);
      assert.equal(templates.length, 2 * PEOPLE);
      assert.deepEqual(
        templates.filter(({ template }) => !template),
        [],
      );

      const compared = templates.map((each) => ({
        ...each,
        template: each.template && normalised(recognizer.space, each.template),
      }));
      const impostors = ImpostorScores.of(compared);
      const mated = Array.from({ length: PEOPLE }, (_, i) =>
        scoreOf(compared[2 * i] as LabelledTemplate, compared[2 * i + 1] as LabelledTemplate),
      );
      const rate = trueMatchRate(mated, impostors.scoreAt(1e-3));
      assert.ok(rate >= 0.96, `a true match rate of ${rate} at a false match rate of 1e-3`);
      const met = impostors.falseMatchRate(recognizer.similarity.toScore(70));
      assert.ok(met < 2.5e-3, `a false match rate of ${met} where the scale claims 1e-3`);
    });
  }
});
