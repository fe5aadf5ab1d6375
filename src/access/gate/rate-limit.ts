/** GCRA with a burst of the whole limit. */

/** Debts shrink by `limit` each millisecond, so all values are integers. */
const REQUEST = 60_000;

const MAX_SUBJECTS = 100_000;

interface Debt {
  owed: number;
  at: number;
}

export interface Verdict {
  readonly admitted: boolean;
  /** Per minute. */
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until the whole limit is available. */
  readonly reset: number;
  /** Seconds until the next admission; 0 for now. */
  readonly retryAfter: number;
}

export class RateLimiter {
  readonly #debts = new Map<string, Debt>();
  readonly #now: () => number;
  readonly #maxSubjects: number;

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number = () => performance.now(), maxSubjects = MAX_SUBJECTS) {
    this.#now = now;
    this.#maxSubjects = maxSubjects;
  }

  get size(): number {
    return this.#debts.size;
  }

  /**
   * Refused requests cost nothing.
   * @param limit per minute, at least 1.
   */
  take(subject: string, limit: number): Verdict {
    const debt = this.#debtOf(subject, limit);
    const most = limit * REQUEST;
    const admitted = debt.owed + REQUEST <= most;
    if (admitted) debt.owed += REQUEST;
    const excess = debt.owed + REQUEST - most;
    return {
      admitted,
      limit,
      remaining: Math.max(0, Math.floor((most - debt.owed) / REQUEST)),
      reset: Math.ceil(debt.owed / limit / 1000),
      retryAfter: Math.max(0, Math.ceil(excess / limit / 1000)),
    };
  }

  #debtOf(subject: string, limit: number): Debt {
    const now = Math.floor(this.#now());
    const known = this.#debts.get(subject);
    const debt = known ?? { owed: 0, at: now };
    debt.owed = Math.max(0, debt.owed - (now - debt.at) * limit);
    debt.at = now;
    if (known) this.#debts.delete(subject);
    else if (this.#debts.size >= this.#maxSubjects) this.#forgetFirst();
    this.#debts.set(subject, debt);
    return debt;
  }

  /** Each iteration scans the slots of deleted entries. */
  #forgetFirst(): void {
    const most = this.#maxSubjects - Math.max(1, Math.floor(this.#maxSubjects / 100));
    for (const subject of this.#debts.keys()) {
      if (this.#debts.size <= most) return;
      this.#debts.delete(subject);
    }
  }
}

/** draft-ietf-httpapi-ratelimit-headers. */
export function rateLimitHeaders(policy: string, verdict: Verdict): Record<string, string> {
  return {
    'RateLimit-Policy': `"${policy}";q=${verdict.limit};w=60`,
    RateLimit: `"${policy}";r=${verdict.remaining};t=${verdict.reset}`,
    ...(verdict.admitted ? {} : { 'Retry-After': String(verdict.retryAfter) }),
  };
}
