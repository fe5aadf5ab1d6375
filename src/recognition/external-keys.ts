import type { Caller } from '../access/caller.ts';
import { decodeCursor, encodeCursor } from '../http/paging.ts';
import { checkAllowed, collectionOf } from './collection-access.ts';
import type { RecognitionParts } from './parts.ts';

const LABEL = /^[1-9][0-9]{0,15}$/;

/** External keys, as callers see them. Every call throws `COLLECTION_NOT_FOUND` and `COLLECTION_NOT_ALLOWED`. */
export class ExternalKeyService {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /** @throws VisageError `FACE_NOT_FOUND`, `EXTERNAL_KEY_CONFLICT`. */
  async set(
    caller: Caller,
    collectionId: string,
    request: { faceId: string; externalKey: string; allowDuplicates: boolean },
  ): Promise<'Created' | 'Updated'> {
    checkAllowed(this.#parts.store, caller, collectionId);
    return this.#parts.store.externalKeys.set(caller, collectionId, request);
  }

  /** Ids of the faces with a key, oldest first, at most `limit`. @throws VisageError `VALIDATION_FAILED`. */
  faceIds(
    caller: Caller,
    collectionId: string,
    externalKey: string,
    cursor: string | undefined,
    limit: number,
  ): { readonly faceIds: readonly string[]; readonly nextCursor: string | null } {
    const { store } = this.#parts;
    checkAllowed(store, caller, collectionId);
    const after = Number(decodeCursor(cursor, LABEL) ?? 0);
    // What the caller may not see is not there.
    if (caller.allowedExternalKeys?.includes(externalKey) === false) {
      collectionOf(store, caller, collectionId);
      return { faceIds: [], nextCursor: null };
    }
    const found = store.externalKeys.faces(caller, collectionId, externalKey, after, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      faceIds: page.map(({ faceId }) => faceId),
      nextCursor: found.length > limit && last ? encodeCursor(String(last.label)) : null,
    };
  }

  /** Takes the key from every face that has it, or from one face only (`faceId` not null) if that one has it. */
  async delete(
    caller: Caller,
    collectionId: string,
    externalKey: string,
    faceId: string | null,
  ): Promise<void> {
    checkAllowed(this.#parts.store, caller, collectionId);
    await this.#parts.store.externalKeys.remove(caller, collectionId, externalKey, faceId);
  }
}
