import { requireCollection } from './collections.ts';
import { type Databases, type Session, writeAs } from './databases.ts';
import { checkKey, checkMayChange, labelsOfKey, requireLabel } from './faces.ts';
import type { FaceRecord, NewExternalKey, Owner, Writer } from './records.ts';

function requireFace(db: Databases, gallery: number, label: number): FaceRecord {
  const face = db.faces.get([gallery, label]);
  if (!face) throw new Error(`Label ${label} of gallery ${gallery} has no face`);
  return face;
}

/** The caller's own names for faces: at most one a face; one name may belong to several faces. */
export class ExternalKeys {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Gives a face its key, in place of the one it had.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `FACE_NOT_FOUND`; `EXTERNAL_KEY_CONFLICT` where another face has the
   * key and `allowDuplicates` is false; `FACE_NOT_ALLOWED`.
   */
  set(
    owner: Writer,
    collectionId: string,
    { faceId, externalKey, allowDuplicates }: NewExternalKey & { faceId: string },
  ): Promise<'Created' | 'Updated'> {
    const { db } = this.#session;
    return writeAs(this.#session, owner, () => {
      const { gallery } = requireCollection(db, owner, collectionId);
      const label = requireLabel(db, gallery, faceId);
      const face = requireFace(db, gallery, label);
      checkMayChange(owner, face.externalKey);
      checkMayChange(owner, externalKey);
      if (face.externalKey === externalKey) return 'Updated';
      checkKey(db, gallery, { externalKey, allowDuplicates });
      if (face.externalKey !== null) db.externalKeys.remove([gallery, face.externalKey, label]);
      db.externalKeys.put([gallery, externalKey, label], true);
      db.faces.put([gallery, label], { ...face, externalKey });
      return face.externalKey === null ? 'Created' : 'Updated';
    });
  }

  /**
   * Faces of a key, oldest first: at most `limit`, beginning behind the label `after` (0: with the first).
   * @throws VisageError `COLLECTION_NOT_FOUND`.
   */
  faces(
    owner: Owner,
    collectionId: string,
    externalKey: string,
    after: number,
    limit: number,
  ): { readonly label: number; readonly faceId: string }[] {
    const { db } = this.#session;
    const { gallery } = requireCollection(db, owner, collectionId);
    return labelsOfKey(db, gallery, externalKey, after, limit).map((label) => ({
      label,
      faceId: requireFace(db, gallery, label).faceId,
    }));
  }

  /** Labels of the faces that have one of some keys, of each at most `limit`. */
  labels(gallery: number, externalKeys: readonly string[], limit?: number): number[] {
    return externalKeys.flatMap((externalKey) =>
      labelsOfKey(this.#session.db, gallery, externalKey, 0, limit),
    );
  }

  /**
   * Takes a key from every face that has it, or from one face only if that one has it. The faces stay.
   * @throws VisageError `COLLECTION_NOT_FOUND`.
   */
  remove(owner: Writer, collectionId: string, externalKey: string, faceId: string | null): Promise<void> {
    const { db } = this.#session;
    return writeAs(this.#session, owner, () => {
      const { gallery } = requireCollection(db, owner, collectionId);
      checkMayChange(owner, externalKey);
      for (const label of labelsOfKey(db, gallery, externalKey)) {
        const face = requireFace(db, gallery, label);
        if (faceId !== null && face.faceId !== faceId) continue;
        db.externalKeys.remove([gallery, externalKey, label]);
        db.faces.put([gallery, label], { ...face, externalKey: null });
      }
    });
  }
}
