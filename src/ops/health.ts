import type { Provider } from '../native/device.ts';

export const CHECKS = ['modelsLoaded', 'storeOpen', 'indexConsistent', 'selfInference'] as const;
export type Check = (typeof CHECKS)[number];

export interface HealthReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<Check, boolean>>;
  readonly stopping: boolean;
  readonly device: Provider | null;
}

export class Health {
  readonly #passed = new Set<Check>();
  #stopping = false;
  #progress: string | null = null;
  device: Provider | null = null;

  pass(check: Check): void {
    this.#passed.add(check);
  }

  fail(check: Check): void {
    this.#passed.delete(check);
  }

  /** A sentence; null when done. */
  progress(sentence: string | null): void {
    this.#progress = sentence;
  }

  shortfall(): string {
    if (this.#stopping) return 'The service is stopping.';
    const missing = CHECKS.filter((check) => !this.#passed.has(check)).join(', ');
    return `Not passed yet: ${missing}.${this.#progress === null ? '' : ` ${this.#progress}`}`;
  }

  stop(): void {
    this.#stopping = true;
  }

  report(): HealthReport {
    const checks = Object.fromEntries(CHECKS.map((check) => [check, this.#passed.has(check)])) as Record<
      Check,
      boolean
    >;
    return {
      ready: !this.#stopping && this.#passed.size === CHECKS.length,
      checks,
      stopping: this.#stopping,
      device: this.device,
    };
  }
}
