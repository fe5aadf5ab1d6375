import { draw } from './output.ts';

const BAR_WIDTH = 30;
const DRAW_INTERVAL_MS = 100;
const LINE_STEP = 0.1;

export class Progress {
  readonly #total: number;
  readonly #began = performance.now();
  #drawn = Number.NEGATIVE_INFINITY;
  #told = 0;

  constructor(total: number) {
    this.#total = total;
  }

  update(done: number, note: string): void {
    const now = performance.now();
    const part = this.#total === 0 ? 1 : done / this.#total;
    if (process.stderr.isTTY) {
      if (done < this.#total && now - this.#drawn < DRAW_INTERVAL_MS) return;
      this.#drawn = now;
      const filled = Math.round(part * BAR_WIDTH);
      const bar = '#'.repeat(filled) + '.'.repeat(BAR_WIDTH - filled);
      draw(`\r[${bar}] ${this.#line(done, now)}, ${note}\x1b[K`);
    } else if (part >= this.#told + LINE_STEP || (done === this.#total && this.#told < 1)) {
      this.#told = done === this.#total ? 1 : Math.floor(part / LINE_STEP) * LINE_STEP;
      process.stderr.write(`${this.#line(done, now)}, ${note}\n`);
    }
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\n');
  }

  #line(done: number, now: number): string {
    const seconds = (now - this.#began) / 1000;
    const left = done === 0 ? '' : `, ${Math.ceil((seconds / done) * (this.#total - done))} s left`;
    return `${done} of ${this.#total}${left}`;
  }
}
