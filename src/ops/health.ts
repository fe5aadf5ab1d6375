/** Whether the service can do its work. */
import type { Provider } from '../native/device.ts';

/** What must hold before the service is ready, in the order of the start. */
export const CHECKS = ['modelsLoaded', 'storeOpen', 'indexConsistent', 'selfInference'] as const;
export type Check = (typeof CHECKS)[number];

export interface HealthReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<Check, boolean>>;
  /** True from the first signal to stop. */
  readonly stopping: boolean;
  /** What runs the networks; null until they are loaded. */
  readonly device: Provider | null;
}

/** The state that `/readyz` tells. Starts with nothing passed. */
export class Health {
  readonly #passed = new Set<Check>();
  #stopping = false;
  #progress: string | null = null;
  /** What runs the networks; null until they are loaded. */
  device: Provider | null = null;

  pass(check: Check): void {
    this.#passed.add(check);
  }

  fail(check: Check): void {
    this.#passed.delete(check);
  }

  /** Says how far the start is, a sentence; null when there is nothing to be said any more. */
  progress(sentence: string | null): void {
    this.#progress = sentence;
  }

  /** Why the service is not ready, in words. */
  shortfall(): string {
    if (this.#stopping) return 'The service is stopping.';
    const missing = CHECKS.filter((check) => !this.#passed.has(check)).join(', ');
    return `Not passed yet: ${missing}.${this.#progress === null ? '' : ` ${this.#progress}`}`;
  }

  /** From here on the service is not ready: a load balancer sends nothing new. */
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
