import type { Caller } from '../api/caller.ts';
import { etagOf, type Precondition } from '../api/etag.ts';
import { decodeCursor, encodeCursor } from '../api/paging.ts';
import { inTurns } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { CollectionChange } from '../store/collections.ts';
import type { Collection, PackId } from '../store/records.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { checkAllowed, checkMayManage, collectionOf, visibleFaceCount } from './collection-access.ts';
import { thresholdFor } from './match-criterion.ts';
import { chooseModel, mayUse } from './model-choice.ts';
import type { RecognitionParts } from './requests.ts';

const PAGE = 128;

const COLLECTION_ID = /^[A-Za-z0-9_.-]{1,255}$/;

export interface NewCollection extends CollectionChange {
  readonly description: string | null;
  /** Default: the first pack that the caller may use. */
  readonly model?: string | undefined;
}

/** Counts faces that the caller may see. */
export type CountedCollection = Collection & { readonly faceCount: number };

export class CollectionService {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /** @throws as `collectionOf`. */
  async get(
    caller: Caller,
    collectionId: string,
  ): Promise<{ readonly collection: CountedCollection; readonly etag: string }> {
    const found = collectionOf(this.#parts.store, caller, collectionId);
    const { collectionId: _, ...record } = found;
    return { collection: await this.#counted(caller, found), etag: etagOf(record) };
  }

  async #counted(caller: Caller, collection: Collection): Promise<CountedCollection> {
    return {
      ...collection,
      faceCount: await visibleFaceCount(this.#parts.store, caller, collection.gallery),
    };
  }

  /**
   * Sorted by id.
   * @throws `VALIDATION_FAILED` for an invalid cursor.
   */
  async list(
    caller: Caller,
    cursor: string | undefined,
    limit: number,
  ): Promise<{ readonly collections: readonly CountedCollection[]; readonly nextCursor: string | null }> {
    const after = decodeCursor(cursor, COLLECTION_ID);
    const collections: CountedCollection[] = [];
    for await (const collection of inTurns(this.#behind(caller, after))) {
      if (!mayUse(caller, collection.pack)) continue;
      const last = collections.at(-1);
      if (collections.length === limit && last) {
        return { collections, nextCursor: encodeCursor(last.collectionId) };
      }
      collections.push(await this.#counted(caller, collection));
    }
    return { collections, nextCursor: null };
  }

  *#behind(caller: Caller, after: string | null): Generator<Collection> {
    const { store } = this.#parts;
    if (caller.collectionId !== null) {
      const own = store.collections.get(caller, caller.collectionId);
      if (own && (after === null || after < own.collectionId)) yield own;
      return;
    }
    for (let last = after; ; ) {
      const page = store.collections.list(caller, last, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      last = page.at(-1)?.collectionId ?? null;
    }
  }

  /**
   * @throws `COLLECTION_ALREADY_EXISTS`, `COLLECTION_NOT_ALLOWED`, `FACE_NOT_ALLOWED`, `VALIDATION_FAILED`;
   * as `chooseModel`.
   */
  async create(caller: Caller, collectionId: string, { model, ...collection }: NewCollection): Promise<void> {
    const { store, recognizers, now } = this.#parts;
    if (caller.collectionId !== null && caller.collectionId !== collectionId) {
      throw new VisageError('COLLECTION_NOT_ALLOWED', 'This API key is bound to another collection.');
    }
    checkMayManage(caller);
    this.#checkCropDays(collection);
    const recognizer = chooseModel(recognizers, caller, model);
    const { packId } = recognizer;
    checkRates(collection, 0, recognizer);
    await store.collections.create(caller, { collectionId, ...collection, now: now(), ...packId });
  }

  #checkCropDays({ eventCropDays }: CollectionChange): void {
    const most = this.#parts.events.cropDays;
    if (eventCropDays == null || eventCropDays <= most) return;
    const message = `expected at most ${most}, the setting event_crop_days of the appliance, got ${eventCropDays}`;
    throw new VisageError('VALIDATION_FAILED', `eventCropDays: ${message}.`, [
      { path: '/eventCropDays', message },
    ]);
  }

  /**
   * @returns the new entity tag, and whether the service now erases crops.
   * @throws as `check` and `collectionOf`; `FACE_NOT_ALLOWED`.
   */
  async update(
    caller: Caller,
    collectionId: string,
    change: CollectionChange,
    check?: Precondition,
  ): Promise<{ readonly etag: string; readonly isErasing: boolean }> {
    const { store, events, recognizers, now } = this.#parts;
    const { gallery, ...pack } = collectionOf(store, caller, collectionId);
    checkMayManage(caller);
    this.#checkCropDays(change);
    const recognizer = recognizers.of(pack);
    if (recognizer) checkRates(change, store.faces.counts(gallery).faces, recognizer);
    const record = await store.collections.update(caller, collectionId, change, now(), check);
    if (change.eventCropDays != null) events.limitsChanged();
    return { etag: etagOf(record), isErasing: store.thumbnails.isErasing(record.gallery) };
  }

  /** @throws as `update`. */
  async reset(caller: Caller, collectionId: string, check?: Precondition): Promise<void> {
    const { store, indexes, recognizers, now } = this.#parts;
    checkAllowed(store, caller, collectionId);
    checkMayManage(caller);
    // An empty collection switches to the loaded version of its pack.
    const rebind = ({ pack }: PackId) => (recognizers.byName(pack) ?? recognizers.default).packId;
    const dropped = await store.collections.reset(caller, collectionId, rebind, now(), check);
    for (const rows of dropped) indexes.drop(rows);
  }

  /** Succeeds without the collection. @throws as `update`. */
  async delete(caller: Caller, collectionId: string, check?: Precondition): Promise<void> {
    const { store, indexes } = this.#parts;
    checkAllowed(store, caller, collectionId);
    checkMayManage(caller);
    const dropped = await store.collections.delete(caller, collectionId, check);
    for (const rows of dropped) indexes.drop(rows);
  }
}

/** Each call would refuse a rate that the collection cannot have. */
function checkRates(change: CollectionChange, faces: number, recognizer: Recognizer): void {
  const { maxFalsePositiveRate, maxFalseMatchRate } = change;
  if (maxFalsePositiveRate != null) thresholdFor({ maxFalsePositiveRate }, faces, recognizer);
  if (maxFalseMatchRate != null) thresholdFor({ maxFalseMatchRate }, faces, recognizer);
}
