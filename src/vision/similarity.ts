/**
 * The scale that the wire contract speaks: 0..100, where 70, 80, 90 and 95 stand for a false match rate of 1e-3,
 * 1e-4, 1e-5 and 1e-6, for every model pack. A pack's manifest has the points; between them run straight lines.
 */
export class SimilarityScale {
  readonly #points: readonly (readonly [score: number, similarity: number])[];

  /**
   * @param points (score, similarity), both strictly increasing, similarity from 0 to 100.
   * @throws Error naming the point that breaks this.
   */
  constructor(points: readonly (readonly [number, number])[]) {
    for (const [i, [score, similarity]] of points.entries()) {
      const [lastScore, lastSimilarity] = points[i - 1] ?? [-Infinity, -Infinity];
      if (!(score > lastScore && similarity > lastSimilarity)) {
        throw new Error(`The similarity scale does not rise at its point ${i + 1} (${score}, ${similarity})`);
      }
    }
    if (points.length < 2 || points[0]?.[1] !== 0 || points.at(-1)?.[1] !== 100) {
      throw new Error('The similarity scale must reach from 0 to 100');
    }
    this.#points = points;
  }

  /**
   * Similarity of a score, rounded to two decimals. This value is the one shown and the one compared with a
   * threshold, so the two never disagree.
   */
  toSimilarity(score: number): number {
    return Math.round(this.#interpolate(score, 0, 1) * 100) / 100;
  }

  /** The score that stands for a similarity, 0..100. */
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
