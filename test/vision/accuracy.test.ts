import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { scoreOf, trueMatchRate } from '../../bench/verification.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { groupedImages, readGroupedTemplates } from '../../src/vision/grouped-templates.ts';
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

const FAIRFACE = '../shared/faces/fairface/eval';
const PEOPLE_OF_GROUP = 70;
const GROUPS = ['White Male', 'Black Female', 'East Asian Female', 'age 3-9', 'age 0-2'];

describe('false matches within groups', {
  skip: existsSync(FAIRFACE) ? false : 'the images of people of several groups are not here',
}, () => {
  test('of adults, children and babies stay near the rates that the scale claims', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    const threads = availableParallelism();
    const executor = createExecutor({ threads, maxQueue: 4 * threads });
    t.after(async () => {
      await executor.close();
      rmSync(folder, { recursive: true });
    });
    const labels = readFileSync(`${FAIRFACE}.csv`, 'utf8');
    const [head = '', ...lines] = labels.trim().split('\n');
    const named = groupedImages(labels).map(({ group, age }) => group ?? `age ${age}`);
    const chosen = GROUPS.flatMap((group) =>
      lines.filter((_, i) => named[i] === group).slice(0, PEOPLE_OF_GROUP),
    );
    writeFileSync(join(folder, 'eval.csv'), [head, ...chosen].join('\n'));
    symlinkSync(resolve(FAIRFACE), join(folder, 'eval'));
    const pack = await openModelPack('yunet');
    const recognizer = await Recognizer.load(pack, executor);
    const found = await readGroupedTemplates(recognizer, executor, join(folder, 'eval.csv'));

    const scores = GROUPS.map((group) => {
      const members = found.flatMap((each) =>
        (each.group ?? `age ${each.age}`) === group && each.template
          ? [{ ...each, template: normalised(recognizer.space, each.template) }]
          : [],
      );
      const scored = ImpostorScores.of(members);
      scored.without(scored.best.filter(({ first, second }) => pack.excludes(first.person, second.person)));
      return scored;
    });
    const rates = (similarity: number) =>
      scores.map((scored) => scored.falseMatchRate(recognizer.similarity.toScore(similarity)));
    assert.ok(
      scores.every(({ pairs }) => pairs > 500),
      'faces are found in every group',
    );
    assert.ok(Math.max(...rates(70)) < 6e-3, `at 70, of ${GROUPS}: ${rates(70)}`);
    assert.ok(Math.max(...rates(80)) < 2e-3, `at 80, of ${GROUPS}: ${rates(80)}`);
    const mean = rates(70).reduce((sum, rate) => sum + rate, 0) / GROUPS.length;
    assert.ok(mean < 2e-3, `at 70, in the mean: ${mean}`);
  });
});
