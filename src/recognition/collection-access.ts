import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import type { Collection } from '../store/records.ts';
import type { Store } from '../store/store.ts';

/**
 * Lets a caller that is bound to one collection use no other.
 * @throws VisageError `COLLECTION_NOT_ALLOWED` if the other one exists in the account, `COLLECTION_NOT_FOUND` if not.
 */
export function checkAllowed(store: Store, caller: Caller, collectionId: string): void {
  if (caller.collectionId === null || caller.collectionId === collectionId) return;
  if (!store.collections.get(caller, collectionId)) throw notFound();
  throw new VisageError('COLLECTION_NOT_ALLOWED', 'This API key is bound to another collection.');
}

/**
 * Lets nobody remove all faces who may not change every one of them.
 * @throws VisageError as `checkAllowed`, and `FACE_NOT_ALLOWED`.
 */
export function checkMayClear(store: Store, caller: Caller, collectionId: string): void {
  checkAllowed(store, caller, collectionId);
  if (caller.allowedExternalKeys === null) return;
  throw new VisageError(
    'FACE_NOT_ALLOWED',
    'This API key is limited to some faces and may not remove all of them.',
  );
}

/** @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`. */
export function collectionOf(store: Store, caller: Caller, collectionId: string): Collection {
  checkAllowed(store, caller, collectionId);
  const collection = store.collections.get(caller, collectionId);
  if (!collection) throw notFound();
  return collection;
}

function notFound(): VisageError {
  return new VisageError('COLLECTION_NOT_FOUND', 'There is no collection of this id.');
}
