import type { Caller } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import { keepsCrop, recorded } from './call-event.ts';
import { type RankedMatch, ranked } from './comparison.ts';
import { analyzeFaces, type VisibleFace } from './face-analysis.ts';
import { type GallerySearch, type Match, thresholdOf } from './gallery-search.ts';
import type { RecognitionParts, RecognizeRequest } from './requests.ts';

interface RecognizedFace extends VisibleFace {
  readonly matches: readonly RankedMatch[];
}

interface RecognizeAnswer {
  /** Largest first. */
  readonly faces: readonly RecognizedFace[];
  readonly hasFace: boolean;
  readonly unprocessedFaceCount: number;
  readonly faceMatchThreshold: number;
}

/** A low limit gives other calls their turn. */
const PARALLEL = 4;

export class RecognizeService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /**
   * Records an event for each face.
   * @throws as `GallerySearch.open` and `Recognizer.analyze`.
   */
  async recognize(caller: Caller, image: ImageInput, request: RecognizeRequest): Promise<RecognizeAnswer> {
    const { collectionId, maxResults, model, source } = request;
    const { collection, recognizer } = this.#search.open(caller, collectionId, model);
    const threshold = thresholdOf(collection, request.faceMatchThreshold);
    const facts = {
      type: 'recognize',
      operation: 'recognizeFaces',
      collection,
      threshold,
      source,
    } as const;
    return recorded(this.#parts, caller, facts, async (event) => {
      const crop = keepsCrop(this.#parts, collection);
      const { probes, unprocessedFaceCount } = await analyzeFaces(caller, recognizer, image, request, crop);
      const found: Match[][] = [];
      for (let first = 0; first < probes.length; first += PARALLEL) {
        const some = probes.slice(first, first + PARALLEL);
        const people = some.map((probe) =>
          this.#search.nearest(caller, collectionId, probe, threshold, maxResults),
        );
        found.push(...(await Promise.all(people)));
      }
      const faces = probes.map((probe, i) => {
        const people = found[i] ?? [];
        event.see(probe);
        event.endSearch(people[0]);
        return { ...probe.face, matches: ranked(people) };
      });
      if (faces.length === 0) event.end({ result: 'no_face' });
      return { faces, hasFace: faces.length > 0, unprocessedFaceCount, faceMatchThreshold: threshold };
    });
  }
}
