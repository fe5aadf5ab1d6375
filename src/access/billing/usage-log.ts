import { DurationCounter } from '../../base/durations.ts';
import type { Log } from '../../ops/log.ts';
import type { CountedPlace } from '../../store/credits.ts';
import type { Store } from '../../store/store.ts';

const FLUSH_INTERVAL_MS = 5_000;

const DAY_MS = 86_400_000;
export const HOURS_KEPT_DAYS = 31;
const MAX_HOUR_RECORDS = 1_000_000;

export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

export function dayAndHourOf(time: number): { readonly day: string; readonly hour: number } {
  return { day: dayOf(time), hour: new Date(time).getUTCHours() };
}

interface Counter {
  readonly place: CountedPlace;
  calls: number;
  failures: number;
  readonly latency: DurationCounter;
}

/** Writes every 5 seconds; a crash loses statistics, but no charge. */
export class UsageLog {
  readonly #store: Store;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #uses = new Map<string, number>();
  #counts = new Map<string, Counter>();
  #trimmedDay = '';

  constructor(store: Store, log: Log, now: () => number = Date.now) {
    this.#store = store;
    this.#log = log;
    this.#now = now;
    this.#timer = setInterval(() => {
      this.flush().catch((error: unknown) =>
        this.#log.error({ err: error }, 'usage statistics could not be written'),
      );
    }, FLUSH_INTERVAL_MS).unref();
  }

  touch(keyId: string, time: number): void {
    this.#uses.set(keyId, time);
  }

  count(place: CountedPlace, ms: number): void {
    const counter = this.#counterOf(place);
    counter.calls++;
    counter.latency.add(ms);
  }

  measure(place: CountedPlace, ms: number): void {
    this.#counterOf(place).latency.add(ms);
  }

  countFailure(place: CountedPlace): void {
    this.#counterOf(place).failures++;
  }

  #counterOf(place: CountedPlace): Counter {
    const name = `${place.accountId} ${place.day} ${place.hour} ${place.keyId} ${place.operation}`;
    let counter = this.#counts.get(name);
    if (!counter) {
      counter = { place, calls: 0, failures: 0, latency: new DurationCounter() };
      this.#counts.set(name, counter);
    }
    return counter;
  }

  lastUsed(keyId: string): number | null {
    return this.#uses.get(keyId) ?? this.#store.apiKeys.lastUsed(keyId);
  }

  /** Drops the statistics if the write fails. */
  async flush(): Promise<void> {
    const uses = this.#uses;
    const counts = Array.from(this.#counts.values(), ({ place, calls, failures, latency }) => {
      return { ...place, calls, failures, latency: latency.durations };
    });
    if (uses.size + counts.length === 0) return;
    this.#counts = new Map();
    this.#uses = new Map();
    await Promise.all([this.#store.apiKeys.recordUses(uses), this.#store.credits.countCalls(counts)]);
    await this.#trim();
  }

  async #trim(): Promise<void> {
    const today = dayOf(this.#now());
    if (today === this.#trimmedDay) return;
    this.#trimmedDay = today;
    const oldest = dayOf(this.#now() - (HOURS_KEPT_DAYS - 1) * DAY_MS);
    await this.#store.credits.trimHours(oldest, MAX_HOUR_RECORDS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}
