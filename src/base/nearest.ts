/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/**
 * Ignores case, and treats `-` as `_`.
 * @returns null if every name needs more than two edits and more than a third of its length.
 */
export function nearest(typed: string, names: readonly string[]): string | null {
  const plain = (name: string) => name.toLowerCase().replaceAll('-', '_');
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const edits = distance(plain(typed), plain(name));
    if (edits < least && edits <= Math.max(2, name.length / 3)) {
      best = name;
      least = edits;
    }
  }
  return best;
}
