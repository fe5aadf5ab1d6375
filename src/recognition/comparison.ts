import type { Caller } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import { VisageError } from '../errors.ts';
import type { Collection } from '../store/records.ts';
import { falseMatchRateAt } from '../vision/false-match-rate.ts';
import type { Doubts } from '../vision/quality.ts';
import { type CallEvent, keepsCrop, recorded } from './call-event.ts';
import {
  analyzeLargestFace,
  type FaceAnalysis,
  type Probe,
  storedFace,
  type VisibleFace,
} from './face-analysis.ts';
import { type GallerySearch, isDoubtful, type Match, type Target } from './gallery-search.ts';
import { searchByImage, sightingOf, whileHeld } from './image-search.ts';
import { searchCriterion, thresholdFor, verifyCriterion } from './match-criterion.ts';
import { chooseModel } from './model-choice.ts';
import type { IdentifyRequest, RecognitionParts, SearchByIdRequest, VerifyRequest } from './requests.ts';

interface VerifyAnswer {
  readonly isMatch: boolean;
  /** 0..100; null if either image has no face. */
  readonly similarity: number | null;
  readonly falseMatchRate: number | null;
  readonly faceMatchThreshold: number;
  readonly face: VisibleFace | null;
  readonly targetFace: VisibleFace | null;
  readonly hasFace: boolean;
}

export interface RankedMatch {
  readonly faceId: string;
  readonly externalKey: string | null;
  readonly similarity: number;
  readonly falseMatchRate: number;
  readonly rank: number;
}

interface IdentifyAnswer extends FaceAnalysis {
  readonly matches: readonly RankedMatch[];
  readonly faceMatchThreshold: number;
}

interface SearchByIdAnswer {
  readonly faceId: string;
  readonly matches: readonly RankedMatch[];
  readonly faceMatchThreshold: number;
}

export class ComparisonService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /**
   * @throws as `chooseModel`, `GallerySearch.open`, `verifyCriterion`, `thresholdFor` and
   * `Recognizer.analyze`; the target's errors name the target.
   */
  async verifyImages(
    caller: Caller,
    image: ImageInput,
    target: ImageInput,
    request: VerifyRequest,
  ): Promise<VerifyAnswer> {
    const { collectionId, model } = request;
    const { collection, recognizer } =
      collectionId === undefined
        ? { recognizer: chooseModel(this.#parts.recognizers, caller, model), collection: null }
        : this.#search.open(caller, collectionId, model);
    const crop = keepsCrop(this.#parts, collection);
    const threshold = thresholdFor(verifyCriterion(collection, request), 1, recognizer);
    return recorded(this.#parts, caller, factsOf(request, collection, threshold), async (event) => {
      const [own, other] = await Promise.all([
        analyzeLargestFace(caller, recognizer, image, request, { crop }),
        analyzeLargestFace(caller, recognizer, target, request).catch((error) =>
          Promise.reject(ofTarget(error)),
        ),
      ]);
      const similarity = own.probe && other.probe ? similarityOf(own.probe, other.probe) : null;
      const isTrusted = !own.probe || !other.probe || mayMatch(own.probe.doubts, other.probe.doubts);
      const answer = verdict(
        own.faceAnalysis.face,
        other.faceAnalysis.face,
        similarity,
        threshold,
        isTrusted,
      );
      if (own.probe) event.see(own.probe);
      event.end({ result: resultOf(answer), similarity });
      return answer;
    });
  }

  /** @throws as `GallerySearch.compare`, `verifyCriterion`, `thresholdFor` and `Recognizer.analyze`. */
  async verifyStored(
    caller: Caller,
    image: ImageInput,
    target: Target,
    request: VerifyRequest & { readonly collectionId: string },
  ): Promise<VerifyAnswer> {
    const { collectionId, model, attributes } = request;
    const { collection, recognizer, second } = this.#search.open(caller, collectionId, model);
    const threshold = thresholdFor(verifyCriterion(collection, request), 1, recognizer);
    const sight = this.#parts.sightings?.watch(caller, collection, recognizer, second) ?? null;
    const first = this.#search.labelOf(caller, collection.gallery, target);
    const crop = keepsCrop(this.#parts, collection);
    const answer = async (event: CallEvent, held: ImageInput): Promise<VerifyAnswer> => {
      const { probe } = await analyzeLargestFace(caller, recognizer, held, request, { crop });
      if (probe) {
        const match = await this.#search.compare(caller, collectionId, probe, target);
        const { label, face, similarity } = match;
        const stored = { isUncertain: false, isDoubtful: isDoubtful(face) };
        const isTrusted = mayMatch(probe.doubts, stored);
        const answer = verdict(probe.face, storedFace(face, attributes), similarity, threshold, isTrusted);
        event.see(probe);
        event.end({ result: resultOf(answer), label, similarity });
        if (isTrusted) await sight?.(held, sightingOf(probe, match));
        return answer;
      }
      const stored = this.#parts.store.faces.get({ gallery: collection.gallery, label: first });
      event.end({ result: 'no_face', label: first });
      return verdict(null, stored && storedFace(stored, attributes), null, threshold);
    };
    return recorded(this.#parts, caller, factsOf(request, collection, threshold), (event) =>
      whileHeld(image, sight !== null, (held) => answer(event, held)),
    );
  }

  /**
   * Each external key once.
   * @throws as `FaceService.search`.
   */
  async identify(caller: Caller, image: ImageInput, request: IdentifyRequest): Promise<IdentifyAnswer> {
    const call = { type: 'identify', operation: 'identifyFace', limit: request.maxResults } as const;
    const { faceAnalysis, matches, threshold } = await searchByImage(
      this.#parts,
      this.#search,
      caller,
      image,
      request,
      call,
    );
    return { ...faceAnalysis, matches: ranked(matches), faceMatchThreshold: threshold };
  }

  /**
   * Records no event, because no person was seen. The stored face counts as absent.
   * @throws as `GallerySearch.nearest` and `searchCriterion`, and `FACE_NOT_FOUND`.
   */
  async searchById(caller: Caller, request: SearchByIdRequest): Promise<SearchByIdAnswer> {
    const { collectionId, faceId, maxResults } = request;
    const { collection, recognizer } = this.#search.open(caller, collectionId);
    const { gallery } = collection;
    const label = this.#search.labelOf(caller, gallery, { faceId });
    const { current } = this.#parts.store.faces.rowGalleries(gallery);
    const row = this.#parts.store.faces.row({ gallery: current, label });
    if (!row) throw new Error(`Label ${label} of gallery ${gallery} has no row`);
    const criterion = searchCriterion(collection, request);
    const face = this.#parts.store.faces.get({ gallery, label });
    const doubts = { isUncertain: false, isDoubtful: face ? isDoubtful(face) : false };
    const probe = { recognizer, row, doubts };
    const { matches, threshold } = await this.#search.nearest(
      caller,
      collectionId,
      probe,
      criterion,
      maxResults,
      label,
    );
    const { collection: now } = this.#search.open(caller, collectionId);
    this.#search.labelOf(caller, now.gallery, { faceId });
    return { faceId, matches: ranked(matches), faceMatchThreshold: threshold };
  }
}

export function ranked(people: readonly Match[]): RankedMatch[] {
  return people.map(({ face, similarity }, i) => {
    const { faceId, externalKey } = face;
    return { faceId, externalKey, similarity, falseMatchRate: falseMatchRateAt(similarity), rank: i + 1 };
  });
}

function similarityOf({ recognizer, row }: Probe, other: Probe): number {
  const [score] = recognizer.space.compare(row, [other.row]);
  return recognizer.similarity.toSimilarity(score as number);
}

function factsOf({ source }: VerifyRequest, collection: Collection | null, threshold: number) {
  return { type: 'verify', operation: 'verifyFace', collection, threshold, source } as const;
}

function resultOf({ isMatch, similarity }: VerifyAnswer): 'match' | 'no_match' | 'no_face' {
  if (similarity === null) return 'no_face';
  return isMatch ? 'match' : 'no_match';
}

function verdict(
  face: VisibleFace | null,
  targetFace: VisibleFace | null,
  similarity: number | null,
  faceMatchThreshold: number,
  isTrusted = true,
): VerifyAnswer {
  const isMatch = isTrusted && similarity !== null && similarity >= faceMatchThreshold;
  const falseMatchRate = similarity === null ? null : falseMatchRateAt(similarity);
  return {
    isMatch,
    similarity,
    falseMatchRate,
    faceMatchThreshold,
    face,
    targetFace,
    hasFace: face !== null,
  };
}

/** Templates of blurred strangers, or of false detections, resemble each other. */
function mayMatch(a: Doubts, b: Doubts): boolean {
  return !a.isUncertain && !b.isUncertain && !(a.isDoubtful && b.isDoubtful);
}

function ofTarget(error: unknown): unknown {
  if (!(error instanceof VisageError)) return error;
  return new VisageError(error.code, error.message, [{ path: '/targetImage', message: error.message }]);
}
