/** Whether a similarity scale holds on people that it was not made from. */
import { calibrate } from '../src/vision/calibration.ts';
import { type ImpostorPair, ImpostorScores } from '../src/vision/impostors.ts';
import type { LabelledTemplate } from '../src/vision/labelled-templates.ts';
import { SimilarityScale } from '../src/vision/similarity.ts';
import { draw } from './identification.ts';

/** One half of the people judged with the scale that the other half gave. */
export interface JudgedHalf {
  /** False match rates at the similarities asked for. */
  readonly rates: readonly number[];
  /** Non-mated pairs that were counted. */
  readonly pairs: number;
}

/**
 * Parts the people at random into two halves, `splits` times, and judges each half with the other one's scale.
 * @param isSamePerson pairs of pictures that are left out of the judging: names that stand for one person. The
 *   calibration finds and leaves out its own.
 * @param progress called after each half.
 */
export function crossValidate(
  templates: readonly LabelledTemplate[],
  similarities: readonly number[],
  splits: number,
  isSamePerson: (pair: ImpostorPair) => boolean,
  progress: (done: number, total: number) => void,
): JudgedHalf[] {
  const people = [...new Set(templates.map(({ person }) => person))];
  return Array.from({ length: splits }, (_, split) => {
    const chosen = new Set(draw(people, Math.floor(people.length / 2), split + 1));
    const halves = [true, false].map((isChosen) =>
      templates.filter(({ person }) => chosen.has(person) === isChosen),
    );
    return halves.map((judged, i): JudgedHalf => {
      const scale = new SimilarityScale(calibrate(halves[1 - i] as LabelledTemplate[]).points);
      const scores = ImpostorScores.of(judged);
      scores.without(scores.best.filter(isSamePerson));
      progress(2 * split + i + 1, 2 * splits);
      const rates = similarities.map((similarity) => scores.falseMatchRate(scale.toScore(similarity)));
      return { rates, pairs: scores.pairs };
    });
  }).flat();
}
