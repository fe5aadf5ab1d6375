import type { AuditActor } from '../../api/caller.ts';
import { networkOf, originOf } from '../../base/client-address.ts';
import type { NewAuditRecord } from '../../store/audit-records.ts';

const SEVERAL = 'several';

const MAX_DISTINCT = 1_000;

interface PoolLimits {
  readonly total: number;
  readonly share: number;
  readonly holder: number;
}

/** Share: account. Holder: key or member. */
const AUTHENTICATED_LIMITS: PoolLimits = { total: 5_000, share: 100, holder: 25 };
/** Share: network. Holder: address (IPv6: /64). */
const ANONYMOUS_LIMITS: PoolLimits = { total: 500, share: 500, holder: 8 };

const ANONYMOUS_ACTOR: AuditActor = { kind: 'anonymous', id: null };

interface Party {
  readonly share: string;
  readonly holder: string;
  readonly holderAddress: string | null;
  readonly shareAddress: string | null;
}

function partyOf({ accountId, actor, address }: NewAuditRecord): Party {
  if (accountId !== null) {
    const holder = JSON.stringify([accountId, actor.kind, actor.id]);
    return { share: accountId, holder, holderAddress: null, shareAddress: null };
  }
  const [network, origin] = [networkOf(address ?? ''), originOf(address ?? '')];
  return { share: network, holder: origin, holderAddress: origin, shareAddress: network };
}

interface Several {
  readonly addresses: Set<string>;
  readonly actions: Set<string>;
  readonly address: string | null;
}

interface Group {
  readonly key: string;
  readonly party: Party;
  /** False for overflow groups. */
  readonly isCounted: boolean;
  first: NewAuditRecord;
  count: number;
  due: number;
  several: Several | null;
}

export interface DueRefusals {
  readonly record: NewAuditRecord;
  readonly group: Group;
  readonly several: Several | null;
}

function keep(seen: Set<string>, value: string | null): void {
  if (value !== null && seen.size < MAX_DISTINCT) seen.add(value);
}

function count(seen: Set<string>, one: string, many: string): string {
  const number = `${seen.size}${seen.size === MAX_DISTINCT ? ' or more' : ''}`;
  return `${number} ${seen.size === 1 ? one : many}`;
}

function recordOf({ first, count: times, several }: Group): NewAuditRecord {
  if (several === null) return { ...first, count: times };
  const { addresses, actions, address } = several;
  const [only] = addresses;
  return {
    ...first,
    count: times,
    address: addresses.size === 1 && only !== undefined ? only : address,
    target: `${count(addresses, 'address', 'addresses')}, ${count(actions, 'action', 'actions')}`,
  };
}

/** In a full pool, the newest group of the largest share merges into its overflow group. */
class Pool {
  readonly groups = new Map<string, Group>();
  readonly #limits: PoolLimits;
  readonly #isKnown: boolean;
  readonly #shares = new Map<string, number>();
  readonly #holders = new Map<string, number>();
  #total = 0;

  constructor(limits: PoolLimits, isKnown: boolean) {
    this.#limits = limits;
    this.#isKnown = isKnown;
  }

  add(record: NewAuditRecord): void {
    const { accountId, actor, action, result, address } = record;
    const party = partyOf(record);
    const exact = JSON.stringify([accountId, actor.kind, actor.id, action, result, address]);
    const ofHolder = JSON.stringify(['holder', party.holder, result]);
    const { share, holder } = this.#limits;
    if (this.#addTo(exact, record)) return;
    if (this.#admits(party, share, holder)) {
      this.#open(exact, party, record, null);
    } else if (this.#addTo(ofHolder, record)) {
      return;
    } else if (this.#admits(party, 2 * share, 2 * holder)) {
      this.#open(ofHolder, party, withoutNames(record, actor), several(party.holderAddress), record);
    } else {
      this.#collapse(record, party);
    }
  }

  #collapse(record: NewAuditRecord, party: Party): Group {
    const { result } = record;
    const ofShare = JSON.stringify(['share', party.share, result]);
    const known = this.#addTo(ofShare, record);
    if (known) return known;
    const collapsed = this.groups.size - this.#total;
    const hasPlace = this.#isKnown || (collapsed < this.#limits.total / 2 && this.#shares.has(party.share));
    const key = hasPlace ? ofShare : JSON.stringify(['all', result]);
    const address = hasPlace ? party.shareAddress : null;
    const first = withoutNames({ ...record, environment: null, collectionId: null }, ANONYMOUS_ACTOR);
    return this.#addTo(key, record) ?? this.#open(key, party, first, several(address), record, false);
  }

  #addTo(key: string, record: NewAuditRecord): Group | null {
    const group = this.groups.get(key);
    if (!group) return null;
    const { several: seen } = group;
    if (group.count === 0) {
      group.first = seen === null ? record : { ...group.first, at: record.at };
    }
    group.count += record.count;
    if (seen) {
      keep(seen.addresses, record.address);
      keep(seen.actions, record.action);
    }
    return group;
  }

  #open(
    key: string,
    party: Party,
    first: NewAuditRecord,
    seen: Several | null,
    record = first,
    isCounted = true,
  ): Group {
    const group = { key, party, isCounted, first, count: 0, due: record.at, several: seen };
    this.groups.set(key, group);
    this.#countPlace(group, 1);
    this.#addTo(key, record);
    return group;
  }

  #countPlace({ isCounted, party }: Group, change: 1 | -1): void {
    if (!isCounted) return;
    this.#total += change;
    for (const [counts, name] of [
      [this.#shares, party.share],
      [this.#holders, party.holder],
    ] as const) {
      const next = (counts.get(name) ?? 0) + change;
      if (next > 0) counts.set(name, next);
      else counts.delete(name);
    }
  }

  forget(group: Group): void {
    if (this.groups.delete(group.key)) this.#countPlace(group, -1);
  }

  #admits({ share, holder }: Party, ofShare: number, ofHolder: number): boolean {
    const own = this.#shares.get(share) ?? 0;
    if (own >= ofShare || (this.#holders.get(holder) ?? 0) >= ofHolder) return false;
    return this.#total < this.#limits.total || this.#makeRoom(own);
  }

  #makeRoom(own: number): boolean {
    let [largest, most] = ['', own + 1];
    for (const [share, places] of this.#shares) if (places > most) [largest, most] = [share, places];
    let newest: Group | null = null;
    if (most > own + 1) {
      for (const group of this.groups.values()) {
        if (group.isCounted && group.party.share === largest) newest = group;
      }
    }
    if (!newest) return false;
    this.forget(newest);
    if (newest.count > 0) {
      const { addresses, actions } = this.#collapse({ ...newest.first, count: newest.count }, newest.party)
        .several as Several;
      for (const each of newest.several?.addresses ?? []) keep(addresses, each);
      for (const each of newest.several?.actions ?? []) keep(actions, each);
    }
    return true;
  }
}

function several(address: string | null): Several {
  return { addresses: new Set(), actions: new Set(), address };
}

function withoutNames(record: NewAuditRecord, actor: AuditActor): NewAuditRecord {
  return { ...record, actor, action: SEVERAL, target: null, address: null, requestId: null };
}

/** Accounts, networks (IPv4 /16, IPv6 /32) and addresses take no room from each other. */
export class Refusals {
  readonly #known = new Pool(AUTHENTICATED_LIMITS, true);
  readonly #anonymous = new Pool(ANONYMOUS_LIMITS, false);

  add(record: NewAuditRecord): void {
    this.#poolOf(record).add(record);
  }

  #poolOf({ accountId }: NewAuditRecord): Pool {
    return accountId === null ? this.#anonymous : this.#known;
  }

  /** @param next when the groups are due again. */
  take(until: number, next: number): DueRefusals[] {
    const taken: DueRefusals[] = [];
    for (const pool of [this.#known, this.#anonymous]) {
      for (const group of pool.groups.values()) {
        if (group.due > until) continue;
        if (group.count === 0) {
          pool.forget(group);
          continue;
        }
        taken.push({ record: recordOf(group), group, several: group.several });
        group.count = 0;
        group.due = next;
        if (group.several) group.several = several(group.several.address);
      }
    }
    return taken;
  }

  /** After a failed write: the groups are due at once. */
  giveBack(taken: readonly DueRefusals[]): void {
    for (const { record, group, several: seen } of taken) {
      const pool = this.#poolOf(record);
      const present = pool.groups.get(group.key);
      if (!present) {
        pool.add({ ...record, target: null });
        continue;
      }
      present.first = { ...record, count: 1, target: seen ? null : record.target };
      present.count += record.count;
      present.due = 0;
      for (const each of seen?.addresses ?? []) keep(present.several?.addresses ?? new Set(), each);
      for (const each of seen?.actions ?? []) keep(present.several?.actions ?? new Set(), each);
    }
  }
}
