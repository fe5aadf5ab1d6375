/**
 * Limits of requests a minute, by the generic cell rate algorithm: a limit of `n` lets `n` requests in at once, and
 * then one more each 60/n seconds. Exact, since every decision is made in one turn of the event loop.
 */

/** What one request adds to a debt. A debt goes down by the limit each millisecond, so everything is whole numbers. */
const REQUEST = 60_000;

/** Subjects that are remembered at most. */
const MAX_SUBJECTS = 100_000;

/** Debt of a subject at a time. It is the GCRA's theoretical arrival time, told as what is still owed. */
interface Debt {
  owed: number;
  /** Milliseconds of the monotonic clock. */
  at: number;
  /** The limit that it goes down by. */
  limit: number;
}

/** What came of one request. */
export interface Verdict {
  readonly admitted: boolean;
  /** Requests a minute. */
  readonly limit: number;
  /** Requests that would be let in now. */
  readonly remaining: number;
  /** Whole seconds until all of the limit is free again. */
  readonly reset: number;
  /** Whole seconds until a request would be let in; 0 where one would be now. */
  readonly retryAfter: number;
}

/** Limits by subject, such as the id of a key. */
export class RateLimiter {
  readonly #debts = new Map<string, Debt>();
  readonly #now: () => number;
  readonly #maxSubjects: number;

  /** @param now milliseconds of a clock that never goes back. */
  constructor(now: () => number = () => performance.now(), maxSubjects = MAX_SUBJECTS) {
    this.#now = now;
    this.#maxSubjects = maxSubjects;
  }

  /** Subjects that are remembered. */
  get size(): number {
    return this.#debts.size;
  }

  /**
   * Lets a request of a subject in, or not. One that is not let in costs nothing.
   * @param limit requests a minute, at least 1.
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
    const debt = this.#debts.get(subject);
    if (debt) {
      debt.owed = Math.max(0, debt.owed - (now - debt.at) * limit);
      debt.at = now;
      debt.limit = limit;
      return debt;
    }
    if (this.#debts.size >= this.#maxSubjects) this.#forget(now);
    const fresh = { owed: 0, at: now, limit };
    this.#debts.set(subject, fresh);
    return fresh;
  }

  /** Forgets those who owe nothing any more and, if that is not a tenth, the oldest. */
  #forget(now: number): void {
    for (const [subject, { owed, at, limit }] of this.#debts) {
      if (owed <= (now - at) * limit) this.#debts.delete(subject);
    }
    const least = this.#maxSubjects * 0.9;
    for (const subject of this.#debts.keys()) {
      if (this.#debts.size <= least) return;
      this.#debts.delete(subject);
    }
  }
}

/** The headers of draft-ietf-httpapi-ratelimit-headers, and `Retry-After` where a request was not let in. */
export function rateLimitHeaders(policy: string, verdict: Verdict): Record<string, string> {
  return {
    'RateLimit-Policy': `"${policy}";q=${verdict.limit};w=60`,
    RateLimit: `"${policy}";r=${verdict.remaining};t=${verdict.reset}`,
    ...(verdict.admitted ? {} : { 'Retry-After': String(verdict.retryAfter) }),
  };
}
