/** Slows down guessing: after a few failures each further attempt has to wait, longer each time, up to a limit. */
import { createHash } from 'node:crypto';
import { VisageError } from '../errors.ts';
import { originOf } from './client-address.ts';

/** Failures that cost nothing: people mistype, and many of them may share an address. */
const FREE_FAILURES = { account: 5, address: 20 } as const;

/** Longest delay, seconds. An account's is short, or a stranger could keep its member out; an address's is not. */
export const LONGEST_DELAY = { account: 60, address: 900 } as const;

export type ThrottleKind = keyof typeof LONGEST_DELAY;

/** After this long without an attempt nothing is remembered. */
const MEMORY_MS = 3_600_000;

/** What is remembered at a time; beyond it the entry that was touched longest ago is forgotten. */
const MAX_ENTRIES = 20_000;

interface Entry {
  failures: number;
  /** No attempt before this; milliseconds since 1970. */
  notBefore: number;
  touched: number;
}

/** One attempt under way; it counts as a failure until its outcome is told. */
export interface Attempt {
  /** The account's failures are forgotten. */
  succeed(): void;
  /** It came to no outcome. */
  cancel(): void;
}

/**
 * Counts failures of accounts (known or not, so that they cannot be told apart) and of addresses. The first failure
 * that is not free delays the next attempt by a second, each further one by twice as much. It is kept in memory only:
 * a restart forgets it, which gives a guesser the free attempts again, and no failed attempt costs a write to the disk.
 */
export class LoginThrottle {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Begins an attempt. It counts before its outcome is known, so parallel ones get no more tries than serial ones.
   * @param account what is guessed at, such as an e-mail; kept as a hash only. @param address of the client.
   * @throws VisageError `RATE_LIMIT_EXCEEDED` with the seconds to wait; such an attempt makes no delay longer.
   */
  begin(account: string, address: string): Attempt {
    const now = this.#now();
    const accountKey = `account ${createHash('sha256').update(account).digest('base64')}`;
    const addressKey = `address ${originOf(address)}`;
    const wait = Math.max(this.#wait(accountKey, now), this.#wait(addressKey, now));
    if (wait > 0) {
      const seconds = Math.ceil(wait / 1000);
      throw new VisageError(
        'RATE_LIMIT_EXCEEDED',
        `Too many attempts have failed; the next may be made in ${seconds} s.`,
        undefined,
        seconds,
      );
    }
    this.#fail('account', accountKey, now);
    this.#fail('address', addressKey, now);
    return {
      succeed: () => {
        this.#entries.delete(accountKey);
        // Only this attempt is taken back: whoever knows one password would wash away guesses at the others.
        this.#forgive(addressKey);
      },
      cancel: () => {
        this.#forgive(accountKey);
        this.#forgive(addressKey);
      },
    };
  }

  #wait(key: string, now: number): number {
    const entry = this.#entries.get(key);
    if (entry && now - entry.touched > MEMORY_MS) this.#entries.delete(key);
    return (this.#entries.get(key)?.notBefore ?? now) - now;
  }

  #fail(kind: ThrottleKind, key: string, now: number): void {
    const failures = (this.#entries.get(key)?.failures ?? 0) + 1;
    const beyond = failures - FREE_FAILURES[kind];
    const seconds = beyond <= 0 ? 0 : Math.min(2 ** (beyond - 1), LONGEST_DELAY[kind]);
    // Removed first, so that the map stays in the order of touching.
    this.#entries.delete(key);
    this.#entries.set(key, { failures, notBefore: now + seconds * 1000, touched: now });
    if (this.#entries.size <= MAX_ENTRIES) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }

  #forgive(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.failures--;
    entry.notBefore = 0;
    if (entry.failures === 0) this.#entries.delete(key);
  }
}
