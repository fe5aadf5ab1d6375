import type { Actor, Owner } from '../api/caller.ts';
import type { Precondition } from '../api/etag.ts';
import { VisageError } from '../errors.ts';
import {
  allocateNumber,
  type CollectionKey,
  type Databases,
  type StoreContext,
  writeAs,
} from './databases.ts';
import { RecordCache } from './record-cache.ts';
import type { Collection, CollectionRecord, PackId } from './records.ts';
import { discardRowGalleries } from './row-galleries.ts';
import { markThumbnails } from './thumbnails.ts';

const AFTER_IDS = '\uffff';

function keyOf(owner: Owner, collectionId: string): CollectionKey {
  return [owner.accountId, owner.environment, collectionId];
}

export function findCollection(
  db: Databases,
  owner: Owner,
  collectionId: string,
): CollectionRecord | undefined {
  return db.collections.get(keyOf(owner, collectionId));
}

/** @throws `COLLECTION_NOT_FOUND`. */
export function requireCollection(db: Databases, owner: Owner, collectionId: string): CollectionRecord {
  const record = findCollection(db, owner, collectionId);
  if (!record) throw new VisageError('COLLECTION_NOT_FOUND', 'There is no collection of this id.');
  return record;
}

/** Each version of collections and of migrations once, sorted. */
export function packsOf({ collections, rowGalleries }: Databases): PackId[] {
  const packs = new Map<string, PackId>();
  const add = ({ pack, packVersion }: PackId) => packs.set(`${pack} ${packVersion}`, { pack, packVersion });
  for (const { value } of collections.getRange()) add(value);
  for (const { value } of rowGalleries.getRange()) if (value.second) add(value.second);
  return Array.from(packs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, packId]) => packId);
}

type Matching = Pick<CollectionRecord, 'faceMatchThreshold' | 'maxFalsePositiveRate' | 'maxFalseMatchRate'>;

function checkMatching({ faceMatchThreshold, maxFalsePositiveRate, maxFalseMatchRate }: Matching): void {
  if (faceMatchThreshold == null || (maxFalsePositiveRate ?? maxFalseMatchRate) == null) return;
  const rate = maxFalsePositiveRate == null ? 'maxFalseMatchRate' : 'maxFalsePositiveRate';
  const message = `the collection can have either faceMatchThreshold or ${rate}: set the other one to null`;
  throw new VisageError('VALIDATION_FAILED', `Expected one setting: ${message}.`, [
    { path: '/faceMatchThreshold', message },
    { path: `/${rate}`, message },
  ]);
}

/** Undefined fields stay unchanged. */
export interface CollectionChange {
  readonly description?: string | null | undefined;
  readonly minQuality?: number | undefined;
  /** False erases kept crops in the background. */
  readonly storeThumbnails?: boolean | undefined;
  readonly faceMatchThreshold?: number | null | undefined;
  /** A rate and a threshold exclude each other. */
  readonly maxFalsePositiveRate?: number | null | undefined;
  readonly maxFalseMatchRate?: number | null | undefined;
  readonly eventCropDays?: number | null | undefined;
}

export interface NewCollection extends CollectionChange {
  readonly collectionId: string;
  readonly description: string | null;
  readonly now: number;
}

export class Collections {
  readonly #context: StoreContext;
  readonly #records: RecordCache<CollectionRecord, CollectionKey>;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#records = new RecordCache(context, context.db.collections);
  }

  get(owner: Owner, collectionId: string): Collection | null {
    const record = this.#records.get(keyOf(owner, collectionId));
    return record ? { collectionId, ...record } : null;
  }

  packs(): PackId[] {
    return packsOf(this.#context.db);
  }

  /** Sorted by id. */
  list(owner: Owner, after: string | null, limit: number): Collection[] {
    const { accountId, environment } = owner;
    const range = this.#context.db.collections.getRange({
      start: [accountId, environment, after ?? ''],
      end: [accountId, environment, AFTER_IDS],
      exclusiveStart: after !== null,
      limit,
    });
    return Array.from(range, ({ key, value }) => ({ collectionId: key[2], ...value }));
  }

  /** @throws `COLLECTION_ALREADY_EXISTS`, `VALIDATION_FAILED`. */
  create(owner: Actor, collection: NewCollection & PackId): Promise<void> {
    const { db } = this.#context;
    const { collectionId, description, now, pack, packVersion } = collection;
    const { minQuality = 0, storeThumbnails = false } = collection;
    const { faceMatchThreshold = null, eventCropDays = null } = collection;
    const { maxFalsePositiveRate = null, maxFalseMatchRate = null } = collection;
    return writeAs(this.#context, owner, () => {
      const key = keyOf(owner, collectionId);
      if (db.collections.doesExist(key)) {
        throw new VisageError('COLLECTION_ALREADY_EXISTS', 'A collection with this id already exists.');
      }
      const gallery = allocateNumber(db, 'nextGallery');
      const match = { faceMatchThreshold, maxFalsePositiveRate, maxFalseMatchRate };
      checkMatching(match);
      const settings = { description, minQuality, storeThumbnails, ...match, eventCropDays };
      const times = { createdAt: now, updatedAt: now };
      db.collections.put(key, { gallery, ...settings, pack, packVersion, ...times });
    });
  }

  /** @throws `COLLECTION_NOT_FOUND`, `VALIDATION_FAILED`; errors of `check`. */
  async update(
    owner: Actor,
    collectionId: string,
    change: CollectionChange,
    now: number,
    check: Precondition = () => {},
  ): Promise<CollectionRecord> {
    const { db } = this.#context;
    const written = await writeAs(this.#context, owner, () => {
      const record = requireCollection(db, owner, collectionId);
      check(record);
      const given = Object.entries(change).filter(([, value]) => value !== undefined);
      const changed = { ...record, ...Object.fromEntries(given), updatedAt: now };
      checkMatching(changed);
      db.collections.put(keyOf(owner, collectionId), changed);
      if (change.storeThumbnails === false) markThumbnails(db, record.gallery);
      return changed;
    });
    if (change.storeThumbnails === false) this.#context.collectGarbage();
    return written;
  }

  /**
   * Starts an empty gallery.
   * @param rebind chooses the new pack.
   * @returns the row galleries to drop.
   * @throws `COLLECTION_NOT_FOUND`.
   */
  async reset(
    owner: Actor,
    collectionId: string,
    rebind: (old: PackId) => PackId,
    now: number,
    check: Precondition = () => {},
  ): Promise<readonly number[]> {
    const { db } = this.#context;
    const { old, dropped } = await writeAs(this.#context, owner, () => {
      const record = requireCollection(db, owner, collectionId);
      check(record);
      const gallery = allocateNumber(db, 'nextGallery');
      db.collections.put(keyOf(owner, collectionId), {
        ...record,
        ...rebind(record),
        gallery,
        updatedAt: now,
      });
      db.garbage.put(record.gallery, true);
      return { old: record.gallery, dropped: discardRowGalleries(db, record.gallery) };
    });
    this.#context.collectGarbage();
    this.#context.forgetPeople(old);
    return dropped;
  }

  /** @returns the row galleries to drop; none if missing. */
  async delete(
    owner: Actor,
    collectionId: string,
    check: Precondition = () => {},
  ): Promise<readonly number[]> {
    const { db } = this.#context;
    const removed = await writeAs(this.#context, owner, () => {
      const key = keyOf(owner, collectionId);
      const record = db.collections.get(key);
      check(record ?? null);
      if (!record) return null;
      db.collections.remove(key);
      db.garbage.put(record.gallery, true);
      return { old: record.gallery, dropped: discardRowGalleries(db, record.gallery) };
    });
    if (removed === null) return [];
    this.#context.collectGarbage();
    this.#context.forgetPeople(removed.old);
    return removed.dropped;
  }
}
