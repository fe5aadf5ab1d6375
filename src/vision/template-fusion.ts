/** How several templates of one external key are compared with a probe. */

/** Inner product of two templates, -1..1. */
export function scoreOf(first: Float32Array, second: Float32Array): number {
  let sum = 0;
  for (const [i, value] of first.entries()) sum += value * (second[i] ?? 0);
  return sum;
}

/**
 * Score of a probe with everything that one external key has.
 *
 * Templates of one person are compared as one: the unit vector in their middle, which comes nearer to the person than
 * any single picture. Where they are not of one person, as where a family shares a key, the middle is nobody, and the
 * best of them counts.
 * @param templates unit vectors, at least one.
 * @param onePerson least mean score of two of them for which they count as one person.
 */
export function fusedScore(
  probe: Float32Array,
  templates: readonly Float32Array[],
  onePerson: number,
): number {
  const scores = templates.map((template) => scoreOf(probe, template));
  const count = templates.length;
  const best = Math.max(...scores);
  if (count === 1) return best;
  const sum = Float32Array.from(probe, (_, i) =>
    templates.reduce((total, template) => total + (template[i] ?? 0), 0),
  );
  const square = scoreOf(sum, sum);
  // The square of the sum is every pair's score twice, and each template's own, which is 1.
  const likeness = (square - count) / (count * (count - 1));
  return likeness < onePerson ? best : scoreOf(probe, sum) / Math.sqrt(square);
}

/**
 * Most that `fusedScore` can come to where the best of the templates has a score. Of n templates whose mean score with
 * each other is m, the sum is sqrt(n + n (n - 1) m) long, at least n sqrt(m), and none of their n scores is above the
 * best.
 */
export function mostFused(best: number, onePerson: number): number {
  return best <= 0 || onePerson <= 0 ? 1 : Math.min(1, Math.max(best, best / Math.sqrt(onePerson)));
}
