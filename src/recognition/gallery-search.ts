import type { Caller } from '../access/caller.ts';
import type { Collection, FaceRecord } from '../store/records.ts';
import { searchableCollection } from './collection-access.ts';
import { checkModel, maySee } from './face-access.ts';
import type { RecognitionParts } from './parts.ts';

/** A face of the gallery and its likeness to a probe. */
export interface Match {
  readonly face: FaceRecord;
  /** 0..100. */
  readonly similarity: number;
}

/** Searches in collections, as a caller may see them. */
export class GallerySearch {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /**
   * The collection, if its templates can be compared with what the caller's pictures come to.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `MODEL_NOT_ALLOWED`, `NOT_READY`.
   */
  open(caller: Caller, collectionId: string): Collection {
    const { store, recognizer } = this.#parts;
    checkModel(caller, recognizer.packId.pack);
    return searchableCollection(store, caller, collectionId, recognizer.packId);
  }

  /** The most similar face of the store, null where none reaches the threshold. @throws VisageError as `open`. */
  async nearest(
    caller: Caller,
    collectionId: string,
    template: Float32Array,
    threshold: number,
  ): Promise<Match | null> {
    const { store, indexes, recognizer } = this.#parts;
    for (let k = 1; ; k *= 8) {
      const { gallery } = this.open(caller, collectionId);
      // Who may see some faces only is searched for among them, whatever else is more similar.
      const allowed = caller.allowedExternalKeys;
      const allow = allowed && store.externalKeys.labels(gallery, allowed);
      const neighbours = await indexes.search(gallery, template, k, allow);
      // A reset meanwhile: these neighbours are no longer in the collection.
      if (this.open(caller, collectionId).gallery !== gallery) continue;
      for (const { label, score } of neighbours) {
        const similarity = recognizer.similarity.toSimilarity(score);
        if (similarity < threshold) return null;
        const face = store.faces.get({ gallery, label });
        // Not where it was deleted, or got another external key, meanwhile: then the next one counts.
        if (face && maySee(caller, face)) return { face, similarity };
      }
      if (neighbours.length < k) return null;
    }
  }
}
