const TURN_MS = 4;

const waiting: (() => void)[] = [];

function wakeNext(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(wakeNext);
}

/** Keeps the order of calls. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(wakeNext);
  });
}

/** Call `if (turn.isOver) await turn.next();` after each step. */
export class Turn {
  #began = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#began > TURN_MS;
  }

  /** Afterwards, earlier values from the store may be stale. */
  async next(): Promise<void> {
    await nextTurn();
    this.#began = performance.now();
  }
}

const RUN_LENGTH = 2048;

/** Stable. */
export async function sortedInTurns<T>(items: readonly T[], compare: (a: T, b: T) => number): Promise<T[]> {
  const turn = new Turn();
  let runs: T[][] = [];
  for (let from = 0; from < items.length; from += RUN_LENGTH) {
    runs.push(items.slice(from, from + RUN_LENGTH).sort(compare));
    if (turn.isOver) await turn.next();
  }
  while (runs.length > 1) {
    const longer: T[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      longer.push(await merged(runs[at] as T[], runs[at + 1] ?? [], compare, turn));
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

async function merged<T>(
  first: readonly T[],
  second: readonly T[],
  compare: (a: T, b: T) => number,
  turn: Turn,
): Promise<T[]> {
  const all: T[] = [];
  for (let i = 0, j = 0; i < first.length || j < second.length; ) {
    const isFirst = j === second.length || (i < first.length && compare(first[i] as T, second[j] as T) <= 0);
    all.push((isFirst ? first[i++] : second[j++]) as T);
    if (all.length % RUN_LENGTH === 0 && turn.isOver) await turn.next();
  }
  return all;
}

const PAGE_SIZE = 128;

export async function* inTurns<T>(items: Iterable<T>): AsyncGenerator<T> {
  const turn = new Turn();
  for (const item of items) {
    yield item;
    if (turn.isOver) await turn.next();
  }
}

/** @param read returns at most `most` entries after `last`. */
export async function inPages<T>(
  limit: number,
  read: (last: T | undefined, most: number) => readonly T[],
): Promise<T[]> {
  const turn = new Turn();
  const all: T[] = [];
  while (all.length < limit) {
    const most = Math.min(PAGE_SIZE, limit - all.length);
    const page = read(all.at(-1), most);
    all.push(...page);
    if (page.length < most) break;
    if (turn.isOver) await turn.next();
  }
  return all;
}
