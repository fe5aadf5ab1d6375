/** How several templates of one external key are compared with a probe. */
import { innerProduct } from './impostors.ts';

/**
 * The unit vector in the middle of templates, which comes nearer to a person than any single picture does. Null where
 * they are not all of one person, as where a family shares a key: then the middle is nobody.
 * @param templates unit vectors, at least one.
 * @param onePerson score above 0 that two of them have on average, and each of them with the middle of the others, for
 * which they count as one person.
 */
export function middleOf(templates: readonly Float32Array[], onePerson: number): Float32Array | null {
  const [first] = templates;
  if (!first || templates.length === 1) return first ?? null;
  const sum = Float32Array.from(first, (_, i) =>
    templates.reduce((total, template) => total + (template[i] ?? 0), 0),
  );
  const square = innerProduct(sum, sum);
  const count = templates.length;
  // The square of the sum is every pair's score twice, and each template's own, which is 1.
  const likeness = (square - count) / (count * (count - 1));
  const isApart = (template: Float32Array) => {
    const withAll = innerProduct(template, sum);
    const others = Math.sqrt(Math.max(0, square - 2 * withAll + 1));
    return withAll - 1 < onePerson * others;
  };
  if (likeness < onePerson || templates.some(isApart)) return null;
  return sum.map((value) => value / Math.sqrt(square));
}

/** Score of a probe with everything that one external key has: with its middle, or with the best where it has none. */
export function fusedScore(
  probe: Float32Array,
  templates: readonly Float32Array[],
  onePerson: number,
): number {
  const middle = middleOf(templates, onePerson);
  if (middle) return innerProduct(probe, middle);
  return Math.max(...templates.map((template) => innerProduct(probe, template)));
}

/**
 * Most that `fusedScore` can come to where the best of the templates has a score. Of n templates whose mean score with
 * each other is m, the sum is sqrt(n + n (n - 1) m) long, at least n sqrt(m), and none of their n scores is above the
 * best.
 */
export function mostFused(best: number, onePerson: number): number {
  return best <= 0 || onePerson <= 0 ? 1 : Math.min(1, Math.max(best, best / Math.sqrt(onePerson)));
}
