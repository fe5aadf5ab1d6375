import type { Caller } from '../access/caller.ts';
import { checkMayIndex } from './face-access.ts';
import type { RecognitionParts } from './parts.ts';
import type { Probe } from './sighting.ts';

/**
 * Adds a face on disk and in the index. @returns its id.
 * @throws VisageError `COLLECTION_NOT_FOUND`, `FACE_NOT_ALLOWED`, `NOT_READY`, `STORAGE_READ_ONLY`.
 */
export async function addFace(
  { store, indexes, now }: RecognitionParts,
  caller: Caller,
  collectionId: string,
  { recognizer, face, template }: Probe,
): Promise<string> {
  checkMayIndex(caller);
  const record = {
    box: face.boundingBox,
    confidence: face.confidence,
    createdAt: now(),
    ...recognizer.packId,
  };
  const { gallery, label, faceId } = await store.faces.add(caller, collectionId, record, template);
  // Unless a reset or a delete came meanwhile: their galleries have no index any more and must not get one.
  if (store.collections.get(caller, collectionId)?.gallery === gallery) {
    await indexes.add(gallery, label, template);
  }
  return faceId;
}
