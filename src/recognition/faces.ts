import type { Caller } from '../access/caller.ts';
import { VisageError } from '../errors.ts';
import type { ImageInput } from '../http/route.ts';
import type { Analysis, Box } from '../native.ts';
import type { Collection, FacePlace, FaceRecord } from '../store/records.ts';
import { checkAllowed, searchableCollection } from './collection-access.ts';
import { CollectionLocks } from './collection-locks.ts';
import type { RecognitionParts } from './parts.ts';

/** A face as answers show it. */
export interface VisibleFace {
  /** 0..1, four decimals. */
  readonly confidence: number;
  /** Whole pixels inside the upright picture. */
  readonly boundingBox: Box;
}

/** What every answer about a picture begins with. */
export interface Sighting {
  readonly face: VisibleFace | null;
  readonly hasFace: boolean;
  readonly unprocessedFaceCount: number;
}

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

interface Match {
  readonly face: FaceRecord;
  readonly similarity: number;
}

/** The largest face of a picture. */
interface Probe {
  readonly face: VisibleFace;
  readonly template: Float32Array;
}

const NOBODY = { faceId: null, externalKey: null, similarity: null } as const;

/** Faces: search, index, search-or-index, delete. */
export class FaceService {
  readonly #parts: RecognitionParts;
  readonly #locks = new CollectionLocks();

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
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
    this.#searchable(caller, collectionId);
    const { sighting, probe } = await this.#see(image);
    const match = probe && (await this.#nearest(caller, collectionId, probe, threshold));
    return { ...sighting, ...(match ? found(match) : NOBODY) };
  }

  /** Adds the largest face of a picture. @throws VisageError as `search`, and `STORAGE_READ_ONLY`. */
  async index(caller: Caller, collectionId: string, image: ImageInput): Promise<IndexAnswer> {
    this.#searchable(caller, collectionId);
    checkMayIndex(caller);
    const { sighting, probe } = await this.#see(image);
    return { ...sighting, faceId: probe && (await this.#add(caller, collectionId, probe)) };
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
    this.#searchable(caller, collectionId);
    const { sighting, probe } = await this.#see(image);
    if (!probe) return { ...sighting, ...NOBODY, resultSource: 'None' };
    const search = async (): Promise<SearchOrIndexAnswer | null> => {
      const match = await this.#nearest(caller, collectionId, probe, threshold);
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
            faceId: await this.#add(caller, collectionId, probe),
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

  #searchable(caller: Caller, collectionId: string): Collection {
    const { store, recognizer } = this.#parts;
    checkModel(caller, recognizer.packId.pack);
    return searchableCollection(store, caller, collectionId, recognizer.packId);
  }

  async #see(image: ImageInput): Promise<{ sighting: Sighting; probe: Probe | null }> {
    const analysis = await this.#parts.recognizer.analyze(image.data, image.encoding);
    const [largest, ...others] = analysis.faces;
    if (!largest || !analysis.template) {
      return { sighting: { face: null, hasFace: false, unprocessedFaceCount: 0 }, probe: null };
    }
    const face = {
      confidence: Math.round(largest.confidence * 1e4) / 1e4,
      boundingBox: wholePixels(largest.box, analysis),
    };
    return {
      sighting: { face, hasFace: true, unprocessedFaceCount: others.length },
      probe: { face, template: analysis.template },
    };
  }

  /** The most similar face of the store, null where none reaches the threshold. */
  async #nearest(
    caller: Caller,
    collectionId: string,
    { template }: Probe,
    threshold: number,
  ): Promise<Match | null> {
    const { store, indexes, recognizer } = this.#parts;
    for (let k = 1; ; k *= 8) {
      const { gallery } = this.#searchable(caller, collectionId);
      // Who may see some faces only is searched for among them, whatever else is more similar.
      const allowed = caller.allowedExternalKeys;
      const allow = allowed && store.externalKeys.labels(gallery, allowed);
      const neighbours = await indexes.search(gallery, template, k, allow);
      // A reset meanwhile: these neighbours are no longer in the collection.
      if (this.#searchable(caller, collectionId).gallery !== gallery) continue;
      for (const { label, score } of neighbours) {
        const similarity = recognizer.similarity.toSimilarity(score);
        if (similarity < threshold) return null;
        const face = store.faces.get({ gallery, label });
        // Not where it was deleted, or got another external key, meanwhile: then the next one counts.
        if (face && maySee(caller, face)) return { face, similarity };
      }
      if (neighbours.length < k) return null;
    }
  }

  /** Adds a face on disk and in the index. @returns its id. */
  async #add(caller: Caller, collectionId: string, { face, template }: Probe): Promise<string> {
    checkMayIndex(caller);
    const { store, indexes, recognizer, now } = this.#parts;
    const record = {
      box: face.boundingBox,
      confidence: face.confidence,
      createdAt: now(),
      ...recognizer.packId,
    };
    const { gallery, label, faceId } = await store.faces.add(caller, collectionId, record, template);
    // Unless a reset or a delete came meanwhile: their galleries have no index any more and must not get one.
    if (store.collections.get(caller, collectionId)?.gallery === gallery) {
      await indexes.add(gallery, label, template);
    }
    return faceId;
  }
}

/** @throws VisageError `MODEL_NOT_ALLOWED`. */
function checkModel({ allowedModels }: Caller, pack: string): void {
  if (allowedModels === null || allowedModels.includes(pack)) return;
  throw new VisageError(
    'MODEL_NOT_ALLOWED',
    `This API key may not use the model pack ${pack}, which is at work.`,
  );
}

/** A new face has no external key, so it is none that a limited caller may have. @throws VisageError `FACE_NOT_ALLOWED`. */
function checkMayIndex({ allowedExternalKeys }: Caller): void {
  if (allowedExternalKeys === null) return;
  throw new VisageError('FACE_NOT_ALLOWED', 'This API key is limited to some faces and may not add others.');
}

function maySee({ allowedExternalKeys }: Caller, { externalKey }: FaceRecord): boolean {
  return allowedExternalKeys === null || (externalKey !== null && allowedExternalKeys.includes(externalKey));
}

function found({ face, similarity }: Match) {
  return { faceId: face.faceId, externalKey: face.externalKey, similarity };
}

/** A box in whole pixels, at least one wide and high, inside the picture. */
function wholePixels({ x, y, width, height }: Box, picture: Pick<Analysis, 'width' | 'height'>): Box {
  const [left, right] = wholeSpan(x, width, picture.width);
  const [top, bottom] = wholeSpan(y, height, picture.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function wholeSpan(start: number, length: number, limit: number): [number, number] {
  const first = Math.min(Math.max(Math.round(start), 0), limit - 1);
  const end = Math.min(Math.max(Math.round(start + length), first + 1), limit);
  return [first, end];
}
