import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../http/paging.ts';
import type { CollectionChange } from '../store/collections.ts';
import type { Collection, PackId } from '../store/records.ts';
import { checkAllowed, checkMayClear, collectionOf } from './collection-access.ts';
import { chooseModel } from './model-choice.ts';
import type { RecognitionParts } from './parts.ts';

const COLLECTION_ID = /^[A-Za-z0-9_.-]{1,255}$/;

/** What a collection is made with. */
export interface NewCollection extends CollectionChange {
  readonly description: string | null;
  /** The model pack; without it the first one that the caller may use. */
  readonly model?: string | undefined;
}

/** Collections, as callers see them. */
export class CollectionService {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /** @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`. */
  get(caller: Caller, collectionId: string): Collection {
    return collectionOf(this.#parts.store, caller, collectionId);
  }

  /**
   * The caller's collections by id, at most `limit`.
   * @throws VisageError `VALIDATION_FAILED` for a wrong cursor.
   */
  list(
    caller: Caller,
    cursor: string | undefined,
    limit: number,
  ): { readonly collections: readonly Collection[]; readonly nextCursor: string | null } {
    const after = decodeCursor(cursor, COLLECTION_ID);
    const found =
      caller.collectionId === null
        ? this.#parts.store.collections.list(caller, after, limit + 1)
        : this.#own(caller, caller.collectionId, after);
    const collections = found.slice(0, limit);
    const last = collections.at(-1);
    return { collections, nextCursor: found.length > limit && last ? encodeCursor(last.collectionId) : null };
  }

  #own(caller: Caller, collectionId: string, after: string | null): Collection[] {
    const collection = this.#parts.store.collections.get(caller, collectionId);
    return collection && (after === null || after < collectionId) ? [collection] : [];
  }

  /**
   * @throws VisageError `COLLECTION_ALREADY_EXISTS`; `COLLECTION_NOT_ALLOWED` if the caller is bound to another id;
   * those of `chooseModel`.
   */
  async create(caller: Caller, collectionId: string, { model, ...collection }: NewCollection): Promise<void> {
    const { store, recognizers, now } = this.#parts;
    if (caller.collectionId !== null && caller.collectionId !== collectionId) {
      throw new VisageError('COLLECTION_NOT_ALLOWED', 'This API key is bound to another collection.');
    }
    const { packId } = chooseModel(recognizers, caller, model);
    await store.collections.create(caller, { collectionId, ...collection, now: now(), ...packId });
  }

  /**
   * Changes what is not undefined.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`.
   */
  async update(caller: Caller, collectionId: string, change: CollectionChange): Promise<void> {
    const { store, now } = this.#parts;
    checkAllowed(store, caller, collectionId);
    await store.collections.update(caller, collectionId, change, now());
  }

  /** Removes every face. @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `FACE_NOT_ALLOWED`. */
  async reset(caller: Caller, collectionId: string): Promise<void> {
    const { store, indexes, recognizers, now } = this.#parts;
    checkMayClear(store, caller, collectionId);
    // Empty, it goes on with the version of its pack that is loaded now.
    const rebind = ({ pack }: PackId) => (recognizers.byName(pack) ?? recognizers.default).packId;
    indexes.drop(await store.collections.reset(caller, collectionId, rebind, now()));
  }

  /** Removes a collection with its faces, if it is there. @throws VisageError as `checkMayClear`. */
  async delete(caller: Caller, collectionId: string): Promise<void> {
    const { store, indexes } = this.#parts;
    checkMayClear(store, caller, collectionId);
    const gallery = await store.collections.delete(caller, collectionId);
    if (gallery !== null) indexes.drop(gallery);
  }
}
