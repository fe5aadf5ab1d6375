/** Accounts, and an account's keys, share memory for bodies fairly. */
import { VisageError } from '../errors.ts';
import type { Tenant } from '../native/pipeline.ts';

/**
 * Dynamic thresholds (Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998), alpha = 4:
 * alpha / (1 + alpha) of what others leave.
 */
const SHARE = 0.8;

interface Account {
  held: number;
  readonly keys: Map<string, number>;
}

export class FairShares {
  readonly #capacity: number;
  readonly #least: number;
  readonly #accounts = new Map<string, Account>();
  #held = 0;

  /** @param least every account's minimum, while free. */
  constructor(capacity: number, least: number) {
    this.#capacity = capacity;
    this.#least = least;
  }

  get held(): number {
    return this.#held;
  }

  get capacity(): number {
    return this.#capacity;
  }

  heldBy(account: string): number {
    return this.#accounts.get(account)?.held ?? 0;
  }

  fits({ account, key }: Tenant, amount: number): boolean {
    const held = this.heldBy(account);
    if (this.#held + amount > this.#capacity) return false;
    if (held + amount <= this.#least) return true;
    const most = SHARE * (this.#capacity - (this.#held - held));
    const own = this.#accounts.get(account)?.keys.get(key) ?? 0;
    return held + amount <= most && own + amount <= SHARE * (most - (held - own));
  }

  add({ account, key }: Tenant, amount: number): void {
    const own = this.#accounts.get(account) ?? { held: 0, keys: new Map<string, number>() };
    this.#held += amount;
    own.held += amount;
    const left = (own.keys.get(key) ?? 0) + amount;
    if (left > 0) own.keys.set(key, left);
    else own.keys.delete(key);
    if (own.held > 0) this.#accounts.set(account, own);
    else this.#accounts.delete(account);
  }
}

const LEAST_BYTES = 64 * 1024;

const MEGABYTE = 1_000_000;

export class BodyBudget {
  readonly #shares: FairShares;
  readonly #requests = new Map<string, number>();

  constructor(bytes: number) {
    this.#shares = new FairShares(bytes, LEAST_BYTES);
  }

  get held(): number {
    return this.#shares.held;
  }

  /** Close it when the request ends. */
  open(tenant: Tenant): BodyHold {
    return new BodyHold(this.#shares, this.#requests, tenant);
  }
}

export class BodyHold {
  readonly #shares: FairShares;
  readonly #requests: Map<string, number>;
  readonly #tenant: Tenant;
  #bytes = 0;
  #isOpen = true;

  constructor(shares: FairShares, requests: Map<string, number>, tenant: Tenant) {
    this.#shares = shares;
    this.#requests = requests;
    this.#tenant = tenant;
    requests.set(tenant.account, this.requests + 1);
  }

  get requests(): number {
    return this.#requests.get(this.#tenant.account) ?? 0;
  }

  /**
   * Reserves nothing.
   * @throws `OVERLOADED`
   */
  check(bytes: number): void {
    if (this.#shares.fits(this.#tenant, bytes)) return;
    const held = Math.round(this.#shares.heldBy(this.#tenant.account) / MEGABYTE);
    const all = Math.round(this.#shares.capacity / MEGABYTE);
    throw new VisageError(
      'OVERLOADED',
      `Memory for request bodies is short: this account's requests hold ${held} of ${all} MB. Send fewer at a time.`,
    );
  }

  /** @throws `OVERLOADED` */
  take(bytes: number): void {
    this.check(bytes);
    this.#shares.add(this.#tenant, bytes);
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    const given = Math.min(bytes, this.#bytes);
    this.#bytes -= given;
    if (given > 0) this.#shares.add(this.#tenant, -given);
  }

  empty(): void {
    this.give(this.#bytes);
  }

  close(): void {
    this.empty();
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const left = this.requests - 1;
    if (left > 0) this.#requests.set(this.#tenant.account, left);
    else this.#requests.delete(this.#tenant.account);
  }
}
