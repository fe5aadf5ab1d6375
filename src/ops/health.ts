import type { Provider } from '../native/device.ts';

/** Readiness checks, in start order. */
export const CHECKS = ['modelsLoaded', 'storeOpen', 'indexConsistent', 'selfInference'] as const;
export type Check = (typeof CHECKS)[number];

export interface HealthReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<Check, boolean>>;
  /** True after the first signal to stop. */
  readonly stopping: boolean;
  /** Null until the networks load. */
  readonly device: Provider | null;
}

/** State behind `/readyz`. Initially, no check has passed. */
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

  /** Sets the start's progress as a sentence; null when done. */
  progress(sentence: string | null): void {
    this.#progress = sentence;
  }

  /** The reason why the service is not ready. */
  shortfall(): string {
    if (this.#stopping) return 'The service is stopping.';
    const missing = CHECKS.filter((check) => !this.#passed.has(check)).join(', ');
    return `Not passed yet: ${missing}.${this.#progress === null ? '' : ` ${this.#progress}`}`;
  }

  /** Makes the service unready, so load balancers send no new requests. */
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
