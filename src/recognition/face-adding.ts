/** Adding faces. */
import type { Caller } from '../access/caller.ts';
import type { AddedFace } from '../store/faces.ts';
import type { Collection, NewExternalKey } from '../store/records.ts';
import { checkMayIndex } from './face-access.ts';
import type { RecognitionParts } from './parts.ts';
import type { Probe } from './sighting.ts';

/** Why a face that was seen is not added. */
export interface Refusal {
  readonly code: 'LOW_QUALITY' | 'NOT_LIVE';
  /** A sentence. */
  readonly detail: string;
}

/**
 * The least quality that a call asks for: its own or the collection's, whichever is more, so that what a collection asks
 * for holds for every caller.
 */
export function leastQuality(collection: Collection, own = 0): number {
  return Math.max(collection.minQuality ?? 0, own);
}

/** Why a face may not be added; null if it may. @param minQuality 0..100; the probe has a quality where it is not 0. */
export function refusalOf({ quality, liveness }: Probe, minQuality: number): Refusal | null {
  if (liveness && !liveness.isLive) {
    return { code: 'NOT_LIVE', detail: 'The picture shows a picture of a face rather than a live one.' };
  }
  if (minQuality === 0 || (quality && quality.score >= minQuality)) return null;
  const detail = `The face has a quality of ${quality?.score ?? 0}, and ${minQuality} is asked for.`;
  return { code: 'LOW_QUALITY', detail };
}

/**
 * Adds a face on disk and in the index.
 * @param key its external key, set in the same transaction; null for none.
 * @throws VisageError `COLLECTION_NOT_FOUND`, `EXTERNAL_KEY_CONFLICT`, `FACE_NOT_ALLOWED`, `NOT_READY`,
 * `STORAGE_READ_ONLY`.
 */
export async function addFace(
  { store, indexes, now }: RecognitionParts,
  caller: Caller,
  collectionId: string,
  { recognizer, face, template, quality }: Probe,
  key: NewExternalKey | null = null,
): Promise<AddedFace> {
  checkMayIndex(caller);
  const record = {
    box: face.boundingBox,
    confidence: face.confidence,
    createdAt: now(),
    ...(quality ? { quality } : {}),
    ...recognizer.packId,
  };
  const added = await store.faces.add(caller, collectionId, record, template, key);
  // Unless a reset or a delete came meanwhile: their galleries have no index any more and must not get one.
  if (store.collections.get(caller, collectionId)?.gallery === added.gallery) {
    await indexes.add(added.gallery, added.label, template);
  }
  return added;
}
