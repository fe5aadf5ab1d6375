import type { Caller } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import { type CallEvent, keepsCrop, recorded } from './call-event.ts';
import { type RankedMatch, ranked } from './comparison.ts';
import { analyzeFaces, type VisibleFace } from './face-analysis.ts';
import type { GallerySearch, Matches } from './gallery-search.ts';
import { sightingOf, whileHeld } from './image-search.ts';
import { searchCriterion } from './match-criterion.ts';
import type { RecognitionParts, RecognizeRequest } from './requests.ts';

interface RecognizedFace extends VisibleFace {
  readonly matches: readonly RankedMatch[];
}

interface RecognizeAnswer {
  readonly faces: readonly RecognizedFace[];
  readonly hasFace: boolean;
  readonly unprocessedFaceCount: number;
  readonly faceMatchThreshold: number;
}

const PARALLEL = 4;

export class RecognizeService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /** Records an event for each face. */
  async recognize(caller: Caller, image: ImageInput, request: RecognizeRequest): Promise<RecognizeAnswer> {
    const { collectionId, maxResults, model, source } = request;
    const opened = this.#search.open(caller, collectionId, model);
    const { collection, recognizer, second } = opened;
    const criterion = searchCriterion(collection, request);
    const threshold = await this.#search.threshold(caller, opened, criterion);
    const sight = this.#parts.sightings?.watch(caller, collection, recognizer, second) ?? null;
    const facts = {
      type: 'recognize',
      operation: 'recognizeFaces',
      collection,
      threshold,
      source,
    } as const;
    const answer = async (event: CallEvent, held: ImageInput): Promise<RecognizeAnswer> => {
      const crop = keepsCrop(this.#parts, collection);
      const { probes, unprocessedFaceCount } = await analyzeFaces(caller, recognizer, held, request, crop);
      const found: Matches[] = [];
      for (let first = 0; first < probes.length; first += PARALLEL) {
        const some = probes.slice(first, first + PARALLEL);
        const people = some.map((probe) =>
          this.#search.nearest(caller, collectionId, probe, criterion, maxResults),
        );
        found.push(...(await Promise.all(people)));
      }
      // The collection may grow between the searches: the highest threshold holds for all.
      const used = found.length === 0 ? threshold : Math.max(...found.map((each) => each.threshold));
      const faces = probes.map((probe, i) => {
        const matches = (found[i]?.matches ?? []).filter(({ similarity }) => similarity >= used);
        event.see(probe);
        event.endSearch({ matches, threshold: used });
        return { ...probe.face, matches: ranked(matches) };
      });
      if (faces.length === 0) event.end({ result: 'no_face' });
      // Liveness judges the largest face only.
      const [largest, match] = [probes[0], found[0]?.matches[0]];
      if (largest && match) await sight?.(held, sightingOf(largest, match));
      return { faces, hasFace: faces.length > 0, unprocessedFaceCount, faceMatchThreshold: used };
    };
    return recorded(this.#parts, caller, facts, (event) =>
      whileHeld(image, sight !== null, (held) => answer(event, held)),
    );
  }
}
