import type { Caller } from '../api/caller.ts';
import type { AddedFace } from '../store/faces.ts';
import type { Collection, NewExternalKey } from '../store/records.ts';
import { checkMayIndex } from './collection-access.ts';
import type { Probe } from './face-analysis.ts';
import type { RecognitionParts } from './requests.ts';

export interface Refusal {
  readonly code: 'LOW_QUALITY' | 'NOT_LIVE' | 'UNCERTAIN_FACE';
  readonly detail: string;
}

export function requiredQuality(collection: Collection, own = 0): number {
  return Math.max(collection.minQuality ?? 0, own);
}

/**
 * Null if acceptable.
 * @param minQuality 0..100; above 0, requires a quality.
 */
export function refusalOf({ quality, liveness, doubts }: Probe, minQuality: number): Refusal | null {
  if (liveness && !liveness.isLive) {
    return { code: 'NOT_LIVE', detail: 'The image shows a print or a screen instead of a live face.' };
  }
  if (doubts.isUncertain) {
    return { code: 'UNCERTAIN_FACE', detail: 'This may be no face, or something covers it.' };
  }
  if (minQuality === 0 || (quality && quality.score >= minQuality)) return null;
  const detail = `Face quality is ${quality?.score ?? 0}; this call requires at least ${minQuality}.`;
  return { code: 'LOW_QUALITY', detail };
}

/**
 * @param key external key for the same transaction.
 * @throws `COLLECTION_NOT_FOUND`, `EXTERNAL_KEY_CONFLICT`, `FACE_NOT_ALLOWED`, `NOT_READY`,
 * `STORAGE_READ_ONLY`.
 */
export async function addFace(
  { store, indexes, recognizers, now }: RecognitionParts,
  caller: Caller,
  collectionId: string,
  { recognizer, face, row, quality, doubts, crop, second }: Probe,
  key: NewExternalKey | null = null,
): Promise<AddedFace> {
  checkMayIndex(caller);
  const record = {
    box: face.boundingBox,
    confidence: face.confidence,
    createdAt: now(),
    ...(quality ? { quality } : {}),
    isDoubtful: doubts.isDoubtful,
    thumbnail: crop,
    ...recognizer.packId,
  };
  const others = second ? [{ ...second.recognizer.packId, row: second.row }] : [];
  const added = await store.faces.add(caller, collectionId, record, row, key, others);
  // A reset or delete may have dropped the index: do not recreate it.
  if (store.collections.get(caller, collectionId)?.gallery !== added.gallery) return added;
  for (const { gallery, row, ...packId } of added.rows) {
    const made = recognizers.of(packId);
    if (!made || !store.faces.hasRows(added.gallery, gallery)) continue;
    await indexes.add(gallery, added.label, row, made.space);
  }
  return added;
}
