/** Statistics that cost no request a write: collected in memory, written every few seconds and at the end. */
import type { Log } from '../ops/log.ts';
import type { UsagePlace } from '../store/credits.ts';
import type { Store } from '../store/store.ts';

const FLUSH_INTERVAL_MS = 5_000;

/** The day of a time, UTC. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** When keys were last used, and how many calls were free. A kill loses those of the last seconds; charges never. */
export class UsageLog {
  readonly #store: Store;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #uses = new Map<string, number>();
  #counts = new Map<string, UsagePlace & { calls: number }>();

  constructor(store: Store, log: Log) {
    this.#store = store;
    this.#log = log;
    this.#timer = setInterval(() => {
      this.flush().catch((error: unknown) => this.#log.error({ err: error }, 'usage could not be written'));
    }, FLUSH_INTERVAL_MS).unref();
  }

  /** A key was used. @param time milliseconds since 1970. */
  touch(keyId: string, time: number): void {
    this.#uses.set(keyId, time);
  }

  /** A call that cost nothing. */
  count(place: UsagePlace): void {
    const name = `${place.accountId} ${place.day} ${place.keyId} ${place.operation}`;
    const count = this.#counts.get(name);
    if (count) count.calls++;
    else this.#counts.set(name, { ...place, calls: 1 });
  }

  /** When a key was last used; null for never. */
  lastUsed(keyId: string): number | null {
    return this.#uses.get(keyId) ?? this.#store.apiKeys.lastUsed(keyId);
  }

  /** Writes what was collected. Resolves when it is on disk; what could not be written is lost. */
  async flush(): Promise<void> {
    const uses = this.#uses;
    const counts = [...this.#counts.values()];
    if (uses.size + counts.length === 0) return;
    this.#counts = new Map();
    this.#uses = new Map();
    await Promise.all([this.#store.apiKeys.recordUses(uses), this.#store.credits.countCalls(counts)]);
  }

  /** Writes what is left, and ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}
