import { Turn } from '../base/turns.ts';

const PAGE = 256;

/** Other work and writes may run between pages. */
export async function* keysOf<K>(
  database: { getKeys(range: object): Iterable<K> },
  within: { readonly start?: unknown; readonly end?: unknown } = {},
): AsyncGenerator<K> {
  const turn = new Turn();
  let range: object = within;
  for (;;) {
    const page = Array.from(database.getKeys({ ...range, limit: PAGE }));
    for (const key of page) {
      if (turn.isOver) await turn.next();
      yield key;
    }
    if (page.length < PAGE) return;
    range = { ...within, start: page.at(-1), exclusiveStart: true };
  }
}
