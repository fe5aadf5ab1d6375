/** Compares with strangers of the same gallery, because relatives score higher than the pack's calibration. */
import { mapInTurns } from '../base/turns.ts';
import type { SimilarityScale } from '../vision/similarity.ts';

/** Rank of the stranger from whom a face's tail is extrapolated. */
const TAIL_RANK = 16;
const FIRST_STRANGER = 4;
export const NEIGHBOURS = TAIL_RANK + 1;

/** log10 of the normal distribution's upper tail; P. Börjesson and C. Sundberg, 1979, 0.3 % off at most. */
function logTail(z: number): number {
  if (z < 0) return Math.log10(1 - 10 ** logTail(-z));
  const density = -(z * z) / 2 - Math.log(2 * Math.PI) / 2;
  return (density - Math.log(0.661 * z + 0.339 * Math.sqrt(z * z + 5.51))) / Math.LN10;
}

/** @param share 0..1 exclusive. */
function tailPoint(share: number): number {
  let [low, high] = [-8, 40];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (logTail(middle) > Math.log10(share)) low = middle;
    else high = middle;
  }
  return low;
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? 0;
}

/**
 * The upper tail of a gallery's scores between strangers: the shape of the median person, moved to each
 * person's 17th best score. The decrease is the mean, in logarithms, of an exponential and a normal tail
 * through the same scores.
 */
export class StrangerTail {
  readonly #people: number;
  readonly #exponential: number;
  readonly #normal: number;
  readonly #start: number;

  constructor(people: number, excesses: number[]) {
    const ranks = Array.from({ length: TAIL_RANK - FIRST_STRANGER + 1 }, (_, i) => FIRST_STRANGER + i);
    const mean = (value: (rank: number) => number) =>
      ranks.reduce((sum, rank) => sum + value(rank), 0) / ranks.length;
    // Expected spacings of the order statistics (A. Rényi, 1953).
    const spacing = (rank: number) => {
      let sum = 0;
      for (let i = rank; i <= TAIL_RANK; i++) sum += 1 / i;
      return sum;
    };
    const excess = Math.max(median(excesses), 1e-6);
    this.#people = people;
    this.#exponential = excess / mean(spacing);
    this.#start = tailPoint((TAIL_RANK + 0.5) / people);
    this.#normal = excess / mean((rank) => tailPoint((rank - 0.5) / people) - this.#start);
  }

  static excessOf(scores: ArrayLike<number>): number {
    let sum = 0;
    for (let rank = FIRST_STRANGER; rank <= TAIL_RANK; rank++) sum += scores[rank - 1] as number;
    return sum / (TAIL_RANK - FIRST_STRANGER + 1) - (scores[TAIL_RANK] as number);
  }

  static startOf(scores: ArrayLike<number>): number {
    return scores[TAIL_RANK] as number;
  }

  /** log10 of the strangers expected to reach a score with one person. */
  logExpected(score: number, start: number): number {
    const above = score - start;
    const exponential = Math.log10(TAIL_RANK) - above / this.#exponential / Math.LN10;
    const normal = Math.log10(this.#people) + logTail(this.#start + above / this.#normal);
    return (exponential + normal) / 2;
  }
}

/**
 * The findings whose expected share of wrong ones stays below a rate (Y. Benjamini, Y. Hochberg, 1995).
 * @param findings most certain first, with the wrong ones expected up to and including each.
 */
export async function mostCertain<T extends { readonly expectedWrong: number }>(
  findings: readonly T[],
  rate: number,
): Promise<(T & { readonly errorRate: number })[]> {
  const rates = await mapInTurns(findings, ({ expectedWrong }, i) => expectedWrong / (i + 1));
  for (let i = rates.length - 2; i >= 0; i--) rates[i] = Math.min(rates[i] as number, rates[i + 1] as number);
  // The rates increase.
  let count = 0;
  while (count < rates.length && (rates[count] as number) <= rate) count++;
  return mapInTurns(findings.slice(0, count), (finding, i) => ({
    ...finding,
    errorRate: rates[i] as number,
  }));
}

export interface ScoreMatrix {
  readonly size: number;
  readonly scores: Float64Array;
}

export interface Partition {
  /** Indexes of faces, the largest group first; of equal groups, the one with the first face. */
  readonly groups: readonly (readonly number[])[];
  readonly score: number;
}

/** Joins groups while two still score at least `least`. */
export function partition({ size, scores }: ScoreMatrix, least: number): Partition {
  const across = Float64Array.from(scores);
  const within = new Float64Array(size).fill(1);
  const groups: (number[] | null)[] = Array.from({ length: size }, (_, i) => [i]);
  for (;;) {
    let best = { score: -1, a: -1, b: -1 };
    for (let a = 0; a < size; a++) {
      if (!groups[a]) continue;
      for (let b = a + 1; b < size; b++) {
        if (!groups[b]) continue;
        // The squared length of a sum of unit vectors is the sum of their cosines.
        const lengths = Math.sqrt(Math.max((within[a] as number) * (within[b] as number), Number.MIN_VALUE));
        const score = (across[a * size + b] as number) / lengths;
        if (score > best.score) best = { score, a, b };
      }
    }
    const { score, a, b } = best;
    const [first, second] = [groups[a], groups[b]];
    if (!first || !second || score < least) {
      const left = groups.flatMap((group) => (group ? [group.sort((x, y) => x - y)] : []));
      left.sort((x, y) => y.length - x.length || (x[0] as number) - (y[0] as number));
      return { groups: left, score };
    }
    for (const i of first) {
      for (const j of second) within[a] = (within[a] as number) + 2 * cosine({ size, scores }, i, j);
    }
    within[a] = (within[a] as number) + (within[b] as number);
    groups[a] = [...first, ...second];
    groups[b] = null;
    for (let c = 0; c < size; c++) {
      const sum = (across[a * size + c] as number) + (across[b * size + c] as number);
      across[a * size + c] = sum;
      across[c * size + a] = sum;
    }
  }
}

/** A face's score with itself tells its offset. */
function cosine({ size, scores }: ScoreMatrix, i: number, j: number): number {
  const own = (scores[i * size + i] as number) + (scores[j * size + j] as number);
  return (scores[i * size + j] as number) + (2 - own) / 2;
}

/** The scale's points, and beyond 95 the slope before it: the tail of strangers decreases at least as fast. */
export function logFalseMatchRate(scale: SimilarityScale, score: number): number {
  const [at90, at95] = [scale.toScore(90), scale.toScore(95)];
  if (score > at95) return -6 - (score - at95) / (at95 - at90);
  if (score > at90) return -5 - (score - at90) / (at95 - at90);
  return -Math.max(0, scale.toSimilarity(score) - 40) / 10;
}

/** Share of one-person keys with two groups of images whose share of near strangers is at least `share`. */
export function soundBeyond(share: number): number {
  return 4e-4 / Math.sqrt(share);
}

export function normalShare(z: number): number {
  return z < 0 ? 10 ** logTail(-z) : 1 - 10 ** logTail(z);
}
