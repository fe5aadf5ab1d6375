import type { Caller } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import type { FacePlace } from '../store/records.ts';
import { falseMatchRateAt } from '../vision/false-match-rate.ts';
import { type CallEvent, recorded } from './call-event.ts';
import { checkAllowed, checkMayIndex } from './collection-access.ts';
import { addFace, type Refusal, refusalOf, requiredQuality } from './face-adding.ts';
import { analyzeLargestFace, type FaceAnalysis } from './face-analysis.ts';
import type { GallerySearch, Match, Target } from './gallery-search.ts';
import { searchByImage, sightingOf, whileHeld } from './image-search.ts';
import { searchCriterion } from './match-criterion.ts';
import type { IndexRequest, RecognitionParts, SearchOrIndexRequest, SearchRequest } from './requests.ts';

export interface IndexAnswer extends FaceAnalysis {
  readonly faceId: string | null;
  readonly refusal?: Refusal;
}

interface SearchAnswer extends FaceAnalysis {
  readonly faceId: string | null;
  readonly externalKey: string | null;
  /** 0..100; null without a match. */
  readonly similarity: number | null;
  readonly falseMatchRate: number | null;
  readonly faceMatchThreshold: number;
}

interface SearchOrIndexAnswer extends SearchAnswer {
  readonly resultSource: 'Search' | 'Index' | 'None';
  readonly refusal?: Refusal;
}

export type ManyTargets =
  | { readonly faceIds: readonly string[] }
  | { readonly externalKeys: readonly string[] };

interface Deleted {
  readonly count: number;
  readonly found: readonly string[];
}

const NO_MATCH = { faceId: null, externalKey: null, similarity: null, falseMatchRate: null } as const;

/** First come, first served per collection: makes search-then-add atomic. */
class CollectionLocks {
  readonly #last = new Map<string, Promise<void>>();

  async run<T>({ accountId, environment }: Caller, collectionId: string, work: () => Promise<T>): Promise<T> {
    const name = `${accountId}/${environment}/${collectionId}`;
    const before = this.#last.get(name);
    const result = (before ?? Promise.resolve()).then(work);
    const ended = result.then(
      () => {},
      () => {},
    );
    this.#last.set(name, ended);
    try {
      return await result;
    } finally {
      if (this.#last.get(name) === ended) this.#last.delete(name);
    }
  }
}

export class FaceService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;
  readonly #locks = new CollectionLocks();

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /** @throws as `searchByImage`. */
  async search(caller: Caller, image: ImageInput, request: SearchRequest): Promise<SearchAnswer> {
    const call = { type: 'search', operation: 'searchFace', limit: 1 } as const;
    const { faceAnalysis, matches, threshold } = await searchByImage(
      this.#parts,
      this.#search,
      caller,
      image,
      request,
      call,
    );
    const [match] = matches;
    return { ...faceAnalysis, ...(match ? found(match) : NO_MATCH), faceMatchThreshold: threshold };
  }

  /** @throws as `search`, and `FACE_NOT_ALLOWED`, `STORAGE_READ_ONLY`. */
  async index(caller: Caller, image: ImageInput, request: IndexRequest): Promise<IndexAnswer> {
    const { collectionId, model, minQuality, source } = request;
    const { collection, recognizer, second } = this.#search.open(caller, collectionId, model);
    const facts = { type: 'index', operation: 'indexFace', collection, source } as const;
    return recorded(this.#parts, caller, facts, async (event) => {
      checkMayIndex(caller);
      const { faceAnalysis, probe } = await analyzeLargestFace(caller, recognizer, image, request, {
        quality: true,
        crop: collection.storeThumbnails === true,
        second,
      });
      if (!probe) {
        event.end({ result: 'no_face' });
        return { ...faceAnalysis, faceId: null };
      }
      event.see(probe);
      const refusal = refusalOf(probe, requiredQuality(collection, minQuality));
      if (refusal) {
        event.end({ result: 'refused', refusal: refusal.code });
        return { ...faceAnalysis, faceId: null, refusal };
      }
      const { faceId, label } = await addFace(this.#parts, caller, collectionId, probe);
      event.end({ result: 'added', label });
      return { ...faceAnalysis, faceId };
    });
  }

  /**
   * If parallel calls show the same person, only one adds a face.
   * @throws as `index`.
   */
  async searchOrIndex(
    caller: Caller,
    image: ImageInput,
    request: SearchOrIndexRequest,
  ): Promise<SearchOrIndexAnswer> {
    const { collectionId, model, minQuality, source } = request;
    const opened = this.#search.open(caller, collectionId, model);
    const { collection, recognizer, second } = opened;
    const criterion = searchCriterion(collection, request);
    let faceMatchThreshold = await this.#search.threshold(caller, opened, criterion);
    const facts = {
      type: 'search',
      operation: 'searchOrIndexFace',
      collection,
      threshold: faceMatchThreshold,
      source,
    } as const;
    const recordSighting = this.#parts.sightings?.watch(caller, collection, recognizer, second) ?? null;
    const call = (event: CallEvent) =>
      whileHeld(image, recordSighting !== null, (held) => answer(event, held));
    const answer = async (event: CallEvent, held: ImageInput): Promise<SearchOrIndexAnswer> => {
      const { faceAnalysis, probe } = await analyzeLargestFace(caller, recognizer, held, request, {
        quality: true,
        crop: collection.storeThumbnails === true,
        second,
      });
      if (!probe) {
        event.end({ result: 'no_face' });
        return { ...faceAnalysis, ...NO_MATCH, faceMatchThreshold, resultSource: 'None' };
      }
      event.see(probe);
      const search = async (): Promise<SearchOrIndexAnswer | null> => {
        const result = await this.#search.nearest(caller, collectionId, probe, criterion, 1);
        faceMatchThreshold = result.threshold;
        const [match] = result.matches;
        if (!match) return null;
        event.endSearch(result);
        await recordSighting?.(held, sightingOf(probe, match));
        return { ...faceAnalysis, ...found(match), faceMatchThreshold, resultSource: 'Search' };
      };
      const add = async (): Promise<SearchOrIndexAnswer> => {
        const { faceId, label } = await addFace(this.#parts, caller, collectionId, probe);
        event.end({ type: 'index', result: 'added', label, threshold: faceMatchThreshold });
        return { ...faceAnalysis, ...NO_MATCH, faceId, faceMatchThreshold, resultSource: 'Index' };
      };
      // Most calls find a match without the lock.
      const known = await search();
      if (known) return known;
      checkMayIndex(caller);
      const refusal = refusalOf(probe, requiredQuality(collection, minQuality));
      if (refusal) {
        event.end({ type: 'index', result: 'refused', refusal: refusal.code, threshold: faceMatchThreshold });
        return { ...faceAnalysis, ...NO_MATCH, faceMatchThreshold, resultSource: 'None', refusal };
      }
      return this.#locks.run(caller, collectionId, async () => (await search()) ?? add());
    };
    return recorded(this.#parts, caller, facts, call);
  }

  /** @throws `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `FACE_NOT_FOUND`. */
  async delete(caller: Caller, collectionId: string, which: Target): Promise<void> {
    const { store, events } = this.#parts;
    checkAllowed(store, caller, collectionId);
    const event = { type: 'delete', result: 'deleted', operation: 'deleteFace', collectionId } as const;
    if ('faceId' in which) {
      await forget(this.#parts, await store.faces.removeById(caller, collectionId, which.faceId));
      events.record(caller, event);
      return;
    }
    const steps = store.faces.removeByExternalKey(caller, collectionId, which.externalKey);
    for await (const places of steps) await forget(this.#parts, places);
    events.record(caller, event);
  }

  /**
   * @returns the number of deleted faces, and the ids or keys that had faces.
   * @throws `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`; `FACE_NOT_ALLOWED` before any deletion.
   */
  async deleteMany(caller: Caller, collectionId: string, which: ManyTargets): Promise<Deleted> {
    const { store, events } = this.#parts;
    checkAllowed(store, caller, collectionId);
    const isByKey = 'externalKeys' in which;
    const steps = isByKey
      ? store.faces.removeByExternalKeys(caller, collectionId, which.externalKeys)
      : store.faces.removeByIds(caller, collectionId, which.faceIds);
    let count = 0;
    const found = new Set<string>();
    for await (const removed of steps) {
      await forget(this.#parts, removed);
      count += removed.length;
      for (const { faceId, externalKey } of removed) found.add(isByKey ? (externalKey ?? '') : faceId);
    }
    const operation = isByKey ? 'deleteFacesOfKeys' : 'deleteFaces';
    if (count > 0) events.record(caller, { type: 'delete', result: 'deleted', operation, collectionId });
    return { count, found: Array.from(found) };
  }
}

export async function forget(
  { store, indexes }: Pick<RecognitionParts, 'store' | 'indexes'>,
  places: readonly FacePlace[],
): Promise<void> {
  const [first] = places;
  if (!first) return;
  const labels = places.map(({ label }) => label);
  const { current, second } = store.faces.rowGalleries(first.gallery);
  const removals = [current, ...(second ? [second.gallery] : [])].map((rows) => indexes.remove(rows, labels));
  await Promise.all(removals);
}

function found({ face, similarity }: Match) {
  const { faceId, externalKey } = face;
  return { faceId, externalKey, similarity, falseMatchRate: falseMatchRateAt(similarity) };
}
