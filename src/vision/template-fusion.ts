import type { RowOrTemplate, SearchSpace } from '../native/gallery-index.ts';

/**
 * The score of a probe with all rows of a person.
 * @param rows at least one.
 * @param samePersonScore positive; see `SearchSpace.mean`.
 */
export function fusedScore(
  space: SearchSpace,
  probe: RowOrTemplate,
  rows: readonly RowOrTemplate[],
  samePersonScore: number,
): number {
  const mean = rows.length > 1 ? space.mean(rows, samePersonScore) : null;
  return Math.max(...space.compare(probe, mean ? [mean] : rows));
}

/**
 * Upper bound of `fusedScore` for a best score. The sum of n rows with mean mutual score m has length
 * sqrt(n + n (n - 1) m), at least n sqrt(m). Rows' offsets do not bound their mean's.
 */
export function maxFusedScore(
  { isNormalised }: SearchSpace,
  bestScore: number,
  samePersonScore: number,
): number {
  return isNormalised || bestScore <= 0 || samePersonScore <= 0
    ? 1
    : Math.min(1, Math.max(bestScore, bestScore / Math.sqrt(samePersonScore)));
}
