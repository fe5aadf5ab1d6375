/** An account's entries never displace another account's. */
import { appendAudit, groupOf, markText, TRUNCATE_ACTION, TRUNCATE_ANONYMOUS_ACTION } from './audit-chain.ts';
import { removeFromChain } from './audit-gaps.ts';
import type { Databases, StoreContext } from './databases.ts';

/** Blocks the event loop for a few milliseconds. */
const REMOVE_STEP = 100;
const SCAN_STEP = 2_000;

export interface AuditLimits {
  readonly keep: number;
  readonly since: number;
  readonly now: number;
  readonly isStopped?: () => boolean;
}

/**
 * Removes entries older than `since`, then the oldest of the largest group. Each transaction appends a
 * truncation entry.
 */
export async function truncateAudit(context: StoreContext, limits: AuditLimits): Promise<void> {
  const isStopped = limits.isStopped ?? (() => false);
  await indexOldEntries(context, isStopped);
  while (!isStopped() && (await removeOldest(context, limits)));
  const { audit } = context.db;
  const excess = () => (audit.getStats() as { entryCount: number }).entryCount - limits.keep;
  if (excess() <= 0) return;
  const groups = await countGroups(context.db, isStopped);
  while (!isStopped() && excess() > 0) {
    const [largest, count] = Array.from(groups).reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
    // Leaves room for the truncation entry.
    const number = Math.min(REMOVE_STEP, excess() + 1, count - 1);
    if (number < 2) return;
    await removeOldestOf(context, largest, number, limits.now);
    groups.set(largest, count - number + 1);
  }
}

async function indexOldEntries({ db, write }: StoreContext, isStopped: () => boolean): Promise<void> {
  let next = db.meta.get('auditIndexed') === undefined ? 1 : null;
  while (next !== null && !isStopped()) {
    const start = next;
    next = await write(() => {
      let last: number | null = null;
      for (const { key, value } of Array.from(db.audit.getRange({ start, limit: SCAN_STEP / 4 }))) {
        db.auditByAccount.put([groupOf(value), key], true);
        last = key;
      }
      if (last === null) db.meta.put('auditIndexed', 1);
      return last === null ? null : last + 1;
    });
  }
}

async function removeOldest({ db, write }: StoreContext, { since, now }: AuditLimits): Promise<boolean> {
  for (const { value } of db.audit.getRange({ limit: 1 })) if (value.at >= since) return false;
  return write(() => {
    let count = 0;
    for (const { key, value } of Array.from(db.audit.getRange({ limit: REMOVE_STEP }))) {
      if (value.at >= since) break;
      remove(db, key);
      count++;
    }
    if (count > 0) appendTruncation(db, { group: 'appliance', count, now });
    return count === REMOVE_STEP;
  });
}

async function countGroups(db: Databases, isStopped: () => boolean): Promise<Map<string, number>> {
  const groups = new Map<string, number>();
  let start: [string, number] | null = ['', 0];
  while (start !== null && !isStopped()) {
    let seen = 0;
    let last: [string, number] | null = null;
    for (const key of db.auditByAccount.getKeys({ start, limit: SCAN_STEP })) {
      groups.set(key[0], (groups.get(key[0]) ?? 0) + 1);
      last = key;
      seen++;
    }
    start = last && seen === SCAN_STEP ? [last[0], last[1] + 1] : null;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return groups;
}

function removeOldestOf(
  { db, write }: StoreContext,
  group: string,
  count: number,
  now: number,
): Promise<void> {
  return write(() => {
    const range = { start: [group, 0], end: [group, Number.MAX_SAFE_INTEGER], limit: count };
    const oldest = Array.from(db.auditByAccount.getKeys(range as never));
    for (const [, sequence] of oldest) remove(db, sequence);
    if (oldest.length > 0) appendTruncation(db, { group, count: oldest.length, now });
  });
}

function remove(db: Databases, sequence: number): void {
  const entry = db.audit.get(sequence);
  if (!entry) throw new Error(`The audit index lists entry ${sequence}, which does not exist`);
  db.audit.remove(sequence);
  db.auditByAccount.remove([groupOf(entry), sequence]);
  removeFromChain(db, { sequence, hash: entry.hash });
}

function appendTruncation(
  db: Databases,
  { group, count, now }: { readonly group: string; readonly count: number; readonly now: number },
): void {
  const isOfAccount = db.accounts.doesExist(group);
  appendAudit(db, [
    {
      at: now,
      accountId: isOfAccount ? group : null,
      actor: { kind: 'system', id: null },
      action: group === 'anonymous' ? TRUNCATE_ANONYMOUS_ACTION : TRUNCATE_ACTION,
      target: markText(db.auditMarks.get('base'), db.auditMarks.get('gaps')),
      result: 'ok',
      address: null,
      requestId: null,
      count,
      environment: null,
      collectionId: null,
    },
  ]);
}
