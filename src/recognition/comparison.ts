import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import type { ImageInput } from '../http/route.ts';
import { innerProduct } from '../vision/impostors.ts';
import type { GallerySearch, Target } from './gallery-search.ts';
import { chooseModel } from './model-choice.ts';
import type { RecognitionParts } from './parts.ts';
import type { CollectionRequest, PictureRequest, SearchRequest } from './requests.ts';
import { type Sighting, seeLargest, type VisibleFace } from './sighting.ts';
import { storedFace } from './stored-face.ts';

export interface VerifyAnswer {
  readonly isMatch: boolean;
  /** 0..100; null where one of the two has no face. */
  readonly similarity: number | null;
  readonly faceMatchThreshold: number;
  readonly face: VisibleFace | null;
  readonly targetFace: VisibleFace | null;
  /** Whether `face` is there. */
  readonly hasFace: boolean;
}

export interface IdentifyAnswer extends Sighting {
  readonly matches: readonly {
    readonly faceId: string;
    readonly externalKey: string | null;
    readonly similarity: number;
    /** 1 for the best. */
    readonly rank: number;
  }[];
}

export interface VerifyRequest extends PictureRequest {
  readonly collectionId?: string;
  readonly faceMatchThreshold: number;
}

export interface IdentifyRequest extends SearchRequest {
  readonly maxResults: number;
}

/** Faces held against each other: one to one, and one to many. */
export class ComparisonService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /**
   * Compares the largest faces of two pictures. No collection is needed; where one is given, its model pack is used.
   * @throws VisageError as `chooseModel`, `GallerySearch.open` and `Recognizer.analyze`; what is wrong with the target names it.
   */
  async verifyPictures(
    caller: Caller,
    image: ImageInput,
    target: ImageInput,
    request: VerifyRequest,
  ): Promise<VerifyAnswer> {
    const { collectionId, faceMatchThreshold, model } = request;
    const recognizer =
      collectionId === undefined
        ? chooseModel(this.#parts.recognizers, caller, model)
        : this.#search.open(caller, collectionId, model).recognizer;
    const [own, other] = await Promise.all([
      seeLargest(recognizer, image, request),
      seeLargest(recognizer, target, request).catch((error) => Promise.reject(ofTarget(error))),
    ]);
    const similarity =
      own.probe && other.probe
        ? recognizer.similarity.toSimilarity(innerProduct(own.probe.template, other.probe.template))
        : null;
    return verdict(own.sighting.face, other.sighting.face, similarity, faceMatchThreshold);
  }

  /**
   * Compares the largest face of a picture with a face of a collection, or with all that have an external key.
   * @throws VisageError as `GallerySearch.compare` and `Recognizer.analyze`.
   */
  async verifyStored(
    caller: Caller,
    image: ImageInput,
    target: Target,
    request: VerifyRequest & CollectionRequest,
  ): Promise<VerifyAnswer> {
    const { collectionId, faceMatchThreshold, model, attributes } = request;
    const { collection, recognizer } = this.#search.open(caller, collectionId, model);
    // A face that is not there need not cost the work on a picture.
    const [label] = this.#search.labelsOf(caller, collection.gallery, target);
    const { probe } = await seeLargest(recognizer, image, request);
    if (probe) {
      const { face, similarity } = await this.#search.compare(caller, collectionId, probe, target);
      return verdict(probe.face, storedFace(face, attributes), similarity, faceMatchThreshold);
    }
    const place = { gallery: collection.gallery, label: label as number };
    const stored = this.#parts.store.faces.get(place);
    return verdict(null, stored && storedFace(stored, attributes), null, faceMatchThreshold);
  }

  /**
   * Looks for the people who are most like the largest face of a picture, each external key once.
   * @throws VisageError as `FaceService.search`.
   */
  async identify(caller: Caller, image: ImageInput, request: IdentifyRequest): Promise<IdentifyAnswer> {
    const { collectionId, faceMatchThreshold, maxResults, model } = request;
    const { recognizer } = this.#search.open(caller, collectionId, model);
    const { sighting, probe } = await seeLargest(recognizer, image, request);
    if (!probe) return { ...sighting, matches: [] };
    const people = await this.#search.nearest(caller, collectionId, probe, faceMatchThreshold, maxResults);
    const matches = people.map(({ face, similarity }, i) => {
      return { faceId: face.faceId, externalKey: face.externalKey, similarity, rank: i + 1 };
    });
    return { ...sighting, matches };
  }
}

function verdict(
  face: VisibleFace | null,
  targetFace: VisibleFace | null,
  similarity: number | null,
  faceMatchThreshold: number,
): VerifyAnswer {
  const isMatch = similarity !== null && similarity >= faceMatchThreshold;
  return { isMatch, similarity, faceMatchThreshold, face, targetFace, hasFace: face !== null };
}

/** The same error, with the picture that it is about. */
function ofTarget(error: unknown): unknown {
  if (!(error instanceof VisageError)) return error;
  return new VisageError(error.code, error.message, [{ path: '/targetImage', message: error.message }]);
}
