import { scoreOf as scoreOfTemplates } from '../src/vision/impostors.ts';
import type { LabelledTemplate } from '../src/vision/labelled-templates.ts';

export interface LabelledScore {
  readonly score: number;
  readonly mated: boolean;
}

export function trueMatchRate(mated: readonly number[], threshold: number): number {
  return mated.filter((score) => score >= threshold).length / mated.length;
}

export function thresholdAt(nonMated: readonly number[], rate: number): number {
  const sorted = [...nonMated].sort((a, b) => b - a);
  const allowed = Math.floor(rate * sorted.length);
  const first = sorted[allowed];
  return first === undefined ? -1 : first + Number.EPSILON;
}

export function foldedAccuracy(
  pairs: readonly LabelledScore[],
  folds: number,
): { mean: number; deviation: number } {
  const foldOf = new Map<LabelledScore, number>();
  for (const kind of [true, false]) {
    const ofKind = pairs.filter((pair) => pair.mated === kind);
    for (const [i, pair] of ofKind.entries()) foldOf.set(pair, Math.floor((i * folds) / ofKind.length));
  }
  const accuracies = Array.from({ length: folds }, (_, fold) => {
    const threshold = bestThreshold(pairs.filter((pair) => foldOf.get(pair) !== fold));
    const judged = pairs.filter((pair) => foldOf.get(pair) === fold);
    return judged.filter((pair) => pair.score >= threshold === pair.mated).length / judged.length;
  });
  const mean = accuracies.reduce((sum, value) => sum + value, 0) / folds;
  const variance = accuracies.reduce((sum, value) => sum + (value - mean) ** 2, 0) / folds;
  return { mean, deviation: Math.sqrt(variance) };
}

function bestThreshold(pairs: readonly LabelledScore[]): number {
  const sorted = [...pairs].sort((a, b) => b.score - a.score);
  let right = pairs.filter((pair) => !pair.mated).length;
  let best = right;
  let threshold = Number.POSITIVE_INFINITY;
  for (const pair of sorted) {
    right += pair.mated ? 1 : -1;
    if (right > best) {
      best = right;
      threshold = pair.score;
    }
  }
  return threshold;
}

/** -1 if an image has no face. */
export function scoreOf(first: LabelledTemplate, second: LabelledTemplate): number {
  return first.template && second.template ? scoreOfTemplates(first.template, second.template) : -1;
}

export function matedScores(templates: readonly LabelledTemplate[]): number[] {
  const scores: number[] = [];
  for (const [i, first] of templates.entries()) {
    for (let j = i + 1; templates[j]?.person === first.person; j++) {
      scores.push(scoreOf(first, templates[j] as LabelledTemplate));
    }
  }
  return scores;
}
