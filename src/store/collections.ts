import { VisageError } from '../errors.ts';
import { type CollectionKey, type Databases, type Session, takeNumber, writeAs } from './databases.ts';
import type { Collection, CollectionRecord, Owner, PackId, Writer } from './records.ts';
import { Remembered } from './remembered.ts';

/** After every collection id: ids are ASCII. */
const AFTER_IDS = '\uffff';

function keyOf(owner: Owner, collectionId: string): CollectionKey {
  return [owner.accountId, owner.environment, collectionId];
}

/** @throws VisageError `COLLECTION_NOT_FOUND`. */
export function requireCollection(db: Databases, owner: Owner, collectionId: string): CollectionRecord {
  const record = db.collections.get(keyOf(owner, collectionId));
  if (!record) throw new VisageError('COLLECTION_NOT_FOUND', 'There is no collection of this id.');
  return record;
}

/** What may be changed of a collection. */
export interface CollectionChange {
  readonly description?: string | null | undefined;
  /** 0..100. */
  readonly minQuality?: number | undefined;
}

/** A collection to be made. */
export interface NewCollection extends CollectionChange {
  readonly collectionId: string;
  readonly description: string | null;
  readonly now: number;
}

/** Collections: an owner's named galleries. */
export class Collections {
  readonly #session: Session;
  readonly #records: Remembered<CollectionRecord, CollectionKey>;
  readonly #onGarbage: () => void;

  /** @param onGarbage called after a transaction that left a gallery to be removed. */
  constructor(session: Session, onGarbage: () => void) {
    this.#session = session;
    this.#records = new Remembered(session, session.db.collections);
    this.#onGarbage = onGarbage;
  }

  get(owner: Owner, collectionId: string): Collection | null {
    const record = this.#records.get(keyOf(owner, collectionId));
    return record ? { collectionId, ...record } : null;
  }

  /** An owner's collections by id, at most `limit`, beginning behind the id `after` (null: with the first). */
  list(owner: Owner, after: string | null, limit: number): Collection[] {
    const { accountId, environment } = owner;
    const range = this.#session.db.collections.getRange({
      start: [accountId, environment, after ?? ''],
      end: [accountId, environment, AFTER_IDS],
      exclusiveStart: after !== null,
      limit,
    });
    return Array.from(range, ({ key, value }) => ({ collectionId: key[2], ...value }));
  }

  /** @throws VisageError `COLLECTION_ALREADY_EXISTS`. */
  create(owner: Writer, collection: NewCollection & PackId): Promise<void> {
    const { db } = this.#session;
    const { collectionId, description, minQuality = 0, now, pack, packVersion } = collection;
    return writeAs(this.#session, owner, () => {
      const key = keyOf(owner, collectionId);
      if (db.collections.doesExist(key)) {
        throw new VisageError('COLLECTION_ALREADY_EXISTS', 'There is a collection of this id already.');
      }
      const gallery = takeNumber(db, 'nextGallery');
      const times = { createdAt: now, updatedAt: now };
      db.collections.put(key, { gallery, description, minQuality, pack, packVersion, ...times });
    });
  }

  /** @param change what is undefined stays. @throws VisageError `COLLECTION_NOT_FOUND`. */
  update(
    owner: Writer,
    collectionId: string,
    { description, minQuality }: CollectionChange,
    now: number,
  ): Promise<void> {
    const { db } = this.#session;
    return writeAs(this.#session, owner, () => {
      const record = requireCollection(db, owner, collectionId);
      db.collections.put(keyOf(owner, collectionId), {
        ...record,
        ...(description === undefined ? {} : { description }),
        ...(minQuality === undefined ? {} : { minQuality }),
        updatedAt: now,
      });
    });
  }

  /**
   * Gives the collection a new, empty gallery; the old one is removed in the background.
   * @param rebind the new gallery's pack by the old one's.
   * @returns the old gallery's number.
   * @throws VisageError `COLLECTION_NOT_FOUND`.
   */
  async reset(
    owner: Writer,
    collectionId: string,
    rebind: (old: PackId) => PackId,
    now: number,
  ): Promise<number> {
    const { db } = this.#session;
    const old = await writeAs(this.#session, owner, () => {
      const record = requireCollection(db, owner, collectionId);
      const gallery = takeNumber(db, 'nextGallery');
      db.collections.put(keyOf(owner, collectionId), {
        ...record,
        ...rebind(record),
        gallery,
        updatedAt: now,
      });
      db.garbage.put(record.gallery, true);
      return record.gallery;
    });
    this.#onGarbage();
    return old;
  }

  /** @returns the number of the gallery that the collection had, null where there was no such collection. */
  async delete(owner: Writer, collectionId: string): Promise<number | null> {
    const { db } = this.#session;
    const old = await writeAs(this.#session, owner, () => {
      const key = keyOf(owner, collectionId);
      const record = db.collections.get(key);
      if (!record) return null;
      db.collections.remove(key);
      db.garbage.put(record.gallery, true);
      return record.gallery;
    });
    if (old !== null) this.#onGarbage();
    return old;
  }
}
