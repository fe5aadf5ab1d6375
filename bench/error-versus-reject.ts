export interface JudgedPair {
  readonly first: number;
  readonly second: number;
  readonly isError: boolean;
}

/**
 * @param qualities one a sample.
 * @param rates shares of the samples, 0..1.
 * @returns one value a rate; NaN where no pair is left.
 */
export function errorVersusReject(
  qualities: readonly number[],
  pairs: readonly JudgedPair[],
  rates: readonly number[],
): number[] {
  const worstFirst = qualities.map((_, i) => i).sort((a, b) => (qualities[a] ?? 0) - (qualities[b] ?? 0));
  const rank = new Uint32Array(qualities.length);
  for (const [place, sample] of worstFirst.entries()) rank[sample] = place;
  return rates.map((rate) => {
    const refused = Math.floor(rate * qualities.length);
    const kept = pairs.filter(
      ({ first, second }) => (rank[first] ?? 0) >= refused && (rank[second] ?? 0) >= refused,
    );
    return kept.filter(({ isError }) => isError).length / kept.length;
  });
}
