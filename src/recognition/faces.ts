import type { Caller } from '../access/caller.ts';
import type { ImageInput } from '../http/route.ts';
import type { FacePlace } from '../store/records.ts';
import { checkAllowed } from './collection-access.ts';
import { CollectionLocks } from './collection-locks.ts';
import { checkMayIndex } from './face-access.ts';
import { addFace, leastQuality, type Refusal, refusalOf } from './face-adding.ts';
import type { GallerySearch, Match, Target } from './gallery-search.ts';
import type { RecognitionParts } from './parts.ts';
import type { IndexRequest, SearchOrIndexRequest, SearchRequest } from './requests.ts';
import { type Sighting, seeLargest } from './sighting.ts';

export interface IndexAnswer extends Sighting {
  readonly faceId: string | null;
  /** Why a face was seen and not added. */
  readonly refusal?: Refusal;
}

export interface SearchAnswer extends Sighting {
  readonly faceId: string | null;
  readonly externalKey: string | null;
  /** 0..100, null where nobody was found. */
  readonly similarity: number | null;
}

export interface SearchOrIndexAnswer extends SearchAnswer {
  readonly resultSource: 'Search' | 'Index' | 'None';
  readonly refusal?: Refusal;
}

const NOBODY = { faceId: null, externalKey: null, similarity: null } as const;

/** Faces: search, index, search-or-index, delete. */
export class FaceService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;
  readonly #locks = new CollectionLocks();

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /**
   * Looks for the largest face of a picture.
   * @throws VisageError as `GallerySearch.open` and `Recognizer.analyze`.
   */
  async search(caller: Caller, image: ImageInput, request: SearchRequest): Promise<SearchAnswer> {
    const { recognizer } = this.#search.open(caller, request.collectionId, request.model);
    const { sighting, probe } = await seeLargest(recognizer, image, request);
    if (!probe) return { ...sighting, ...NOBODY };
    const { collectionId, faceMatchThreshold } = request;
    const [match] = await this.#search.nearest(caller, collectionId, probe, faceMatchThreshold, 1);
    return { ...sighting, ...(match ? found(match) : NOBODY) };
  }

  /**
   * Adds the largest face of a picture, if it is good enough.
   * @throws VisageError as `search`, and `FACE_NOT_ALLOWED`, `STORAGE_READ_ONLY`.
   */
  async index(caller: Caller, image: ImageInput, request: IndexRequest): Promise<IndexAnswer> {
    const { collectionId, model, minQuality } = request;
    const { collection, recognizer } = this.#search.open(caller, collectionId, model);
    checkMayIndex(caller);
    const { sighting, probe } = await seeLargest(recognizer, image, request, { quality: true });
    if (!probe) return { ...sighting, faceId: null };
    const refusal = refusalOf(probe, leastQuality(collection, minQuality));
    if (refusal) return { ...sighting, faceId: null, refusal };
    const { faceId } = await addFace(this.#parts, caller, collectionId, probe);
    return { ...sighting, faceId };
  }

  /**
   * Looks for the largest face of a picture and adds it if nobody is found: of any number of parallel calls with the
   * same person one adds a face. @throws VisageError as `index`.
   */
  async searchOrIndex(
    caller: Caller,
    image: ImageInput,
    request: SearchOrIndexRequest,
  ): Promise<SearchOrIndexAnswer> {
    const { collectionId, model, minQuality, faceMatchThreshold } = request;
    const { collection, recognizer } = this.#search.open(caller, collectionId, model);
    const { sighting, probe } = await seeLargest(recognizer, image, request, { quality: true });
    if (!probe) return { ...sighting, ...NOBODY, resultSource: 'None' };
    const search = async (): Promise<SearchOrIndexAnswer | null> => {
      const [match] = await this.#search.nearest(caller, collectionId, probe, faceMatchThreshold, 1);
      return match ? { ...sighting, ...found(match), resultSource: 'Search' } : null;
    };
    const add = async (): Promise<SearchOrIndexAnswer> => {
      const { faceId } = await addFace(this.#parts, caller, collectionId, probe);
      return { ...sighting, ...NOBODY, faceId, resultSource: 'Index' };
    };
    // Most calls find somebody, and they need not wait for those who write.
    const known = await search();
    if (known) return known;
    checkMayIndex(caller);
    const refusal = refusalOf(probe, leastQuality(collection, minQuality));
    if (refusal) return { ...sighting, ...NOBODY, resultSource: 'None', refusal };
    return this.#locks.run(caller, collectionId, async () => (await search()) ?? add());
  }

  /**
   * Removes one face, or every face with an external key.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `FACE_NOT_FOUND`.
   */
  async delete(caller: Caller, collectionId: string, which: Target): Promise<void> {
    const { store, indexes } = this.#parts;
    checkAllowed(store, caller, collectionId);
    const removed: FacePlace[] =
      'faceId' in which
        ? await store.faces.removeById(caller, collectionId, which.faceId)
        : await store.faces.removeByExternalKey(caller, collectionId, which.externalKey);
    const gallery = removed[0]?.gallery;
    if (gallery === undefined) return;
    await indexes.remove(
      gallery,
      removed.map(({ label }) => label),
    );
  }
}

function found({ face, similarity }: Match) {
  return { faceId: face.faceId, externalKey: face.externalKey, similarity };
}
