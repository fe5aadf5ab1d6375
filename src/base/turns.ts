const TURN_MS = 4;

type Wake = () => void;

/** In every second round, new work overtakes long work. */
const waiting: { readonly new: Wake[]; readonly old: Wake[] } = { new: [], old: [] };
let began: number | null = null;
let isScheduled = false;
let isOldFirst = false;
let isPutOff = false;

function beginRound(): number {
  began ??= performance.now();
  schedule();
  return began;
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(() => void endRound());
}

function isRoundOver(): boolean {
  return performance.now() - beginRound() > TURN_MS;
}

async function endRound(): Promise<void> {
  isScheduled = false;
  const { new: fresh, old } = waiting;
  // After long callbacks, sockets go first once.
  isPutOff = !isPutOff && began !== null && performance.now() - began > TURN_MS / 2;
  began = null;
  if (!isPutOff) {
    isOldFirst = !isOldFirst;
    await wake(isOldFirst ? [old, fresh] : [fresh, old]);
    began = null;
  }
  if (fresh.length + old.length > 0) schedule();
}

async function wake(queues: readonly Wake[][]): Promise<void> {
  const lengths = queues.map(({ length }) => length);
  for (const [i, queue] of queues.entries()) {
    for (let left = lengths[i] as number; left > 0 && !isRoundOver(); left--) {
      queue.shift()?.();
      // Until the woken work waits again.
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
  }
}

/**
 * Call `if (turn.isOver) await turn.next();` after each step. All work of a round of the event loop shares 4 ms.
 */
export class Turn {
  #isNew = true;

  constructor() {
    beginRound();
  }

  get isOver(): boolean {
    return isRoundOver();
  }

  /** Afterwards, earlier values from the store may be stale. */
  async next(): Promise<void> {
    const queue = this.#isNew ? waiting.new : waiting.old;
    this.#isNew = false;
    await new Promise<void>((resolve) => {
      queue.push(resolve);
      schedule();
    });
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
const MAPPED_AT_ONCE = 16;

export async function* inTurns<T>(items: Iterable<T>): AsyncGenerator<T> {
  const turn = new Turn();
  for (const item of items) {
    yield item;
    if (turn.isOver) await turn.next();
  }
}

export async function mapInTurns<T, U>(items: readonly T[], map: (item: T, at: number) => U): Promise<U[]> {
  const turn = new Turn();
  const mapped: U[] = [];
  for (const [at, item] of items.entries()) {
    mapped.push(map(item, at));
    if (at % MAPPED_AT_ONCE === MAPPED_AT_ONCE - 1 && turn.isOver) await turn.next();
  }
  return mapped;
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
