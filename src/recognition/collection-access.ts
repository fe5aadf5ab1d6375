import type { Caller } from '../api/caller.ts';
import { VisageError } from '../errors.ts';
import type { Collection, FaceRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { checkMayUse } from './model-choice.ts';

/** @throws `COLLECTION_NOT_ALLOWED`, `COLLECTION_NOT_FOUND`, `MODEL_NOT_ALLOWED`. */
export function checkAllowed(store: Store, caller: Caller, collectionId: string): void {
  const collection = store.collections.get(caller, collectionId);
  if (caller.collectionId !== null && caller.collectionId !== collectionId) {
    if (!collection) throw notFound();
    throw new VisageError('COLLECTION_NOT_ALLOWED', 'This API key is bound to another collection.');
  }
  if (collection) checkMayUse(caller, collection.pack);
}

/** @throws `FACE_NOT_ALLOWED` for a caller restricted to some faces. */
export function checkMayManage({ allowedExternalKeys }: Caller): void {
  if (allowedExternalKeys === null) return;
  throw new VisageError(
    'FACE_NOT_ALLOWED',
    'This API key is limited to some faces and may not create, change, empty or delete a collection.',
  );
}

/** @throws `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `MODEL_NOT_ALLOWED`. */
export function collectionOf(store: Store, caller: Caller, collectionId: string): Collection {
  checkAllowed(store, caller, collectionId);
  const collection = store.collections.get(caller, collectionId);
  if (!collection) throw notFound();
  return collection;
}

function notFound(): VisageError {
  return new VisageError('COLLECTION_NOT_FOUND', 'There is no collection of this id.');
}

/** @throws `FACE_NOT_ALLOWED` for a caller restricted to existing faces. */
export function checkMayIndex({ allowedExternalKeys }: Caller): void {
  if (allowedExternalKeys === null) return;
  throw new VisageError('FACE_NOT_ALLOWED', 'This API key is limited to some faces and may not add faces.');
}

export async function visibleFaceCount(
  store: Store,
  { allowedExternalKeys }: Caller,
  gallery: number,
): Promise<number> {
  if (allowedExternalKeys === null) return store.faces.counts(gallery).faces;
  return store.externalKeys.count(gallery, allowedExternalKeys);
}

export function maySee({ allowedExternalKeys }: Caller, { externalKey }: FaceRecord): boolean {
  return allowedExternalKeys === null || (externalKey !== null && allowedExternalKeys.includes(externalKey));
}
