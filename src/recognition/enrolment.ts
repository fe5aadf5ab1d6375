import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import type { ImageInput, ImageSource } from '../http/route.ts';
import type { LivenessVerdict } from '../vision/liveness.ts';
import { checkMayIndex } from './face-access.ts';
import { addFace, leastQuality, refusalOf } from './face-adding.ts';
import type { IndexAnswer } from './faces.ts';
import type { GallerySearch, OpenCollection } from './gallery-search.ts';
import type { RecognitionParts } from './parts.ts';
import type { IndexRequest } from './requests.ts';
import { type Probe, type Sighting, seeLargest } from './sighting.ts';

export interface EnrollAnswer extends IndexAnswer {
  /** Null where nothing was added. */
  readonly externalKey: string | null;
  /** `Created` for the first face of an external key, `Updated` for a further one; null where nothing was added. */
  readonly result: 'Created' | 'Updated' | null;
  /** Where it was asked for, and the picture has a face. */
  readonly liveness?: LivenessVerdict;
}

/** What every picture of a call is enrolled with. */
export interface EnrollConditions extends IndexRequest {
  /** Whether faces may get an external key that others have. */
  readonly allowDuplicates: boolean;
  /** Whether a picture of a picture is refused. */
  readonly checkLiveness: boolean;
}

export interface EnrollRequest extends EnrollConditions {
  readonly externalKey: string;
}

/** One of many pictures. */
export interface EnrollEntry {
  readonly externalKey: string;
  readonly image: ImageSource;
}

/** A picture that was looked at and is not yet added. */
interface Seen {
  readonly sighting: Sighting;
  readonly probe: Probe | null;
}

/** Pictures of one call that are worked on at a time, so that others have their turn. */
const PARALLEL = 4;

/** Faces with their external keys, added in one step. */
export class EnrolmentService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /**
   * Adds the largest face of a picture with its external key: both or neither.
   * @throws VisageError as `FaceService.index`, and `EXTERNAL_KEY_CONFLICT`.
   */
  async enroll(caller: Caller, image: ImageInput, request: EnrollRequest): Promise<EnrollAnswer> {
    const opened = this.#open(caller, request);
    return this.#add(caller, opened, await this.#see(opened, image, request), request);
  }

  /**
   * Enrolls many pictures, each on its own, in their order: of two with one external key the first gets it.
   * @returns for each its answer, or the error that it ended with.
   * @throws VisageError as `GallerySearch.open`, and `FACE_NOT_ALLOWED`.
   */
  async enrollAll(
    caller: Caller,
    entries: readonly EnrollEntry[],
    conditions: EnrollConditions,
  ): Promise<(EnrollAnswer | VisageError)[]> {
    const opened = this.#open(caller, conditions);
    const results: (EnrollAnswer | VisageError)[] = [];
    for (let first = 0; first < entries.length; first += PARALLEL) {
      const some = entries.slice(first, first + PARALLEL);
      const seen = await Promise.all(
        some.map(({ image }) => ownError(async () => this.#see(opened, await image(), conditions))),
      );
      // Begun one after the other: the store writes in that order, and flushes them together.
      const added = some.map(({ externalKey }, i) => {
        const each = seen[i] as Seen | VisageError;
        if (each instanceof VisageError) return each;
        return ownError(() => this.#add(caller, opened, each, { ...conditions, externalKey }));
      });
      results.push(...(await Promise.all(added)));
    }
    return results;
  }

  #open(caller: Caller, { collectionId, model }: EnrollConditions): OpenCollection {
    const opened = this.#search.open(caller, collectionId, model);
    checkMayIndex(caller);
    return opened;
  }

  #see({ recognizer }: OpenCollection, image: ImageInput, conditions: EnrollConditions): Promise<Seen> {
    return seeLargest(recognizer, image, conditions, { quality: true, liveness: conditions.checkLiveness });
  }

  async #add(
    caller: Caller,
    { collection }: OpenCollection,
    { sighting, probe }: Seen,
    { collectionId, externalKey, allowDuplicates, minQuality }: EnrollRequest,
  ): Promise<EnrollAnswer> {
    const nothing = { faceId: null, externalKey: null, result: null } as const;
    if (!probe) return { ...sighting, ...nothing };
    const seen = { ...sighting, ...(probe.liveness ? { liveness: probe.liveness } : {}) };
    const refusal = refusalOf(probe, leastQuality(collection, minQuality));
    if (refusal) return { ...seen, ...nothing, refusal };
    const key = { externalKey, allowDuplicates };
    const { faceId, isNewKey } = await addFace(this.#parts, caller, collectionId, probe, key);
    return { ...seen, faceId, externalKey, result: isNewKey ? 'Created' : 'Updated' };
  }
}

/** What work comes to, or the error that a caller may see. */
async function ownError<T>(work: () => Promise<T>): Promise<T | VisageError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof VisageError) return error;
    throw error;
  }
}
