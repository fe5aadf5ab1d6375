import type { Caller } from '../api/caller.ts';
import { decodeCursor, encodeCursor } from '../api/paging.ts';
import { inPages } from '../base/turns.ts';
import { checkAllowed, collectionOf } from './collection-access.ts';
import type { RecognitionParts } from './requests.ts';

const LABEL = /^[1-9][0-9]{0,15}$/;

/** All methods throw `COLLECTION_NOT_FOUND` and `COLLECTION_NOT_ALLOWED`. */
export class ExternalKeyService {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /** @throws `FACE_NOT_FOUND`, `EXTERNAL_KEY_CONFLICT`. */
  async set(
    caller: Caller,
    collectionId: string,
    request: { faceId: string; externalKey: string; allowDuplicates: boolean },
  ): Promise<'Created' | 'Updated'> {
    const { store } = this.#parts;
    checkAllowed(store, caller, collectionId);
    const result = await store.externalKeys.set(caller, collectionId, request);
    this.#record(caller, 'setExternalKey', collectionId, request.faceId);
    return result;
  }

  /** Oldest first. @throws `VALIDATION_FAILED`. */
  async faceIds(
    caller: Caller,
    collectionId: string,
    externalKey: string,
    cursor: string | undefined,
    limit: number,
  ): Promise<{ readonly faceIds: readonly string[]; readonly nextCursor: string | null }> {
    const { store } = this.#parts;
    checkAllowed(store, caller, collectionId);
    const after = Number(decodeCursor(cursor, LABEL) ?? 0);
    if (caller.allowedExternalKeys?.includes(externalKey) === false) {
      collectionOf(store, caller, collectionId);
      return { faceIds: [], nextCursor: null };
    }
    const found = await inPages<{ label: number; faceId: string }>(limit + 1, (last, most) =>
      store.externalKeys.faces(caller, collectionId, externalKey, last?.label ?? after, most),
    );
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      faceIds: page.map(({ faceId }) => faceId),
      nextCursor: found.length > limit && last ? encodeCursor(String(last.label)) : null,
    };
  }

  /** @param faceId null: all faces of the key. */
  async delete(
    caller: Caller,
    collectionId: string,
    externalKey: string,
    faceId: string | null,
  ): Promise<void> {
    checkAllowed(this.#parts.store, caller, collectionId);
    await this.#parts.store.externalKeys.remove(caller, collectionId, externalKey, faceId);
    this.#record(caller, 'deleteExternalKey', collectionId, faceId);
  }

  #record(
    caller: Caller,
    operation: 'setExternalKey' | 'deleteExternalKey',
    collectionId: string,
    faceId: string | null,
  ): void {
    const { store, events } = this.#parts;
    const gallery = store.collections.get(caller, collectionId)?.gallery;
    const face = gallery === undefined || faceId === null ? null : store.faces.byId(gallery, faceId);
    const place = { collectionId, gallery, label: face?.label };
    events.record(caller, { type: 'assign', result: 'assigned', operation, ...place });
  }
}
