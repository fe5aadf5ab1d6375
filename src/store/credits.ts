/** Money: micro-dollars everywhere, whole numbers. */
import { VisageError } from '../errors.ts';
import type { Session, UsageKey } from './databases.ts';
import type { UsageRecord } from './records.ts';

/** What one call is going to cost, and whom. */
export interface Charge {
  readonly accountId: string;
  readonly keyId: string;
  /** Micro-dollars. */
  readonly amount: number;
  /** Most that the key may have spent after it; null for no limit. */
  readonly budget: number | null;
  /** Whether the account's balance pays for it. */
  readonly prepaid: boolean;
}

/** Where a call is counted. */
export interface UsagePlace {
  readonly accountId: string;
  /** Such as `2026-01-15`, UTC. */
  readonly day: string;
  readonly keyId: string;
  readonly operation: string;
}

export interface Usage extends UsagePlace, UsageRecord {}

/** One account's or one key's money, as this process has decided on it. */
interface Purse {
  /** What a key has spent, or what an account has left. */
  settled: number;
  /** What calls in progress may still cost. */
  reserved: number;
}

function insufficient(): VisageError {
  return new VisageError('INSUFFICIENT_CREDITS', 'Insufficient credits');
}

function keyOf({ accountId, day, keyId, operation }: UsagePlace): UsageKey {
  return [accountId, day, keyId, operation];
}

/**
 * What keys have spent and accounts have left. A call reserves what it will cost, and settles when it has succeeded or
 * releases when it has not. Every decision is made in one turn of the event loop on numbers in memory, and the disk
 * follows in the same order; a settled charge is on disk when `settle` resolves. Only one process has the store open,
 * so a reservation needs no place on disk: when the process is killed it is gone, and nothing was charged.
 */
export class Credits {
  readonly #session: Session;
  readonly #keys = new Map<string, Purse>();
  readonly #accounts = new Map<string, Purse>();

  constructor(session: Session) {
    this.#session = session;
  }

  #key(keyId: string): Purse {
    return purse(this.#keys, keyId, () => this.#session.db.spends.get(keyId) ?? 0);
  }

  #account(accountId: string): Purse {
    return purse(this.#accounts, accountId, () => this.#session.db.balances.get(accountId) ?? 0);
  }

  /** What a key has spent. */
  spent(keyId: string): number {
    return this.#keys.get(keyId)?.settled ?? this.#session.db.spends.get(keyId) ?? 0;
  }

  /** What an account has left. */
  balance(accountId: string): number {
    return this.#account(accountId).settled;
  }

  /**
   * Sets money aside.
   * @throws VisageError `INSUFFICIENT_CREDITS` where the budget or the balance does not reach, or is used up: then a
   * call that costs nothing is refused too.
   */
  reserve({ accountId, keyId, amount, budget, prepaid }: Charge): void {
    const key = this.#key(keyId);
    const account = this.#account(accountId);
    if (budget !== null && (key.settled >= budget || key.settled + key.reserved + amount > budget)) {
      throw insufficient();
    }
    if (prepaid && (account.settled <= 0 || account.settled - account.reserved < amount))
      throw insufficient();
    key.reserved += amount;
    if (prepaid) account.reserved += amount;
  }

  /** Gives back what was set aside. */
  release({ accountId, keyId, amount, prepaid }: Charge): void {
    this.#key(keyId).reserved -= amount;
    if (prepaid) this.#account(accountId).reserved -= amount;
  }

  /**
   * Charges what was set aside, and counts the call. Resolves when it is on disk; where it rejects nothing is charged.
   * @param confirm called inside the transaction; throws to charge nothing.
   */
  async settle(charge: Charge, place: UsagePlace, confirm: () => void): Promise<void> {
    const { accountId, keyId, amount, prepaid } = charge;
    const { db, write } = this.#session;
    this.release(charge);
    this.#move(charge, amount);
    try {
      await write(() => {
        confirm();
        if (db.apiKeyIds.doesExist(keyId)) db.spends.put(keyId, (db.spends.get(keyId) ?? 0) + amount);
        if (prepaid) db.balances.put(accountId, (db.balances.get(accountId) ?? 0) - amount);
        this.#count(place, { calls: 1, charged: amount });
      });
    } catch (error) {
      this.#move(charge, -amount);
      throw error;
    }
  }

  #move({ accountId, keyId, prepaid }: Charge, amount: number): void {
    this.#key(keyId).settled += amount;
    if (prepaid) this.#account(accountId).settled -= amount;
  }

  #count(place: UsagePlace, { calls, charged }: UsageRecord): void {
    const { usage } = this.#session.db;
    const before = usage.get(keyOf(place)) ?? { calls: 0, charged: 0 };
    usage.put(keyOf(place), { calls: before.calls + calls, charged: before.charged + charged });
  }

  /** Counts calls that cost nothing. Resolves when that is on disk. */
  countCalls(counts: readonly (UsagePlace & { readonly calls: number })[]): Promise<void> {
    return this.#session.write(() => {
      for (const count of counts) this.#count(count, { calls: count.calls, charged: 0 });
    });
  }

  /**
   * Adds to an account's balance. Resolves with the balance when it is on disk.
   * @param confirm called inside the transaction; throws to change nothing.
   */
  async topUp(accountId: string, amount: number, confirm: () => void = () => {}): Promise<number> {
    const { db, write } = this.#session;
    const account = this.#account(accountId);
    await write(() => {
      confirm();
      db.balances.put(accountId, (db.balances.get(accountId) ?? 0) + amount);
    });
    // Only what is on disk may be spent.
    account.settled += amount;
    return account.settled;
  }

  /** Sets what a key has spent to zero. Resolves when that is on disk. */
  async resetSpent(keyId: string): Promise<void> {
    const { db, write } = this.#session;
    this.#key(keyId).settled = 0;
    await write(() => {
      db.spends.remove(keyId);
    });
  }

  /** Forgets a key that has been removed. */
  forget(keyId: string): void {
    if (this.#keys.get(keyId)?.reserved === 0) this.#keys.delete(keyId);
  }

  /**
   * Calls of an account by day, key and operation, at most `limit`.
   * @param from, to days, both included. @param after the last place of the page before, null for the first page.
   */
  usage(accountId: string, from: string, to: string, after: UsagePlace | null, limit: number): Usage[] {
    const range = this.#session.db.usage.getRange({
      start: after ? keyOf(after) : [accountId, from],
      end: [accountId, to, '\uffff'],
      exclusiveStart: after !== null,
      limit,
    });
    return Array.from(range, ({ key: [, day, keyId, operation], value }) => {
      return { accountId, day, keyId, operation, ...value };
    });
  }
}

function purse(purses: Map<string, Purse>, id: string, settled: () => number): Purse {
  let found = purses.get(id);
  if (!found) {
    found = { settled: settled(), reserved: 0 };
    purses.set(id, found);
  }
  return found;
}
