import type { Log } from './log.ts';

const ADDRESS_LINES = 120;
const TOTAL_LINES = 3_000;

const WINDOW_MS = 60_000;

const MAX_ADDRESSES = 10_000;

const MAX_NAMED = 20;

interface Count {
  written: number;
  suppressed: number;
}

const fresh = (): Count => ({ written: 0, suppressed: 0 });

export class LogBudget {
  readonly #log: Log;
  readonly #counts = new Map<string, Count>();
  #others = fresh();
  #total = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(log: Log) {
    this.#log = log;
  }

  allows(address: string): boolean {
    this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS).unref();
    const count = this.#countOf(address);
    if (count.written >= ADDRESS_LINES || this.#total >= TOTAL_LINES) {
      count.suppressed++;
      return false;
    }
    count.written++;
    this.#total++;
    return true;
  }

  #countOf(address: string): Count {
    const known = this.#counts.get(address);
    if (known) return known;
    if (this.#counts.size >= MAX_ADDRESSES) return this.#others;
    const count = fresh();
    this.#counts.set(address, count);
    return count;
  }

  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const over = [...this.#counts].filter(([, { suppressed }]) => suppressed > 0);
    over.sort(([, first], [, second]) => second.suppressed - first.suppressed);
    for (const [address, { suppressed }] of over.slice(0, MAX_NAMED)) {
      this.#log.warn(
        { address, lines: suppressed },
        'suppressed log lines of this address in the last minute',
      );
    }
    const rest = over.slice(MAX_NAMED);
    const lines = rest.reduce((sum, [, { suppressed }]) => sum + suppressed, this.#others.suppressed);
    if (lines > 0) this.#log.warn({ lines }, 'suppressed log lines of other addresses in the last minute');
    this.#counts.clear();
    this.#others = fresh();
    this.#total = 0;
  }
}
