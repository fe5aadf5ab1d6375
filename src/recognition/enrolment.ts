import type { Caller } from '../api/caller.ts';
import type { ImageInput, ImageSource } from '../api/route.ts';
import { VisageError } from '../errors.ts';
import type { LivenessVerdict } from '../vision/liveness.ts';
import { type CallEvent, recorded } from './call-event.ts';
import { checkMayIndex } from './collection-access.ts';
import { addFace, refusalOf, requiredQuality } from './face-adding.ts';
import { analyzeLargestFace, type FaceAnalysis, type Probe } from './face-analysis.ts';
import type { IndexAnswer } from './faces.ts';
import type { GallerySearch, OpenCollection } from './gallery-search.ts';
import type { EnrollConditions, EnrollRequest, RecognitionParts } from './requests.ts';

interface EnrollAnswer extends IndexAnswer {
  readonly externalKey: string | null;
  /** `Created` for an external key's first face, `Updated` for later ones; null without a new face. */
  readonly result: 'Created' | 'Updated' | null;
  readonly liveness?: LivenessVerdict;
}

interface EnrollEntry {
  readonly externalKey: string;
  readonly image: ImageSource;
}

interface Analyzed {
  readonly faceAnalysis: FaceAnalysis;
  readonly probe: Probe | null;
}

const PARALLEL = 4;

export class EnrolmentService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /** In one transaction. @throws as `FaceService.index`, and `EXTERNAL_KEY_CONFLICT`. */
  async enroll(caller: Caller, image: ImageInput, request: EnrollRequest): Promise<EnrollAnswer> {
    const opened = this.#open(caller, request);
    return recorded(this.#parts, caller, factsOf(opened, request, 'enrollFace'), async (event) => {
      checkMayIndex(caller);
      return this.#add(caller, opened, await this.#analyze(caller, opened, image, request), request, event);
    });
  }

  /**
   * Images succeed or fail independently. If two share an external key, the first gets it.
   * @throws as `GallerySearch.open`, and `FACE_NOT_ALLOWED`.
   */
  async enrollAll(
    caller: Caller,
    entries: readonly EnrollEntry[],
    conditions: EnrollConditions,
  ): Promise<(EnrollAnswer | VisageError)[]> {
    const opened = this.#open(caller, conditions);
    checkMayIndex(caller);
    const results: (EnrollAnswer | VisageError)[] = [];
    for (let first = 0; first < entries.length; first += PARALLEL) {
      const some = entries.slice(first, first + PARALLEL);
      const seen = await Promise.all(
        some.map(({ image }) => settle(async () => this.#analyze(caller, opened, await image(), conditions))),
      );
      // The store writes in this order and flushes once.
      const added = some.map(({ externalKey }, i) => {
        const each = seen[i] as Analyzed | VisageError;
        const request = { ...conditions, externalKey };
        const facts = factsOf(opened, request, 'enrollFaces');
        return settle(() =>
          recorded(this.#parts, caller, facts, async (event) => {
            if (each instanceof VisageError) throw each;
            return this.#add(caller, opened, each, request, event);
          }),
        );
      });
      results.push(...(await Promise.all(added)));
    }
    return results;
  }

  #open(caller: Caller, { collectionId, model }: EnrollConditions): OpenCollection {
    return this.#search.open(caller, collectionId, model);
  }

  #analyze(
    caller: Caller,
    { collection, recognizer, second }: OpenCollection,
    image: ImageInput,
    conditions: EnrollConditions,
  ): Promise<Analyzed> {
    return analyzeLargestFace(caller, recognizer, image, conditions, {
      quality: true,
      liveness: conditions.checkLiveness,
      crop: collection.storeThumbnails === true,
      second,
    });
  }

  async #add(
    caller: Caller,
    { collection }: OpenCollection,
    { faceAnalysis, probe }: Analyzed,
    { collectionId, externalKey, allowDuplicates, minQuality }: EnrollRequest,
    event: CallEvent,
  ): Promise<EnrollAnswer> {
    const nothing = { faceId: null, externalKey: null, result: null } as const;
    if (!probe) {
      event.end({ result: 'no_face' });
      return { ...faceAnalysis, ...nothing };
    }
    event.see(probe);
    const seen = { ...faceAnalysis, ...(probe.liveness ? { liveness: probe.liveness } : {}) };
    const refusal = refusalOf(probe, requiredQuality(collection, minQuality));
    if (refusal) {
      event.end({ result: 'refused', refusal: refusal.code });
      return { ...seen, ...nothing, refusal };
    }
    const key = { externalKey, allowDuplicates };
    const { faceId, label, isNewKey } = await addFace(this.#parts, caller, collectionId, probe, key);
    event.end({ result: 'added', label, externalKey: null });
    return { ...seen, faceId, externalKey, result: isNewKey ? 'Created' : 'Updated' };
  }
}

function factsOf(
  { collection }: OpenCollection,
  { externalKey, source }: EnrollRequest,
  operation: 'enrollFace' | 'enrollFaces',
) {
  return { type: 'enroll', operation, collection, externalKey, source } as const;
}

async function settle<T>(work: () => Promise<T>): Promise<T | VisageError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof VisageError) return error;
    throw error;
  }
}
