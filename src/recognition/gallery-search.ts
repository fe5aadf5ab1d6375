import type { Caller } from '../api/caller.ts';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { Neighbour } from '../gallery/gallery-indexes.ts';
import type { RowOrTemplate } from '../native/gallery-index.ts';
import type { Collection, FaceRecord } from '../store/records.ts';
import { type Doubts, isDoubtfulQuality } from '../vision/quality.ts';
import type { Recognizer } from '../vision/recognizer.ts';
import { fusedScore, maxFusedScore } from '../vision/template-fusion.ts';
import { collectionOf, maySee, visibleFaceCount } from './collection-access.ts';
import type { Probe } from './face-analysis.ts';
import { type Criterion, thresholdFor } from './match-criterion.ts';
import { modelOf } from './model-choice.ts';
import type { RecognitionParts } from './requests.ts';

export interface Match {
  readonly label: number;
  readonly face: FaceRecord;
  /** 0..100, fused over the key's faces. */
  readonly similarity: number;
}

export interface Matches {
  readonly matches: readonly Match[];
  /** Minimum similarity that the search used, 0..100. */
  readonly threshold: number;
}

export interface SearchProbe {
  readonly recognizer: Recognizer;
  readonly row: RowOrTemplate;
  /** Uncertain faces match nothing; two doubtful faces do not match. */
  readonly doubts: Doubts;
}

export interface OpenCollection {
  readonly collection: Collection;
  readonly recognizer: Recognizer;
  /** Of the other version during a migration, if loaded. */
  readonly second: Recognizer | null;
}

interface SearchPlace {
  readonly gallery: number;
  readonly rows: number;
}

export type Target = { readonly faceId: string } | { readonly externalKey: string };

/** Minimum, because a key's fused score may exceed its faces' scores. */
const CANDIDATES = 16;
/** With more faces, a key's best face decides. */
const MAX_FUSED = 32;
const ONE_PERSON = 70;

export class GallerySearch {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /** @throws `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`; as `modelOf`. */
  open(caller: Caller, collectionId: string, model?: string): OpenCollection {
    const { store, recognizers } = this.#parts;
    const collection = collectionOf(store, caller, collectionId);
    const recognizer = modelOf(recognizers, caller, collection, model);
    const { second } = store.faces.rowGalleries(collection.gallery);
    return { collection, recognizer, second: second ? recognizers.of(second) : null };
  }

  /**
   * A rate's threshold holds for the faces of that search.
   * @param except label of a face to ignore.
   * @throws as `open` and `thresholdFor`.
   */
  async nearest(
    caller: Caller,
    collectionId: string,
    probe: SearchProbe,
    criterion: Criterion,
    limit: number,
    except: number | null = null,
  ): Promise<Matches> {
    const { store, indexes } = this.#parts;
    const { recognizer, row } = probe;
    for (let k = Math.max(CANDIDATES, limit + (except === null ? 0 : 1)); ; k *= 8) {
      const { gallery, rows } = this.#place(caller, collectionId, recognizer);
      const allowed = caller.allowedExternalKeys;
      const allow = allowed && (await store.externalKeys.labels(gallery, allowed));
      // The index searches the faces present at its call: count them without an await in between.
      const faces = (allow?.length ?? store.faces.counts(gallery).faces) - (except === null ? 0 : 1);
      const threshold = thresholdFor(criterion, faces, recognizer);
      if (probe.doubts.isUncertain) return { matches: [], threshold };
      const neighbours = await indexes.search(rows, row, k, allow);
      const ranked = await this.#rank(caller, { gallery, rows }, probe, neighbours, {
        threshold,
        limit,
        except,
      });
      // A reset has replaced the gallery, or a rollback the rows.
      if (this.#place(caller, collectionId, recognizer).rows !== rows) continue;
      const { matches, isComplete } = ranked;
      // Search further only while single faces reach the threshold.
      const last = neighbours[k - 1];
      if (isComplete || !last || recognizer.similarity.toSimilarity(last.score) < threshold) {
        return { matches, threshold };
      }
    }
  }

  /** @throws as `thresholdFor`. */
  async threshold(
    caller: Caller,
    { collection, recognizer }: OpenCollection,
    criterion: Criterion,
  ): Promise<number> {
    if ('threshold' in criterion) return criterion.threshold;
    const { store } = this.#parts;
    return thresholdFor(criterion, await visibleFaceCount(store, caller, collection.gallery), recognizer);
  }

  /**
   * @param neighbours best first.
   * @returns `isComplete`: farther faces cannot change the result.
   */
  async #rank(
    caller: Caller,
    { gallery, rows }: SearchPlace,
    probe: SearchProbe,
    neighbours: readonly Neighbour[],
    { threshold, limit, except }: { threshold: number; limit: number; except: number | null },
  ): Promise<{ readonly matches: Match[]; readonly isComplete: boolean }> {
    const { faces, externalKeys } = this.#parts.store;
    const turn = new Turn();
    const { similarity: scale } = probe.recognizer;
    const onePerson = scale.toScore(ONE_PERSON);
    const matches: Match[] = [];
    const seen = new Set<string>();
    const passed = new Set<number>(except === null ? [] : [except]);
    for (const { label, score } of neighbours) {
      if (turn.isOver) await turn.next();
      if (passed.has(label)) continue;
      const least = matches[limit - 1]?.similarity ?? threshold;
      if (scale.toSimilarity(maxFusedScore(probe.recognizer.space, score, onePerson)) < least)
        return { matches, isComplete: true };
      const face = faces.get({ gallery, label });
      if (!face || !maySee(caller, face)) continue;
      if (probe.doubts.isDoubtful && isDoubtful(face)) continue;
      const { externalKey } = face;
      if (externalKey !== null && seen.has(externalKey)) continue;
      if (externalKey !== null) seen.add(externalKey);
      const own = externalKey === null ? [] : externalKeys.first(gallery, externalKey, MAX_FUSED + 1);
      if (externalKey !== null && own.length > MAX_FUSED) {
        for (const each of await externalKeys.labels(gallery, [externalKey])) passed.add(each);
      }
      const others = (await this.#trusted(gallery, own, probe)).filter((each) => each !== except);
      const similarity = scale.toSimilarity(this.#fused(rows, others, score, probe, onePerson));
      if (similarity < least) continue;
      const place = matches.findIndex((match) => match.similarity < similarity);
      matches.splice(place < 0 ? matches.length : place, 0, { label, face, similarity });
      matches.splice(limit);
    }
    return { matches, isComplete: matches.length >= limit };
  }

  /** @throws as `open`, and `FACE_NOT_FOUND`, also for faces hidden from the caller. */
  async compare(caller: Caller, collectionId: string, probe: Probe, target: Target): Promise<Match> {
    const { store, indexes } = this.#parts;
    const { recognizer, row } = probe;
    const { gallery, rows } = this.#place(caller, collectionId, recognizer);
    const all = await this.#labelsOf(caller, gallery, target);
    const trusted = await this.#trusted(gallery, all, probe);
    const labels = trusted.length > 0 ? trusted : all;
    const [nearest] = await indexes.search(rows, row, 1, labels);
    const face = nearest && store.faces.get({ gallery, label: nearest.label });
    if (!face || !maySee(caller, face)) throw notFound(target);
    const score =
      'faceId' in target
        ? nearest.score
        : this.#fused(rows, labels, nearest.score, probe, recognizer.similarity.toScore(ONE_PERSON));
    return { label: nearest.label, face, similarity: recognizer.similarity.toSimilarity(score) };
  }

  /** The oldest label. @throws `FACE_NOT_FOUND`. */
  labelOf(caller: Caller, gallery: number, target: Target): number {
    const { faces, externalKeys } = this.#parts.store;
    if ('faceId' in target) {
      const found = faces.byId(gallery, target.faceId);
      if (found && maySee(caller, found.face)) return found.label;
      throw notFound(target);
    }
    const { externalKey } = target;
    const isHidden = caller.allowedExternalKeys?.includes(externalKey) === false;
    const [label] = isHidden ? [] : externalKeys.first(gallery, externalKey, 1);
    if (label !== undefined) return label;
    throw notFound(target);
  }

  async #labelsOf(caller: Caller, gallery: number, target: Target): Promise<number[]> {
    const first = this.labelOf(caller, gallery, target);
    if ('faceId' in target) return [first];
    return this.#parts.store.externalKeys.labels(gallery, [target.externalKey]);
  }

  async #trusted(
    gallery: number,
    labels: readonly number[],
    { doubts }: SearchProbe,
  ): Promise<readonly number[]> {
    if (!doubts.isDoubtful) return labels;
    const { faces } = this.#parts.store;
    const turn = new Turn();
    const trusted: number[] = [];
    for (const label of labels) {
      if (turn.isOver) await turn.next();
      const face = faces.get({ gallery, label });
      if (face && !isDoubtful(face)) trusted.push(label);
    }
    return trusted;
  }

  #fused(
    rows: number,
    labels: readonly number[],
    best: number,
    { recognizer, row }: SearchProbe,
    onePerson: number,
  ): number {
    const { faces } = this.#parts.store;
    if (labels.length < 2 || labels.length > MAX_FUSED) return best;
    const own = labels.flatMap((label) => faces.row({ gallery: rows, label }) ?? []);
    if (own.length < 2) return best;
    return fusedScore(recognizer.space, row, own, onePerson);
  }

  #place(caller: Caller, collectionId: string, made: Recognizer): SearchPlace {
    const { collection } = this.open(caller, collectionId);
    const rows = this.#parts.store.faces.rowsFor(collection, made.packId);
    if (rows !== null) return { gallery: collection.gallery, rows };
    throw new VisageError(
      'NOT_READY',
      'The collection was reset to another model pack meanwhile. Send the request again.',
    );
  }
}

export function isDoubtful({ isDoubtful: known, quality }: FaceRecord): boolean {
  return known ?? (quality !== undefined && isDoubtfulQuality(quality));
}

function notFound(target: Target): VisageError {
  const which = 'faceId' in target ? 'of this id' : 'with this external key';
  return new VisageError('FACE_NOT_FOUND', `The collection has no face ${which}.`);
}
