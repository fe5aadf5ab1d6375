import { createHash } from 'node:crypto';
import { BoundedMap } from '../../base/bounded-map.ts';
import { originOf } from '../../base/client-address.ts';
import { VisageError } from '../../errors.ts';

/**
 * Free failures, maximum delay in seconds, milliseconds until one failure fades. Short delays keep outsiders
 * from locking a member out.
 */
const LIMITS = {
  account: { free: 5, longest: 60, fade: Number.POSITIVE_INFINITY },
  address: { free: 20, longest: 900, fade: 180_000 },
  device: { free: 10, longest: 0, fade: Number.POSITIVE_INFINITY },
} as const;

const MEMORY_MS = 3_600_000;

const MAX_ENTRIES = 20_000;

type Kind = keyof typeof LIMITS;

interface Entry {
  failures: number;
  notBefore: number;
  touched: number;
}

/** Counts as a failure until `succeed` or `cancel`. */
export interface Attempt {
  succeed(): void;
  cancel(): void;
}

function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/**
 * Each failure beyond the free ones doubles the delay, from one second. Only an account's free failures count
 * against the address. A restart resets the counts.
 */
export class LoginThrottle {
  readonly #entries: Readonly<Record<Kind, Map<string, Entry>>> = {
    account: new BoundedMap(MAX_ENTRIES),
    address: new BoundedMap(MAX_ENTRIES),
    device: new BoundedMap(MAX_ENTRIES),
  };
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Counts at once, so parallel attempts gain nothing.
   * @param address null: count no address.
   * @throws `RATE_LIMIT_EXCEEDED`; a refusal extends no delay.
   */
  begin(account: string, address: string | null): Attempt {
    const now = this.#now();
    const accountKey = keyOf(account);
    const origin = address === null ? null : originOf(address);
    const wait = Math.max(
      this.#wait('account', accountKey, now),
      origin === null ? 0 : this.#wait('address', origin, now),
    );
    if (wait > 0) {
      const seconds = Math.ceil(wait / 1000);
      throw new VisageError(
        'RATE_LIMIT_EXCEEDED',
        `Too many failed attempts. Try again in ${seconds} seconds.`,
        undefined,
        seconds,
      );
    }
    const failures = this.#fail('account', accountKey, now);
    const isCharged = origin !== null && failures <= LIMITS.account.free;
    if (isCharged) this.#fail('address', origin, now);
    const forgiveAddress = () => isCharged && this.#forgive('address', origin);
    return {
      succeed: () => {
        this.#entries.account.delete(accountKey);
        // An attacker's own password must not erase guesses at other accounts.
        forgiveAddress();
      },
      cancel: () => {
        this.#forgive('account', accountKey);
        forgiveAddress();
      },
    };
  }

  /** @returns null after too many failures. */
  beginWithDevice(device: string): Attempt | null {
    const key = keyOf(device);
    const failures = this.#current('device', key, this.#now())?.failures ?? 0;
    if (failures >= LIMITS.device.free) return null;
    this.#fail('device', key, this.#now());
    return {
      succeed: () => this.#entries.device.delete(key),
      cancel: () => this.#forgive('device', key),
    };
  }

  #current(kind: Kind, key: string, now: number): Entry | null {
    const entry = this.#entries[kind].get(key);
    if (!entry) return null;
    const faded = Math.max(0, Math.floor((now - entry.touched) / LIMITS[kind].fade));
    if (now - entry.touched > MEMORY_MS || faded >= entry.failures) {
      this.#entries[kind].delete(key);
      return null;
    }
    if (faded > 0) {
      entry.failures -= faded;
      entry.touched += faded * LIMITS[kind].fade;
    }
    return entry;
  }

  #wait(kind: Kind, key: string, now: number): number {
    return (this.#current(kind, key, now)?.notBefore ?? now) - now;
  }

  #fail(kind: Kind, key: string, now: number): number {
    const entries = this.#entries[kind];
    const { free, longest, fade } = LIMITS[kind];
    const before = this.#current(kind, key, now);
    const failures = (before?.failures ?? 0) + 1;
    const seconds = failures <= free ? 0 : Math.min(2 ** (failures - free - 1), longest);
    // A new failure does not restart earlier ones' fading.
    const touched = before && Number.isFinite(fade) ? before.touched : now;
    entries.delete(key);
    entries.set(key, { failures, notBefore: now + seconds * 1000, touched });
    return failures;
  }

  #forgive(kind: Kind, key: string): void {
    const entry = this.#entries[kind].get(key);
    if (!entry) return;
    entry.failures--;
    entry.notBefore = 0;
    if (entry.failures <= 0) this.#entries[kind].delete(key);
  }
}
