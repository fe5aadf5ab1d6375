import type { Environment } from '../api/caller.ts';
import { VisageError } from '../errors.ts';
import type { CollectionKey, Databases, EventOwner, StoreContext } from './databases.ts';
import { removeOldest } from './event-retention.ts';
import { keysOf } from './key-pages.ts';

/** Blocks the event loop for about a millisecond. */
const STEP = 64;

const ENVIRONMENTS: readonly Environment[] = ['live', 'test'];

/** @throws `ACCOUNT_NOT_FOUND`. */
export function setRecording(db: Databases, accountId: string, isOn: boolean): void {
  const record = db.accounts.get(accountId);
  if (!record) throw new VisageError('ACCOUNT_NOT_FOUND', 'There is no such account.');
  const { recordsNoEvents: _, ...rest } = record;
  db.accounts.put(accountId, isOn ? rest : { ...rest, recordsNoEvents: true });
}

export function recordsEvents(db: Databases, accountId: string): boolean {
  return db.accounts.get(accountId)?.recordsNoEvents !== true;
}

/**
 * Removes events, crops and last matches of accounts for which `isRecorded` is false. Stops at an account that
 * records again.
 */
export async function eraseUnrecorded(
  context: StoreContext,
  isRecorded: (accountId: string) => boolean,
  isStopped: () => boolean,
): Promise<void> {
  for await (const accountId of keysOf(context.db.accounts)) {
    const isOver = () => isStopped() || isRecorded(accountId);
    for (const environment of ENVIRONMENTS) {
      await eraseEvents(context, [accountId, environment], isOver);
      await eraseLastMatches(context, [accountId, environment], isOver);
    }
  }
}

async function eraseEvents(
  { db, writeStep }: StoreContext,
  owner: EventOwner,
  isOver: () => boolean,
): Promise<void> {
  const step = () => (isOver() ? 0 : removeOldest(db, owner, STEP, null));
  while (!isOver() && db.eventCounts.doesExist(owner)) if ((await writeStep(step)) === 0) return;
}

async function eraseLastMatches(
  { db, writeStep, personChanged }: StoreContext,
  [accountId, environment]: EventOwner,
  isOver: () => boolean,
): Promise<void> {
  const within = { start: [accountId, environment, ''], end: [accountId, environment, '\uffff'] };
  const oldest = (gallery: number, limit: number) =>
    Array.from(db.lastSeen.getKeys({ start: [gallery], end: [gallery + 1], limit } as never));
  if (isOver()) return;
  for await (const key of keysOf<CollectionKey>(db.collections, within)) {
    const gallery = db.collections.get(key)?.gallery;
    if (gallery === undefined) continue;
    const step = () => {
      if (isOver()) return 0;
      const places = oldest(gallery, STEP);
      for (const place of places) {
        db.lastSeen.remove(place);
        const externalKey = db.faces.get(place)?.externalKey;
        if (externalKey) personChanged(gallery, externalKey);
      }
      return places.length;
    };
    while (!isOver() && oldest(gallery, 1).length > 0) if ((await writeStep(step)) === 0) return;
  }
}
