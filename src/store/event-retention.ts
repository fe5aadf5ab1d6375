import { Turn } from '../base/turns.ts';
import type { Databases, EventOwner, StoreContext } from './databases.ts';
import { removeParts, targetOf } from './event-erasure.ts';
import { keysOf } from './key-pages.ts';
import { firstIdentifierAt } from './records.ts';

/** Blocks the event loop for about a millisecond. */
const STEP = 64;
const PAGE = 256;

export interface EventLimits {
  readonly maxEvents: number;
  readonly maxCrops: number;
  readonly since: number;
  readonly cropsSince: number;
  /** For collections with their own number of days. */
  readonly cropsSinceOf: (days: number) => number;
  readonly isStopped?: () => boolean;
}

export function entriesOf(database: { getStats(): object }): number {
  return (database.getStats() as { readonly entryCount: number }).entryCount;
}

/** Then removes the oldest events of the largest tenants. */
export async function trimEvents(context: StoreContext, limits: EventLimits): Promise<void> {
  const { db, writeStep } = context;
  const isStopped = limits.isStopped ?? (() => false);
  const before = firstIdentifierAt('evt_', limits.since);
  const counts = await countsOf(db);
  for (const [, { owner }] of counts) {
    while (!isStopped() && isOlder(db, owner, before)) {
      await writeStep(() => removeOldest(db, owner, STEP, before));
    }
  }
  while (!isStopped()) {
    const excess = entriesOf(db.events) - limits.maxEvents;
    if (excess <= 0) break;
    const largest = Array.from(counts.values()).reduce((a, b) => (b.count > a.count ? b : a), NOBODY);
    if (largest.count === 0) break;
    largest.count -= await writeStep(() => removeOldest(db, largest.owner, Math.min(STEP, excess), null));
  }
  await trimCrops(context, limits, isStopped);
  await trimOwnCrops(context, limits, isStopped);
}

interface OwnerCount {
  readonly owner: EventOwner;
  count: number;
}

const NOBODY: OwnerCount = { owner: ['', 'live'], count: 0 };

async function countsOf(db: Databases): Promise<Map<string, OwnerCount>> {
  const turn = new Turn();
  const counts = new Map<string, OwnerCount>();
  let last: EventOwner | undefined;
  for (;;) {
    const from = last === undefined ? {} : { start: last, exclusiveStart: true };
    const page = Array.from(db.eventCounts.getRange({ ...from, limit: PAGE }));
    for (const { key, value } of page) counts.set(key.join('/'), { owner: key, count: value });
    last = page.at(-1)?.key;
    if (page.length < PAGE) return counts;
    if (turn.isOver) await turn.next();
  }
}

function rangeOf([accountId, environment]: EventOwner, before: string | null, limit: number) {
  return { start: [accountId, environment, ''], end: [accountId, environment, before ?? '\uffff'], limit };
}

function isOlder(db: Databases, owner: EventOwner, before: string): boolean {
  for (const _ of db.events.getKeys(rangeOf(owner, before, 1) as never)) return true;
  return false;
}

export function removeOldest(db: Databases, owner: EventOwner, limit: number, before: string | null): number {
  const oldest = Array.from(db.events.getRange(rangeOf(owner, before, limit) as never));
  for (const { key, value } of oldest) {
    const [, , id] = key;
    const target = targetOf(db, id, value);
    if (value.gallery !== undefined && target !== null) {
      db.eventsByFace.remove([value.gallery, target, id]);
      removeParts(db, value.gallery, id);
    }
    db.events.remove(key);
  }
  const left = (db.eventCounts.get(owner) ?? 0) - oldest.length;
  if (left > 0) db.eventCounts.put(owner, left);
  else db.eventCounts.remove(owner);
  return oldest.length;
}

async function trimCrops(
  { db, writeStep }: StoreContext,
  { maxCrops, cropsSince }: EventLimits,
  isStopped: () => boolean,
): Promise<void> {
  const before = firstIdentifierAt('evt_', cropsSince);
  const isDue = () => {
    if (entriesOf(db.eventCropQueue) > maxCrops) return true;
    for (const id of db.eventCropQueue.getKeys({ limit: 1 })) return id < before;
    return false;
  };
  while (!isStopped() && isDue()) {
    await writeStep(() => {
      const excess = entriesOf(db.eventCropQueue) - maxCrops;
      const oldest = Array.from(db.eventCropQueue.getRange({ limit: STEP }));
      oldest.forEach(({ key: id, value: gallery }, at) => {
        if (id >= before && at >= excess) return;
        db.eventCrops.remove([gallery, id]);
        db.eventCropQueue.remove(id);
      });
    });
  }
}

async function trimOwnCrops(
  { db, writeStep }: StoreContext,
  { cropsSinceOf }: EventLimits,
  isStopped: () => boolean,
): Promise<void> {
  for await (const key of keysOf(db.collections)) {
    const { gallery, eventCropDays = null } = db.collections.get(key) ?? {};
    if (gallery === undefined || eventCropDays === null) continue;
    const before = firstIdentifierAt('evt_', cropsSinceOf(eventCropDays));
    const oldest = (limit: number) =>
      Array.from(db.eventCrops.getKeys({ start: [gallery, ''], end: [gallery, before], limit }));
    while (!isStopped() && oldest(1).length > 0) {
      await writeStep(() => {
        for (const place of oldest(STEP)) {
          db.eventCrops.remove(place);
          db.eventCropQueue.remove(place[1]);
        }
      });
    }
    if (isStopped()) return;
  }
}
