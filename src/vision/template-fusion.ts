import { innerProduct } from './impostors.ts';

/**
 * A mean is nearer to the person than one template. Null if templates differ too much, as when a family
 * shares a key.
 * @param templates unit vectors, at least one.
 * @param samePersonScore positive; minimum average of the pairs, and of each template with the others' mean.
 */
export function normalizedMean(
  templates: readonly Float32Array[],
  samePersonScore: number,
): Float32Array | null {
  const [first] = templates;
  if (!first || templates.length === 1) return first ?? null;
  const sum = Float32Array.from(first, (_, i) =>
    templates.reduce((total, template) => total + (template[i] ?? 0), 0),
  );
  const square = innerProduct(sum, sum);
  const count = templates.length;
  // The sum's squared length is twice every pair's score, plus 1 per template.
  const meanScore = (square - count) / (count * (count - 1));
  const isOutlier = (template: Float32Array) => {
    const withAll = innerProduct(template, sum);
    const others = Math.sqrt(Math.max(0, square - 2 * withAll + 1));
    return withAll - 1 < samePersonScore * others;
  };
  if (meanScore < samePersonScore || templates.some(isOutlier)) return null;
  return sum.map((value) => value / Math.sqrt(square));
}

export function fusedScore(
  probe: Float32Array,
  templates: readonly Float32Array[],
  samePersonScore: number,
): number {
  const mean = normalizedMean(templates, samePersonScore);
  if (mean) return innerProduct(probe, mean);
  return Math.max(...templates.map((template) => innerProduct(probe, template)));
}

/**
 * Upper bound of `fusedScore` for a best score. The sum of n templates with mean mutual score m has length
 * sqrt(n + n (n - 1) m), at least n sqrt(m).
 */
export function maxFusedScore(bestScore: number, samePersonScore: number): number {
  return bestScore <= 0 || samePersonScore <= 0
    ? 1
    : Math.min(1, Math.max(bestScore, bestScore / Math.sqrt(samePersonScore)));
}
