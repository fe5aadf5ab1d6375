import type { Caller } from '../api/caller.ts';
import { decodeCursor, encodeCursor } from '../api/paging.ts';
import { inPages, inTurns, Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { LabelledFace } from '../store/faces.ts';
import type { FacePlace, FaceRecord } from '../store/records.ts';
import { collectionOf, maySee } from './collection-access.ts';
import type { GallerySearch } from './gallery-search.ts';
import type { RecognitionParts } from './requests.ts';

const MAX_EXAMINED = 50_000;
const EXAMINED_A_READ = 256;

interface FaceFilter {
  readonly externalKey?: string | undefined;
  readonly isUnnamed: boolean;
}

interface PageRequest {
  readonly cursor?: string | undefined;
  readonly limit: number;
}

export interface StoredFace {
  readonly face: FaceRecord;
  readonly hasThumbnail: boolean;
}

interface FacePage<Face> {
  readonly faces: readonly Face[];
  readonly nextCursor: string | null;
}

const LABEL = /^[1-9][0-9]{0,15}$/;

/** Never shows templates. */
export class FaceRecordService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /** @throws `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `FACE_NOT_FOUND`. */
  get(caller: Caller, collectionId: string, faceId: string): StoredFace {
    const { faces, thumbnails } = this.#parts.store;
    const place = this.#placeOf(caller, collectionId, faceId);
    return { face: faces.get(place) as FaceRecord, hasThumbnail: thumbnails.has(place) };
  }

  /** JPEG. @throws as `get`, and `NOT_FOUND`. */
  thumbnail(caller: Caller, collectionId: string, faceId: string): Buffer {
    const jpeg = this.#parts.store.thumbnails.get(this.#placeOf(caller, collectionId, faceId));
    if (jpeg) return jpeg;
    throw new VisageError(
      'NOT_FOUND',
      'The face has no thumbnail. Collections with storeThumbnails keep one of each face added later.',
    );
  }

  #placeOf(caller: Caller, collectionId: string, faceId: string): FacePlace {
    const { gallery } = collectionOf(this.#parts.store, caller, collectionId);
    return { gallery, label: this.#search.labelOf(caller, gallery, { faceId }) };
  }

  /**
   * Oldest first.
   * @throws `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `VALIDATION_FAILED`.
   */
  async list(
    caller: Caller,
    collectionId: string,
    filter: FaceFilter,
    { cursor, limit }: PageRequest,
  ): Promise<FacePage<StoredFace>> {
    const { gallery } = collectionOf(this.#parts.store, caller, collectionId);
    const after = Number(decodeCursor(cursor, LABEL) ?? 0);
    const { faces, nextCursor } = filter.isUnnamed
      ? await this.#unnamed(caller, gallery, after, limit)
      : await this.#page(caller, gallery, filter, after, limit);
    const page: StoredFace[] = [];
    const { thumbnails } = this.#parts.store;
    for await (const { label, face } of inTurns(faces)) {
      page.push({ face, hasThumbnail: thumbnails.has({ gallery, label }) });
    }
    return { faces: page, nextCursor };
  }

  async #page(
    caller: Caller,
    gallery: number,
    filter: FaceFilter,
    after: number,
    limit: number,
  ): Promise<FacePage<LabelledFace>> {
    const found = await this.#read(caller, gallery, filter, after, limit + 1);
    const faces = found.slice(0, limit);
    const last = faces.at(-1);
    return { faces, nextCursor: found.length > limit && last ? encodeCursor(String(last.label)) : null };
  }

  async #read(
    caller: Caller,
    gallery: number,
    { externalKey }: FaceFilter,
    after: number,
    limit: number,
  ): Promise<LabelledFace[]> {
    const { faces, externalKeys } = this.#parts.store;
    const allowed = caller.allowedExternalKeys;
    if (allowed === null && externalKey === undefined) {
      return inPages(limit, (last, most) => faces.list(gallery, last?.label ?? after, most));
    }
    const keys = externalKey === undefined ? (allowed ?? []) : [externalKey];
    const visible = keys.filter((key) => allowed === null || allowed.includes(key));
    const labels = await externalKeys.oldest(gallery, visible, after, limit);
    const found: LabelledFace[] = [];
    for await (const label of inTurns(labels)) {
      const face = faces.get({ gallery, label });
      if (face && maySee(caller, face) && (externalKey ?? face.externalKey) === face.externalKey)
        found.push({ label, face });
    }
    return found;
  }

  async #unnamed(
    caller: Caller,
    gallery: number,
    after: number,
    limit: number,
  ): Promise<FacePage<LabelledFace>> {
    const { faces } = this.#parts.store;
    const counts = faces.counts(gallery);
    if (caller.allowedExternalKeys !== null || counts.faces === counts.named)
      return { faces: [], nextCursor: null };
    const turn = new Turn();
    const found: LabelledFace[] = [];
    for (let last = after, examined = 0; ; ) {
      const read = faces.list(gallery, last, EXAMINED_A_READ);
      for (const { label, face } of read) {
        if (found.length === limit) return { faces: found, nextCursor: encodeCursor(String(last)) };
        last = label;
        if (face.externalKey === null) found.push({ label, face });
      }
      examined += read.length;
      if (read.length < EXAMINED_A_READ) return { faces: found, nextCursor: null };
      if (examined >= MAX_EXAMINED) return { faces: found, nextCursor: encodeCursor(String(last)) };
      if (turn.isOver) await turn.next();
    }
  }
}
