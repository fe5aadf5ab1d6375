import type { Caller } from '../access/caller.ts';
import type { ImageInput } from '../http/route.ts';
import type { FacePlace } from '../store/records.ts';
import { checkAllowed } from './collection-access.ts';
import { CollectionLocks } from './collection-locks.ts';
import { addFace } from './enrolment.ts';
import { checkMayIndex } from './face-access.ts';
import { GallerySearch, type Match } from './gallery-search.ts';
import type { RecognitionParts } from './parts.ts';
import { type Sighting, seeLargest } from './sighting.ts';

export interface IndexAnswer extends Sighting {
  readonly faceId: string | null;
}

export interface SearchAnswer extends IndexAnswer {
  readonly externalKey: string | null;
  /** 0..100, null where nobody was found. */
  readonly similarity: number | null;
}

export interface SearchOrIndexAnswer extends SearchAnswer {
  readonly resultSource: 'Search' | 'Index' | 'None';
}

const NOBODY = { faceId: null, externalKey: null, similarity: null } as const;

/** Faces: search, index, search-or-index, delete. */
export class FaceService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;
  readonly #locks = new CollectionLocks();

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
    this.#search = new GallerySearch(parts);
  }

  /**
   * Looks for the largest face of a picture.
   * @param threshold least similarity, 0..100.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `NOT_READY`, and those of `Pipeline.analyze`.
   */
  async search(
    caller: Caller,
    collectionId: string,
    image: ImageInput,
    threshold: number,
  ): Promise<SearchAnswer> {
    const { recognizer } = this.#search.open(caller, collectionId);
    const { sighting, probe } = await seeLargest(recognizer, image);
    const match = probe && (await this.#search.nearest(caller, collectionId, probe, threshold));
    return { ...sighting, ...(match ? found(match) : NOBODY) };
  }

  /** Adds the largest face of a picture. @throws VisageError as `search`, and `STORAGE_READ_ONLY`. */
  async index(caller: Caller, collectionId: string, image: ImageInput): Promise<IndexAnswer> {
    const { recognizer } = this.#search.open(caller, collectionId);
    checkMayIndex(caller);
    const { sighting, probe } = await seeLargest(recognizer, image);
    return { ...sighting, faceId: probe && (await addFace(this.#parts, caller, collectionId, probe)) };
  }

  /**
   * Looks for the largest face of a picture and adds it if nobody is found: of any number of parallel calls with the
   * same person one adds a face. @throws VisageError as `index`.
   */
  async searchOrIndex(
    caller: Caller,
    collectionId: string,
    image: ImageInput,
    threshold: number,
  ): Promise<SearchOrIndexAnswer> {
    const { recognizer } = this.#search.open(caller, collectionId);
    const { sighting, probe } = await seeLargest(recognizer, image);
    if (!probe) return { ...sighting, ...NOBODY, resultSource: 'None' };
    const search = async (): Promise<SearchOrIndexAnswer | null> => {
      const match = await this.#search.nearest(caller, collectionId, probe, threshold);
      return match && { ...sighting, ...found(match), resultSource: 'Search' };
    };
    return (
      // Most calls find somebody, and they need not wait for those who write.
      (await search()) ??
      this.#locks.run(
        caller,
        collectionId,
        async () =>
          (await search()) ?? {
            ...sighting,
            ...NOBODY,
            faceId: await addFace(this.#parts, caller, collectionId, probe),
            resultSource: 'Index',
          },
      )
    );
  }

  /**
   * Removes one face, or every face with an external key.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `FACE_NOT_FOUND`.
   */
  async delete(
    caller: Caller,
    collectionId: string,
    which: { readonly faceId: string } | { readonly externalKey: string },
  ): Promise<void> {
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
