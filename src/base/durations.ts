/** End of the first bucket. */
const FIRST_MS = 0.1;
/** Ratio of buckets' ends; a percentile is at most a tenth off. */
const GROWTH = 1.2;
const LOG_GROWTH = Math.log(GROWTH);
const BUCKETS = 80;

export interface Durations {
  readonly count: number;
  /** Milliseconds. */
  readonly sum: number;
  readonly buckets: readonly number[];
}

export const NO_DURATIONS: Durations = { count: 0, sum: 0, buckets: [] };

export class DurationCounter {
  #count = 0;
  #sum = 0;
  readonly #buckets = new Array<number>(BUCKETS).fill(0);

  add(ms: number): void {
    this.#count++;
    this.#sum += ms;
    const step = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / LOG_GROWTH);
    const at = Math.min(step, BUCKETS - 1);
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1;
  }

  get durations(): Durations {
    const last = this.#buckets.findLastIndex((count) => count > 0);
    return { count: this.#count, sum: this.#sum, buckets: this.#buckets.slice(0, last + 1) };
  }
}

export function addedDurations(first: Durations, second: Durations): Durations {
  const length = Math.max(first.buckets.length, second.buckets.length);
  return {
    count: first.count + second.count,
    sum: first.sum + second.sum,
    buckets: Array.from({ length }, (_, at) => (first.buckets[at] ?? 0) + (second.buckets[at] ?? 0)),
  };
}

function rounded(ms: number): number {
  return Number(ms.toPrecision(3));
}

/** Milliseconds, three digits; null without durations. */
export function meanOf({ count, sum }: Pick<Durations, 'count' | 'sum'>): number | null {
  return count === 0 ? null : rounded(sum / count);
}

/** Milliseconds that the share 0..1 of durations does not exceed; null without durations. */
export function percentileOf({ count, buckets }: Durations, share: number): number | null {
  if (count === 0) return null;
  let seen = 0;
  const at = buckets.findIndex((each) => {
    seen += each;
    return seen >= count * share;
  });
  return rounded(at <= 0 ? FIRST_MS : FIRST_MS * GROWTH ** (at - 0.5));
}
