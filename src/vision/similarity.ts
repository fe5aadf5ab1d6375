import { falseMatchRateAt } from './false-match-rate.ts';

/** For every pack, 70, 80, 90 and 95 stand for false match rates of 1e-3 to 1e-6. Linear between points. */
export class SimilarityScale {
  readonly #points: readonly (readonly [score: number, similarity: number])[];

  /**
   * @param points (score, similarity), both strictly increasing, similarity 0..100.
   * @throws Error that names the bad point.
   */
  constructor(points: readonly (readonly [number, number])[]) {
    for (const [i, [score, similarity]] of points.entries()) {
      const [lastScore, lastSimilarity] = points[i - 1] ?? [-Infinity, -Infinity];
      if (!(score > lastScore && similarity > lastSimilarity)) {
        throw new Error(
          `Point ${i + 1} of the similarity scale (${score}, ${similarity}) does not increase both values`,
        );
      }
    }
    if (points.length < 2 || points[0]?.[1] !== 0 || points.at(-1)?.[1] !== 100) {
      throw new Error('The similarity scale must reach from 0 to 100');
    }
    this.#points = points;
  }

  /** Of the last point below 100, the lowest with a threshold. */
  get leastFalseMatchRate(): number {
    return falseMatchRateAt(this.#points.at(-2)?.[1] ?? 0);
  }

  /** Rounds to two decimals: callers compare the displayed value. */
  toSimilarity(score: number): number {
    return Math.round(this.#interpolate(score, 0, 1) * 100) / 100;
  }

  /** @param similarity 0..100. */
  toScore(similarity: number): number {
    return this.#interpolate(similarity, 1, 0);
  }

  #interpolate(value: number, from: 0 | 1, to: 0 | 1): number {
    let lower = this.#points[0] as readonly [number, number];
    if (value <= lower[from]) return lower[to];
    for (const upper of this.#points) {
      if (value < upper[from]) {
        const share = (value - lower[from]) / (upper[from] - lower[from]);
        return lower[to] + share * (upper[to] - lower[to]);
      }
      lower = upper;
    }
    return lower[to];
  }
}
