import type { Environment } from '../api/caller.ts';
import { addedDurations, type Durations, NO_DURATIONS } from '../base/durations.ts';
import { inTurns } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { StoreContext, UsageHourKey, UsageKey } from './databases.ts';
import type { UsageRecord } from './records.ts';

const MICROS = 1_000_000;
const DAY_MS = 86_400_000;

const TRIM_STEP = 1_000;

export function microsOf(dollars: number): number {
  return Math.round(dollars * MICROS);
}

export function dollarsOf(micros: number): number {
  return micros / MICROS;
}

export interface Charge {
  readonly accountId: string;
  readonly keyId: string;
  readonly amount: number;
  readonly budget: number | null;
  readonly prepaid: boolean;
}

export interface UsagePlace {
  readonly accountId: string;
  readonly day: string;
  readonly keyId: string;
  /** Null for the whole day. */
  readonly hour: number | null;
  readonly operation: string;
}

export interface CountedPlace extends UsagePlace {
  readonly hour: number;
  readonly environment: Environment;
}

export interface UsageCounts {
  readonly calls: number;
  readonly failures: number;
  readonly latency: Durations;
}

export interface Usage extends UsagePlace, UsageRecord {}

export interface UsageQuery {
  readonly from: string;
  readonly to: string;
  readonly after: UsagePlace | null;
  readonly limit: number;
  readonly scan: number;
  readonly includes: (usage: Usage) => boolean;
}

interface LedgerEntry {
  settled: number;
  reserved: number;
}

function insufficient(): VisageError {
  return new VisageError('INSUFFICIENT_CREDITS', 'Insufficient credits');
}

function keyOf({ accountId, day, keyId, operation }: UsagePlace): UsageKey {
  return [accountId, day, keyId, operation];
}

function hourText(day: string, hour: number): string {
  return `${day}T${String(hour).padStart(2, '0')}`;
}

function hourKeyOf({ accountId, day, hour, keyId, operation }: UsagePlace): UsageHourKey {
  return [hourText(day, hour ?? 0), accountId, keyId, operation];
}

function* daysBetween(from: string, to: string): Generator<string> {
  for (let time = Date.parse(from); time <= Date.parse(to); time += DAY_MS)
    yield new Date(time).toISOString().slice(0, 10);
}

/**
 * A call reserves its cost, then settles or releases it. Memory decides; the disk follows in order.
 * Reservations are lost with the process and charge nothing.
 */
export class Credits {
  readonly #context: StoreContext;
  readonly #keys = new Map<string, LedgerEntry>();
  readonly #accounts = new Map<string, LedgerEntry>();

  constructor(context: StoreContext) {
    this.#context = context;
  }

  #key(keyId: string): LedgerEntry {
    return ledgerEntry(this.#keys, keyId, () => this.#context.db.spends.get(keyId) ?? 0);
  }

  #account(accountId: string): LedgerEntry {
    return ledgerEntry(this.#accounts, accountId, () => this.#context.db.balances.get(accountId) ?? 0);
  }

  spent(keyId: string): number {
    return this.#keys.get(keyId)?.settled ?? this.#context.db.spends.get(keyId) ?? 0;
  }

  balance(accountId: string): number {
    return this.#account(accountId).settled;
  }

  /** @throws `INSUFFICIENT_CREDITS`, for free calls too once budget or balance is used up. */
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

  release({ accountId, keyId, amount, prepaid }: Charge): void {
    this.#key(keyId).reserved -= amount;
    if (prepaid) this.#account(accountId).reserved -= amount;
  }

  /** Charges nothing on rejection. */
  async settle(charge: Charge, place: CountedPlace, confirm: () => void): Promise<void> {
    const { accountId, keyId, amount, prepaid } = charge;
    const { db, write } = this.#context;
    this.release(charge);
    this.#move(charge, amount);
    try {
      await write(() => {
        confirm();
        if (db.apiKeyIds.doesExist(keyId)) db.spends.put(keyId, (db.spends.get(keyId) ?? 0) + amount);
        if (prepaid) db.balances.put(accountId, (db.balances.get(accountId) ?? 0) - amount);
        this.#count(place, { calls: 1, failures: 0, latency: NO_DURATIONS }, amount);
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

  #count(place: CountedPlace, counts: UsageCounts, charged: number): void {
    const { usage, usageHours } = this.#context.db;
    const added = (before: UsageRecord = { calls: 0, charged: 0 }): UsageRecord => ({
      calls: before.calls + counts.calls,
      failures: (before.failures ?? 0) + counts.failures,
      latency: addedDurations(before.latency ?? NO_DURATIONS, counts.latency),
      charged: before.charged + charged,
      environment: place.environment,
    });
    usage.put(keyOf(place), added(usage.get(keyOf(place))));
    usageHours.put(hourKeyOf(place), added(usageHours.get(hourKeyOf(place))));
  }

  countCalls(counts: readonly (CountedPlace & UsageCounts)[]): Promise<void> {
    return this.#context.write(() => {
      for (const count of counts) this.#count(count, count, 0);
    });
  }

  /** Removes counts before `oldest`, then the oldest beyond `most`. */
  async trimHours(oldest: string, most: number): Promise<void> {
    const { db, writeStep } = this.#context;
    for (let removed = TRIM_STEP; removed === TRIM_STEP; ) {
      removed = await writeStep(() => {
        const { entryCount } = db.usageHours.getStats() as { entryCount: number };
        const keys = Array.from(db.usageHours.getKeys({ limit: TRIM_STEP }));
        const surplus = keys.filter(([hour], at) => hour < oldest || at < entryCount - most);
        for (const key of surplus) db.usageHours.remove(key);
        return surplus.length;
      });
    }
  }

  /** @returns the balance. */
  async topUp(accountId: string, amount: number, confirm: () => void = () => {}): Promise<number> {
    const { db, write } = this.#context;
    const account = this.#account(accountId);
    await write(() => {
      confirm();
      db.balances.put(accountId, (db.balances.get(accountId) ?? 0) + amount);
    });
    account.settled += amount;
    return account.settled;
  }

  async resetSpent(keyId: string): Promise<void> {
    const { db, write } = this.#context;
    this.#key(keyId).settled = 0;
    await write(() => {
      db.spends.remove(keyId);
    });
  }

  /** Call after removing a key. */
  forget(keyId: string): void {
    if (this.#keys.get(keyId)?.reserved === 0) this.#keys.delete(keyId);
  }

  /**
   * Sorted by day, key and operation.
   * @returns `next`: the last match, or the last record read if `scan` ended the page.
   */
  usage(accountId: string, query: UsageQuery): Promise<{ found: Usage[]; next: UsagePlace | null }> {
    const { from, to, after } = query;
    const range = this.#context.db.usage.getRange({
      start: after ? keyOf(after) : [accountId, from],
      end: [accountId, to, '\uffff'],
      exclusiveStart: after !== null,
    });
    const all = range.map(({ key: [, day, keyId, operation], value }) => {
      return { accountId, day, hour: null, keyId, operation, ...value };
    });
    return pageOf(all, query);
  }

  /**
   * Sorted by hour, key and operation.
   * @returns as `usage`.
   */
  usageByHour(accountId: string, query: UsageQuery): Promise<{ found: Usage[]; next: UsagePlace | null }> {
    return pageOf(this.#hours(accountId, query), query);
  }

  *#hours(accountId: string, { from, to, after }: UsageQuery): Generator<Usage> {
    const first = after ? hourText(after.day, after.hour ?? 0) : '';
    for (const day of daysBetween(after && after.day > from ? after.day : from, to)) {
      for (let hour = 0; hour < 24; hour++) {
        const text = hourText(day, hour);
        if (text < first) continue;
        const isFirst = after !== null && text === first;
        const range = this.#context.db.usageHours.getRange({
          start: isFirst ? hourKeyOf(after) : ([text, accountId] as never),
          end: [text, accountId, '\uffff'] as never,
          exclusiveStart: isFirst,
        });
        for (const { key, value } of range) {
          yield { accountId, day, hour, keyId: key[2], operation: key[3], ...value };
        }
      }
    }
  }
}

async function pageOf(
  all: Iterable<Usage>,
  { limit, scan, includes }: UsageQuery,
): Promise<{ found: Usage[]; next: UsagePlace | null }> {
  const found: Usage[] = [];
  let last: UsagePlace | null = null;
  let looked = 0;
  for await (const usage of inTurns(all)) {
    const isIncluded = includes(usage);
    if (looked === scan) return { found, next: last };
    if (isIncluded && found.length === limit) return { found, next: found.at(-1) ?? null };
    if (isIncluded) found.push(usage);
    last = usage;
    looked++;
  }
  return { found, next: null };
}

function ledgerEntry(entries: Map<string, LedgerEntry>, id: string, settled: () => number): LedgerEntry {
  let found = entries.get(id);
  if (!found) {
    found = { settled: settled(), reserved: 0 };
    entries.set(id, found);
  }
  return found;
}
