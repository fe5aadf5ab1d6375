import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import type { Collection, FaceRecord } from '../store/records.ts';
import type { Neighbour } from '../vector/galleries.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { fusedScore, mostFused } from '../vision/template-fusion.ts';
import { collectionOf } from './collection-access.ts';
import { maySee } from './face-access.ts';
import { modelOf } from './model-choice.ts';
import type { RecognitionParts } from './parts.ts';
import type { Probe } from './sighting.ts';

/** A face of the gallery and its likeness to a probe. */
export interface Match {
  /** Of the faces of one external key the one that is most like the probe. */
  readonly face: FaceRecord;
  /** 0..100, of everything that the face's external key has. */
  readonly similarity: number;
}

/** A collection and the model pack that its faces were made with. */
export interface OpenCollection {
  readonly collection: Collection;
  readonly recognizer: Recognizer;
}

/** Which stored faces a probe is compared with. */
export type Target = { readonly faceId: string } | { readonly externalKey: string };

/** Nearest faces that are looked at, at least: a key's faces together may be more like the probe than any of them. */
const CANDIDATES = 16;
/** Keys with more faces than these count by the best of them. */
const MAX_FUSED = 32;
/** Two pictures of a person are, on average, at least as similar. */
const ONE_PERSON = 70;

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

  /**
   * The most similar people of the collection, best first, each external key once. Faces without one are each a person.
   * @param threshold least similarity. @param limit people at most.
   * @throws VisageError as `open`.
   */
  async nearest(
    caller: Caller,
    collectionId: string,
    probe: Probe,
    threshold: number,
    limit: number,
  ): Promise<Match[]> {
    const { store, indexes } = this.#parts;
    const { recognizer, template } = probe;
    for (let k = Math.max(CANDIDATES, limit); ; k *= 8) {
      const gallery = this.#gallery(caller, collectionId, recognizer);
      // Who may see some faces only is searched for among them, whatever else is more similar.
      const allowed = caller.allowedExternalKeys;
      const allow = allowed && store.externalKeys.labels(gallery, allowed);
      const neighbours = await indexes.search(gallery, template, k, allow);
      // A reset meanwhile: these neighbours are no longer in the collection.
      if (this.#gallery(caller, collectionId, recognizer) !== gallery) continue;
      const { matches, isComplete } = this.#rank(caller, gallery, probe, neighbours, threshold, limit);
      // Beyond them only faces that reach the threshold by themselves are worth a longer search.
      const last = neighbours[k - 1];
      if (isComplete || !last || recognizer.similarity.toSimilarity(last.score) < threshold) return matches;
    }
  }

  /**
   * Makes people of the nearest faces.
   * @param neighbours best first.
   * @returns the best people, and whether faces that are farther away can change nothing.
   */
  #rank(
    caller: Caller,
    gallery: number,
    probe: Probe,
    neighbours: readonly Neighbour[],
    threshold: number,
    limit: number,
  ): { readonly matches: Match[]; readonly isComplete: boolean } {
    const { similarity: scale } = probe.recognizer;
    const onePerson = scale.toScore(ONE_PERSON);
    const matches: Match[] = [];
    const seen = new Set<string>();
    for (const { label, score } of neighbours) {
      const least = matches[limit - 1]?.similarity ?? threshold;
      if (scale.toSimilarity(mostFused(score, onePerson)) < least) return { matches, isComplete: true };
      const face = this.#parts.store.faces.get({ gallery, label });
      // Not where it was deleted, or got another external key, meanwhile: then the next one counts.
      if (!face || !maySee(caller, face)) continue;
      const { externalKey } = face;
      if (externalKey !== null && seen.has(externalKey)) continue;
      if (externalKey !== null) seen.add(externalKey);
      const similarity = scale.toSimilarity(this.#fused(gallery, face, score, probe, onePerson));
      if (similarity < least) continue;
      const place = matches.findIndex((match) => match.similarity < similarity);
      matches.splice(place < 0 ? matches.length : place, 0, { face, similarity });
      matches.splice(limit);
    }
    return { matches, isComplete: matches.length >= limit };
  }

  /**
   * Compares a probe with one face, or with all faces of an external key.
   * @throws VisageError as `open`, and `FACE_NOT_FOUND`, also where the caller may not see the face.
   */
  async compare(caller: Caller, collectionId: string, probe: Probe, target: Target): Promise<Match> {
    const { store, indexes } = this.#parts;
    const { recognizer, template } = probe;
    const gallery = this.#gallery(caller, collectionId, recognizer);
    const labels = this.labelsOf(caller, gallery, target);
    const [nearest] = await indexes.search(gallery, template, 1, labels);
    const face = nearest && store.faces.get({ gallery, label: nearest.label });
    // Gone, or another's, meanwhile.
    if (!face || !maySee(caller, face)) throw notFound(target);
    const score =
      'faceId' in target
        ? nearest.score
        : this.#fused(gallery, face, nearest.score, probe, recognizer.similarity.toScore(ONE_PERSON));
    return { face, similarity: recognizer.similarity.toSimilarity(score) };
  }

  /** Labels of the faces that are meant. @throws VisageError `FACE_NOT_FOUND`. */
  labelsOf(caller: Caller, gallery: number, target: Target): number[] {
    const { faces, externalKeys } = this.#parts.store;
    if ('faceId' in target) {
      const found = faces.byId(gallery, target.faceId);
      if (found && maySee(caller, found.face)) return [found.label];
      throw notFound(target);
    }
    const { externalKey } = target;
    const isHidden = caller.allowedExternalKeys?.includes(externalKey) === false;
    const labels = isHidden ? [] : externalKeys.labels(gallery, [externalKey]);
    if (labels.length > 0) return labels;
    throw notFound(target);
  }

  /** The score of all faces of a face's external key; its own where it has none. */
  #fused(
    gallery: number,
    { externalKey }: FaceRecord,
    best: number,
    { template }: Probe,
    onePerson: number,
  ): number {
    if (externalKey === null) return best;
    const { externalKeys, faces } = this.#parts.store;
    const labels = externalKeys.labels(gallery, [externalKey], MAX_FUSED + 1);
    if (labels.length < 2 || labels.length > MAX_FUSED) return best;
    const templates = labels.flatMap((label) => faces.template({ gallery, label }) ?? []);
    if (templates.length < 2) return best;
    return fusedScore(template, templates, onePerson);
  }

  /** The gallery that a collection has now, if it is still one of the pack that made the probe. */
  #gallery(caller: Caller, collectionId: string, made: Recognizer): number {
    const { collection, recognizer } = this.open(caller, collectionId);
    if (recognizer === made) return collection.gallery;
    throw new VisageError('NOT_READY', 'The collection now belongs to another model pack.');
  }
}

function notFound(target: Target): VisageError {
  const which = 'faceId' in target ? 'of this id' : 'with this external key';
  return new VisageError('FACE_NOT_FOUND', `The collection has no face ${which}.`);
}
