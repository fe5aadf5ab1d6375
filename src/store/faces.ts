import { VisageError } from '../errors.ts';
import { requireCollection } from './collections.ts';
import { type Databases, type FaceKey, type Session, takeNumber, writeAs } from './databases.ts';
import { advance, type GalleryState, hasBeen, stateOf } from './generations.ts';
import { newIdentifier } from './identifiers.ts';
import type {
  FacePlace,
  FaceRecord,
  NewExternalKey,
  NewFace,
  PackId,
  TemplateBatch,
  Writer,
} from './records.ts';
import { Remembered } from './remembered.ts';

/** @throws VisageError `FACE_NOT_FOUND`. */
export function requireLabel(db: Databases, gallery: number, faceId: string): number {
  const label = db.faceLabels.get([gallery, faceId]);
  if (label === undefined) throw new VisageError('FACE_NOT_FOUND', 'The collection has no face of this id.');
  return label;
}

/**
 * Lets a writer who is limited to some faces change no other.
 * @param externalKey the face's own, or the one that it is going to have.
 * @throws VisageError `FACE_NOT_ALLOWED`.
 */
export function checkMayChange({ allowedExternalKeys }: Writer, externalKey: string | null): void {
  if (!allowedExternalKeys || (externalKey !== null && allowedExternalKeys.includes(externalKey))) return;
  throw new VisageError(
    'FACE_NOT_ALLOWED',
    'This API key may change some faces only, and this is none of them.',
  );
}

/** Labels of the faces with an external key, oldest first, at most `limit`, beginning behind the label `after`. */
export function labelsOfKey(
  db: Databases,
  gallery: number,
  externalKey: string,
  after = 0,
  limit = Number.MAX_SAFE_INTEGER,
): number[] {
  const range = db.externalKeys.getKeys({
    start: [gallery, externalKey, after + 1],
    end: [gallery, externalKey, Number.MAX_SAFE_INTEGER],
    limit,
  });
  return Array.from(range, (key) => key[2]);
}

/**
 * Whether no face has a key yet.
 * @throws VisageError `EXTERNAL_KEY_CONFLICT` where one has it and `allowDuplicates` is false.
 */
export function checkKey(
  db: Databases,
  gallery: number,
  { externalKey, allowDuplicates }: NewExternalKey,
): boolean {
  const isNew = labelsOfKey(db, gallery, externalKey, 0, 1).length === 0;
  if (isNew || allowDuplicates) return isNew;
  throw new VisageError(
    'EXTERNAL_KEY_CONFLICT',
    'Another face has this external key. Set allowDuplicates to let several faces share it.',
  );
}

/** Takes a face out of every database; inside a transaction. */
export function removeFace(db: Databases, { gallery, label }: FacePlace, face: FaceRecord): void {
  db.faces.remove([gallery, label]);
  db.templates.remove([gallery, label]);
  db.faceLabels.remove([gallery, face.faceId]);
  if (face.externalKey !== null) db.externalKeys.remove([gallery, face.externalKey, label]);
}

/** Vectors are little-endian on disk, which is what every machine that Visage runs on has in memory. */
function bytesOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

function vectorOf(bytes: Buffer): Float32Array {
  const copy = Uint8Array.from(bytes);
  return new Float32Array(copy.buffer, 0, copy.length / Float32Array.BYTES_PER_ELEMENT);
}

function* batches(
  entries: Iterable<{ readonly label: number; readonly bytes: Buffer }>,
  dimension: number,
  batchSize: number,
): Generator<TemplateBatch> {
  const length = dimension * Float32Array.BYTES_PER_ELEMENT;
  let count = 0;
  let labels = new BigInt64Array(batchSize);
  let vectors = new Float32Array(batchSize * dimension);
  for (const { label, bytes } of entries) {
    if (bytes.length !== length) {
      throw new Error(`The template of label ${label} has ${bytes.length} bytes, not ${length}`);
    }
    bytes.copy(bytesOf(vectors), count * length);
    labels[count] = BigInt(label);
    if (++count < batchSize) continue;
    yield { labels, vectors };
    count = 0;
    labels = new BigInt64Array(batchSize);
    vectors = new Float32Array(batchSize * dimension);
  }
  if (count > 0) yield { labels: labels.subarray(0, count), vectors: vectors.subarray(0, count * dimension) };
}

/** A face with its label. */
export interface LabelledFace {
  readonly label: number;
  readonly face: FaceRecord;
}

/** A face that was added. */
export interface AddedFace extends FacePlace {
  readonly faceId: string;
  /** Whether the face is the first with its external key; false where it has none. */
  readonly isNewKey: boolean;
}

/** The faces of galleries: their records and their templates. */
export class Faces {
  readonly #session: Session;
  readonly #records: Remembered<FaceRecord, FaceKey>;

  constructor(session: Session) {
    this.#session = session;
    this.#records = new Remembered(session, session.db.faces);
  }

  /** The face of a label, null where it has been removed. */
  get(place: FacePlace): FaceRecord | null {
    return this.#records.get([place.gallery, place.label]) ?? null;
  }

  /** The face of an id, null where the gallery has none. */
  byId(gallery: number, faceId: string): LabelledFace | null {
    const label = this.#session.db.faceLabels.get([gallery, faceId]);
    const face = label === undefined ? null : this.get({ gallery, label });
    return label === undefined || face === null ? null : { label, face };
  }

  /** The template of a label, null where the face has been removed. */
  template({ gallery, label }: FacePlace): Float32Array | null {
    const bytes = this.#session.db.templates.get([gallery, label]);
    return bytes ? vectorOf(bytes) : null;
  }

  /** Faces of a gallery, oldest first: at most `limit`, beginning behind the label `after` (0: with the first). */
  list(gallery: number, after: number, limit: number): LabelledFace[] {
    const range = this.#session.db.faces.getRange({
      start: [gallery, after + 1],
      end: [gallery + 1],
      limit,
    });
    return Array.from(range, ({ key, value }) => ({ label: key[1], face: value }));
  }

  /** Faces of all galleries, of those too that are being removed. Takes no longer for many. */
  get total(): number {
    return (this.#session.db.templates.getStats() as { readonly entryCount: number }).entryCount;
  }

  /** Faces of a gallery, which looks at each. */
  count(gallery: number): number {
    return this.#session.db.templates.getKeysCount({ start: [gallery], end: [gallery + 1] });
  }

  /**
   * Adds a face to the gallery that the collection has at that moment, with its external key where it gets one.
   * @throws VisageError `COLLECTION_NOT_FOUND`; `NOT_READY` if the collection is of another model pack;
   * `EXTERNAL_KEY_CONFLICT`.
   */
  add(
    owner: Writer,
    collectionId: string,
    face: NewFace,
    template: Float32Array,
    key: NewExternalKey | null = null,
  ): Promise<AddedFace> {
    const { db } = this.#session;
    return writeAs(this.#session, owner, () => {
      const { gallery, pack, packVersion } = requireCollection(db, owner, collectionId);
      if (pack !== face.pack || packVersion !== face.packVersion) {
        throw new VisageError('NOT_READY', 'The collection now belongs to another model pack.');
      }
      const isNewKey = key !== null && checkKey(db, gallery, key);
      const label = takeNumber(db, 'nextLabel');
      const faceId = newIdentifier('face_', face.createdAt);
      db.faces.put([gallery, label], { ...face, faceId, externalKey: key?.externalKey ?? null });
      if (key) db.externalKeys.put([gallery, key.externalKey, label], true);
      db.templates.put([gallery, label], bytesOf(template));
      db.faceLabels.put([gallery, faceId], label);
      advance(db, gallery, this.#session.writer);
      return { gallery, label, faceId, isNewKey };
    });
  }

  /**
   * Removes one face. @returns where it was.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `FACE_NOT_FOUND`, `FACE_NOT_ALLOWED`.
   */
  removeById(owner: Writer, collectionId: string, faceId: string): Promise<FacePlace[]> {
    const { db } = this.#session;
    return this.#remove(owner, collectionId, (gallery) => [requireLabel(db, gallery, faceId)]);
  }

  /**
   * Removes every face with an external key. @returns where they were.
   * @throws VisageError `COLLECTION_NOT_FOUND`, `FACE_NOT_FOUND`, `FACE_NOT_ALLOWED`.
   */
  removeByExternalKey(owner: Writer, collectionId: string, externalKey: string): Promise<FacePlace[]> {
    const { db } = this.#session;
    return this.#remove(owner, collectionId, (gallery) => {
      checkMayChange(owner, externalKey);
      const labels = labelsOfKey(db, gallery, externalKey);
      if (labels.length === 0) {
        throw new VisageError('FACE_NOT_FOUND', 'The collection has no face with this external key.');
      }
      return labels;
    });
  }

  #remove(owner: Writer, collectionId: string, select: (gallery: number) => number[]): Promise<FacePlace[]> {
    const { db } = this.#session;
    return writeAs(this.#session, owner, () => {
      const { gallery } = requireCollection(db, owner, collectionId);
      advance(db, gallery, this.#session.writer);
      return select(gallery).map((label) => {
        const place = { gallery, label };
        const face = db.faces.get([gallery, label]);
        if (!face) throw new Error(`Label ${label} of gallery ${gallery} has no face`);
        checkMayChange(owner, face.externalKey);
        removeFace(db, place, face);
        return place;
      });
    });
  }

  /** Labels of a gallery's faces, in the order in which they were added. */
  *labels(gallery: number): Generator<number> {
    for (const key of this.#session.db.templates.getKeys({ start: [gallery], end: [gallery + 1] })) {
      yield key[1];
    }
  }

  /** The state of a gallery, for telling later whether it is still the same. */
  state(gallery: number): GalleryState {
    return stateOf(this.#session.db, gallery);
  }

  /** Whether the gallery was once in a state, or is: then each label stands for the same face as it did. */
  hasBeen(gallery: number, state: GalleryState): boolean {
    return hasBeen(this.#session.db, gallery, state);
  }

  /**
   * The templates of a gallery, for filling its index.
   * @param dimension floats a template; @param batchSize templates a batch at most.
   */
  templates(gallery: number, dimension: number, batchSize: number): Generator<TemplateBatch> {
    const range = this.#session.db.templates.getRange({ start: [gallery], end: [gallery + 1] });
    const entries = range.map(({ key, value }) => ({ label: key[1], bytes: value }));
    return batches(entries, dimension, batchSize);
  }

  /** The same of some labels, all of faces that are there. */
  templatesAt(
    gallery: number,
    labels: readonly number[],
    dimension: number,
    batchSize: number,
  ): Generator<TemplateBatch> {
    const { templates } = this.#session.db;
    const entries = function* () {
      for (const label of labels) {
        const bytes = templates.get([gallery, label]);
        if (bytes) yield { label, bytes };
      }
    };
    return batches(entries(), dimension, batchSize);
  }

  /** Numbers of the galleries of all collections of one pack. */
  galleriesOf({ pack, packVersion }: PackId): number[] {
    const galleries: number[] = [];
    for (const { value } of this.#session.db.collections.getRange()) {
      if (value.pack === pack && value.packVersion === packVersion) galleries.push(value.gallery);
    }
    return galleries;
  }
}
