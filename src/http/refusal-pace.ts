import { setTimeout as wait } from 'node:timers/promises';

/** Mean of random delays, so clients do not retry together. */
const DELAY_MS = 200;

export function refusalPace(): Promise<void> {
  return wait(DELAY_MS * (0.5 + Math.random()));
}

const AT_ONCE = 16;
const SECOND_MS = 1_000;

export class RefusalPace {
  readonly #now: () => number;
  readonly #counts = new Map<string, number>();
  #since = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Resolves at once until a client exceeds `AT_ONCE`. */
  async next(client: string): Promise<void> {
    const now = this.#now();
    if (now - this.#since > SECOND_MS) {
      this.#counts.clear();
      this.#since = now;
    }
    const count = (this.#counts.get(client) ?? 0) + 1;
    this.#counts.set(client, count);
    if (count > AT_ONCE) await refusalPace();
  }
}
