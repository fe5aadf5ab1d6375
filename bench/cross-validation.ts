/** Whether a similarity scale holds on people that it was not made from. */
import { calibrate } from '../src/vision/calibration.ts';
import { type ImpostorPair, ImpostorScores } from '../src/vision/impostors.ts';
import type { LabelledTemplate } from '../src/vision/labelled-templates.ts';
import { SimilarityScale } from '../src/vision/similarity.ts';
import { draw } from './identification.ts';

export interface JudgedPart {
  readonly rates: readonly number[];
  /** Pairs of people, each of weight 1. */
  readonly pairs: number;
}

/**
 * @param isSamePerson excludes pairs of names that stand for one person.
 * @param progress called after each part.
 */
export function crossValidate(
  templates: readonly LabelledTemplate[],
  similarities: readonly number[],
  parts: number,
  isSamePerson: (pair: ImpostorPair) => boolean,
  progress: (done: number, total: number) => void,
): JudgedPart[] {
  const names = [...new Set(templates.map(({ person }) => person))];
  const partOf = new Map(draw(names, names.length, 1).map((name, i) => [name, i % parts]));
  return Array.from({ length: parts }, (_, part): JudgedPart => {
    const others = templates.filter(({ person }) => partOf.get(person) !== part);
    const scale = new SimilarityScale(calibrate(others).points);
    const judged = templates.filter(({ person }) => partOf.get(person) === part);
    const scores = ImpostorScores.of(judged, true);
    scores.without(scores.best.filter(isSamePerson));
    progress(part + 1, parts);
    const rates = similarities.map((similarity) => scores.falseMatchRate(scale.toScore(similarity)));
    return { rates, pairs: scores.pairs };
  });
}
