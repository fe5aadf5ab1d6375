import type { Caller } from '../access/caller.ts';
import { decodeCursor, encodeCursor } from '../http/paging.ts';
import type { LabelledFace } from '../store/faces.ts';
import type { FaceRecord } from '../store/records.ts';
import { collectionOf } from './collection-access.ts';
import { maySee } from './face-access.ts';
import type { GallerySearch } from './gallery-search.ts';
import type { RecognitionParts } from './parts.ts';

const LABEL = /^[1-9][0-9]{0,15}$/;

/** The faces that collections hold, as callers see them; never their templates. */
export class FaceRecordService {
  readonly #parts: RecognitionParts;
  readonly #search: GallerySearch;

  constructor(parts: RecognitionParts, search: GallerySearch) {
    this.#parts = parts;
    this.#search = search;
  }

  /** @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `FACE_NOT_FOUND`. */
  get(caller: Caller, collectionId: string, faceId: string): FaceRecord {
    const { store } = this.#parts;
    const { gallery } = collectionOf(store, caller, collectionId);
    const [label] = this.#search.labelsOf(caller, gallery, { faceId });
    return store.faces.get({ gallery, label: label as number }) as FaceRecord;
  }

  /**
   * The faces that a caller may see, oldest first, at most `limit`.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`; `VALIDATION_FAILED` for a wrong cursor.
   */
  list(
    caller: Caller,
    collectionId: string,
    cursor: string | undefined,
    limit: number,
  ): { readonly faces: readonly FaceRecord[]; readonly nextCursor: string | null } {
    const { gallery } = collectionOf(this.#parts.store, caller, collectionId);
    const after = Number(decodeCursor(cursor, LABEL) ?? 0);
    const found = this.#page(caller, gallery, after, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      faces: page.map(({ face }) => face),
      nextCursor: found.length > limit && last ? encodeCursor(String(last.label)) : null,
    };
  }

  #page(caller: Caller, gallery: number, after: number, limit: number): LabelledFace[] {
    const { faces, externalKeys } = this.#parts.store;
    const allowed = caller.allowedExternalKeys;
    if (allowed === null) return faces.list(gallery, after, limit);
    const labels = externalKeys.labels(gallery, allowed).filter((label) => label > after);
    labels.sort((a, b) => a - b);
    return labels.slice(0, limit).flatMap((label) => {
      const face = faces.get({ gallery, label });
      return face && maySee(caller, face) ? [{ label, face }] : [];
    });
  }
}
