import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import type { Collection, FaceRecord } from '../store/records.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { collectionOf } from './collection-access.ts';
import { maySee } from './face-access.ts';
import { modelOf } from './model-choice.ts';
import type { RecognitionParts } from './parts.ts';
import type { Probe } from './sighting.ts';

/** A face of the gallery and its likeness to a probe. */
export interface Match {
  readonly face: FaceRecord;
  /** 0..100. */
  readonly similarity: number;
}

/** A collection and the model pack that its faces were made with. */
export interface OpenCollection {
  readonly collection: Collection;
  readonly recognizer: Recognizer;
}

/** Searches in collections, as a caller may see them. */
export class GallerySearch {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /**
   * A collection that can be searched.
   * @param model the pack that the call names, if any.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, and those of `modelOf`.
   */
  open(caller: Caller, collectionId: string, model?: string): OpenCollection {
    const { store, recognizers } = this.#parts;
    const collection = collectionOf(store, caller, collectionId);
    return { collection, recognizer: modelOf(recognizers, caller, collection, model) };
  }

  /** The most similar face of the store, null where none reaches the threshold. @throws VisageError as `open`. */
  async nearest(
    caller: Caller,
    collectionId: string,
    { recognizer, template }: Probe,
    threshold: number,
  ): Promise<Match | null> {
    const { store, indexes } = this.#parts;
    for (let k = 1; ; k *= 8) {
      const gallery = this.#gallery(caller, collectionId, recognizer);
      // Who may see some faces only is searched for among them, whatever else is more similar.
      const allowed = caller.allowedExternalKeys;
      const allow = allowed && store.externalKeys.labels(gallery, allowed);
      const neighbours = await indexes.search(gallery, template, k, allow);
      // A reset meanwhile: these neighbours are no longer in the collection.
      if (this.#gallery(caller, collectionId, recognizer) !== gallery) continue;
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

  /** The gallery that a collection has now, if it is still one of the pack that made the probe. */
  #gallery(caller: Caller, collectionId: string, made: Recognizer): number {
    const { collection, recognizer } = this.open(caller, collectionId);
    if (recognizer === made) return collection.gallery;
    throw new VisageError('NOT_READY', 'The collection now belongs to another model pack.');
  }
}
