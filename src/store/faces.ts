import type { Actor } from '../api/caller.ts';
import { inTurns, Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { SearchSpace } from '../native/gallery-index.ts';
import { isNamedInAnswers, markAnswers } from './answer-erasure.ts';
import { findCollection, requireCollection } from './collections.ts';
import {
  allocateNumber,
  type CollectionKey,
  type Databases,
  type FaceKey,
  type StoreContext,
  writeAs,
} from './databases.ts';
import { markErased, markUnusedName } from './event-erasure.ts';
import { changeCounts, countsOf } from './face-counts.ts';
import { type GalleryState, hasBeen, stateOf } from './generations.ts';
import { checkMayChange, keysOfOnly, labelsOfKey, STEP, stepsOfKey, unusedKeys } from './key-steps.ts';
import { forgetProposals } from './proposal-erasure.ts';
import { RecordCache } from './record-cache.ts';
import {
  type CollectionRecord,
  type FaceCounts,
  type FacePlace,
  type FaceRecord,
  type NewExternalKey,
  type NewFace,
  newIdentifier,
  type PackId,
  type RowBatch,
  type RowGalleries,
} from './records.ts';

import {
  changeSecond,
  incrementRowGenerations,
  isSamePack,
  removeRows,
  rowGalleriesOf,
} from './row-galleries.ts';

const PAGE = 256;
/** Templates per transaction. */
const CONVERTED = 256;
const CONVERTING_MS = 4;

/** @throws `FACE_NOT_FOUND`. */
export function requireLabel(db: Databases, gallery: number, faceId: string): number {
  const label = db.faceLabels.get([gallery, faceId]);
  if (label === undefined) throw new VisageError('FACE_NOT_FOUND', 'The collection has no face of this id.');
  return label;
}

/**
 * @returns whether the key is new.
 * @throws `EXTERNAL_KEY_CONFLICT` without `allowDuplicates`.
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

export function requireFace(db: Databases, gallery: number, label: number): FaceRecord {
  const face = db.faces.get([gallery, label]);
  if (!face) throw new Error(`Label ${label} of gallery ${gallery} has no face`);
  return face;
}

function removeFace(db: Databases, { gallery, label }: FacePlace, face: FaceRecord): void {
  db.faces.remove([gallery, label]);
  removeRows(db, gallery, label);
  db.thumbnails.remove([gallery, label]);
  db.faceLabels.remove([gallery, face.faceId]);
  if (face.externalKey !== null) db.externalKeys.remove([gallery, face.externalKey, label]);
  db.lastSeen.remove([gallery, label]);
}

/** Each range costs a cursor, so faces of one external key share checks. */
function forgetFaces(db: Databases, gallery: number, faces: readonly LabelledFace[]): void {
  const hasAnswers = isNamedInAnswers(db, gallery);
  for (const { label, face } of faces) {
    markErased(db, gallery, label);
    if (hasAnswers) markAnswers(db, gallery, face.faceId);
  }
  for (const externalKey of new Set(faces.map(({ face }) => face.externalKey))) {
    markUnusedName(db, gallery, externalKey);
  }
}

export function removeFaces(db: Databases, gallery: number, faces: readonly LabelledFace[]): void {
  for (const { label, face } of faces) removeFace(db, { gallery, label }, face);
  forgetFaces(db, gallery, faces);
}

function bytesOfTemplate({ dimension }: SearchSpace): number {
  return dimension * Float32Array.BYTES_PER_ELEMENT;
}

function* batches(
  entries: Iterable<{ readonly label: number; readonly bytes: Uint8Array }>,
  batchSize: number,
): Generator<RowBatch> {
  let count = 0;
  let labels = new BigInt64Array(batchSize);
  let rows = new Uint8Array(0);
  let length = 0;
  const batch = () => ({ labels: labels.subarray(0, count), rows: rows.subarray(0, count * length) });
  for (const { label, bytes } of entries) {
    if (bytes.length !== length || count === batchSize) {
      if (count > 0) yield batch();
      count = 0;
      length = bytes.length;
      labels = new BigInt64Array(batchSize);
      rows = new Uint8Array(batchSize * length);
    }
    rows.set(bytes, count * length);
    labels[count++] = BigInt(label);
  }
  if (count > 0) yield batch();
}

export interface LabelledFace {
  readonly label: number;
  readonly face: FaceRecord;
}

export interface RowOfPack extends PackId {
  readonly row: Uint8Array;
}

export interface AddedFace extends FacePlace {
  readonly faceId: string;
  readonly rows: readonly (RowOfPack & { readonly gallery: number })[];
  readonly isNewKey: boolean;
}

export interface RemovedFace extends FacePlace {
  readonly faceId: string;
  readonly externalKey: string | null;
}

interface RemovalStep {
  readonly labels: readonly number[];
  readonly others: readonly string[];
  readonly next: number;
}

export class Faces {
  readonly #context: StoreContext;
  readonly #records: RecordCache<FaceRecord, FaceKey>;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#records = new RecordCache(context, context.db.faces);
  }

  get(place: FacePlace): FaceRecord | null {
    return this.#records.get([place.gallery, place.label]) ?? null;
  }

  byId(gallery: number, faceId: string): LabelledFace | null {
    const label = this.#context.db.faceLabels.get([gallery, faceId]);
    const face = label === undefined ? null : this.get({ gallery, label });
    return label === undefined || face === null ? null : { label, face };
  }

  rowGalleries(gallery: number): RowGalleries {
    return rowGalleriesOf(this.#context.db, gallery);
  }

  hasRows(gallery: number, rowGallery: number): boolean {
    const { current, second } = this.rowGalleries(gallery);
    return rowGallery === current || rowGallery === second?.gallery;
  }

  /** The row gallery with a row of this pack for every face; null for none. */
  rowsFor(collection: CollectionRecord, packId: PackId): number | null {
    const { current, second } = this.rowGalleries(collection.gallery);
    if (isSamePack(collection, packId)) return current;
    return second?.state === 'moved' && isSamePack(second, packId) ? second.gallery : null;
  }

  /** The template until its gallery is converted. @param gallery row gallery. */
  row({ gallery, label }: FacePlace): Uint8Array | null {
    return this.#context.db.templates.get([gallery, label]) ?? null;
  }

  list(gallery: number, after: number, limit: number): LabelledFace[] {
    const range = this.#context.db.faces.getRange({
      start: [gallery, after + 1],
      end: [gallery + 1],
      limit,
    });
    return Array.from(range, ({ key, value }) => ({ label: key[1], face: value }));
  }

  /** Includes galleries under removal. */
  get total(): number {
    return (this.#context.db.faces.getStats() as { readonly entryCount: number }).entryCount;
  }

  counts(gallery: number): FaceCounts {
    return countsOf(this.#context.db, gallery);
  }

  count(gallery: number): number {
    const { current } = this.rowGalleries(gallery);
    return this.rowCount(current);
  }

  /** Reads a counter. @param gallery row gallery. */
  countedRows(gallery: number): number {
    const { db } = this.#context;
    for (const { key, value } of db.rowGalleries.getRange()) {
      if (value.current === gallery) return countsOf(db, key).faces;
      if (value.second?.gallery === gallery) return value.second.faces;
    }
    return countsOf(db, gallery).faces;
  }

  /** Scans. @param gallery row gallery. */
  rowCount(gallery: number): number {
    return this.#context.db.templates.getKeysCount({ start: [gallery], end: [gallery + 1] });
  }

  /**
   * @param others rows of other packs, for migrations.
   * @throws `COLLECTION_NOT_FOUND`, `EXTERNAL_KEY_CONFLICT`; `NOT_READY` for another model pack.
   */
  add(
    owner: Actor,
    collectionId: string,
    { thumbnail = null, ...face }: NewFace,
    row: Uint8Array,
    key: NewExternalKey | null = null,
    others: readonly RowOfPack[] = [],
  ): Promise<AddedFace> {
    const { db } = this.#context;
    const given = [{ pack: face.pack, packVersion: face.packVersion, row }, ...others];
    return writeAs(this.#context, owner, () => {
      const { gallery, pack, packVersion, storeThumbnails } = requireCollection(db, owner, collectionId);
      const { current, second } = rowGalleriesOf(db, gallery);
      const own = given.find((each) => isSamePack(each, { pack, packVersion }));
      if (!own) {
        throw new VisageError(
          'NOT_READY',
          'The collection was reset to another model pack meanwhile. Send the request again.',
        );
      }
      const isNewKey = key !== null && checkKey(db, gallery, key);
      const label = allocateNumber(db, 'nextLabel');
      const faceId = newIdentifier('face_', face.createdAt);
      const named = { faceId, externalKey: key?.externalKey ?? null };
      db.faces.put([gallery, label], { ...face, pack, packVersion, ...named });
      if (key) db.externalKeys.put([gallery, key.externalKey, label], true);
      const rows = [{ ...own, gallery: current }];
      const other = second && given.find((each) => isSamePack(each, second));
      if (second && other) {
        rows.push({ ...other, gallery: second.gallery });
        changeSecond(db, gallery, { faces: second.faces + 1 });
      }
      for (const { gallery, row } of rows) db.templates.put([gallery, label], row);
      // Collections may stop keeping crops during a call.
      if (thumbnail && storeThumbnails) db.thumbnails.put([gallery, label], thumbnail);
      db.faceLabels.put([gallery, faceId], label);
      if (key) this.#context.personChanged(gallery, key.externalKey);
      changeCounts(db, gallery, { faces: 1, named: key ? 1 : 0, people: isNewKey ? 1 : 0 });
      incrementRowGenerations(db, gallery, this.#context.epochId);
      return { gallery, label, faceId, isNewKey, rows };
    });
  }

  /** @throws `COLLECTION_NOT_FOUND`, `FACE_NOT_FOUND`, `FACE_NOT_ALLOWED`. */
  async removeById(owner: Actor, collectionId: string, faceId: string): Promise<FacePlace[]> {
    const { db, collectGarbage } = this.#context;
    let forgotten = 0;
    const remove = () => {
      const { gallery } = requireCollection(db, owner, collectionId);
      if (!owner.allowedExternalKeys && !db.faceLabels.doesExist([gallery, faceId])) {
        const { count, isDone } = forgetProposals(db, gallery, [faceId]);
        forgotten += count;
        if (forgotten > 0) return isDone ? [] : null;
      }
      return this.#remove(owner, gallery, [requireLabel(db, gallery, faceId)]);
    };
    let removed: RemovedFace[] | null = null;
    while (!removed) removed = await writeAs(this.#context, owner, remove);
    collectGarbage();
    return removed;
  }

  /**
   * See `stepsOfKey`.
   * @throws `COLLECTION_NOT_FOUND`, `FACE_NOT_FOUND`, `FACE_NOT_ALLOWED`.
   */
  async *removeByExternalKey(
    owner: Actor,
    collectionId: string,
    externalKey: string,
  ): AsyncGenerator<FacePlace[]> {
    let forgotten = 0;
    yield* stepsOfKey(this.#context, owner, collectionId, externalKey, ({ gallery, labels }) => {
      if (labels.length > 0) return this.#remove(owner, gallery, labels);
      const { count, isDone } = forgetProposals(this.#context.db, gallery, [externalKey]);
      forgotten += count;
      if (forgotten > 0) return isDone ? [] : null;
      throw new VisageError('FACE_NOT_FOUND', 'The collection has no face with this external key.');
    });
    this.#context.collectGarbage();
  }

  /**
   * Yields each step's removed places when durable. Stops if the collection is reset or deleted.
   * @throws `COLLECTION_NOT_FOUND`; `FACE_NOT_ALLOWED` before the first removal.
   */
  async *removeByExternalKeys(
    owner: Actor,
    collectionId: string,
    externalKeys: readonly string[],
  ): AsyncGenerator<RemovedFace[]> {
    const { db } = this.#context;
    const keys = Array.from(new Set(externalKeys));
    for (const key of keys) checkMayChange(owner, key);
    // Keeps later faces, or a busy key would never end.
    const newest = (db.meta.get('nextLabel') ?? 1) - 1;
    yield* this.#removeInSteps(owner, collectionId, keys.length, (gallery, from) => {
      const labels: number[] = [];
      const others: string[] = [];
      let next = from;
      for (const end = Math.min(from + STEP, keys.length); next < end; next++) {
        const key = keys[next] as string;
        const room = STEP - labels.length;
        const own = labelsOfKey(db, gallery, key, 0, room, newest);
        if (own.length === 0 && labelsOfKey(db, gallery, key, 0, 1).length === 0) others.push(key);
        labels.push(...own);
        if (own.length === room) break;
      }
      return { labels, others, next };
    });
  }

  async *removeByIds(
    owner: Actor,
    collectionId: string,
    faceIds: readonly string[],
  ): AsyncGenerator<RemovedFace[]> {
    const { db } = this.#context;
    const ids = Array.from(new Set(faceIds));
    if (owner.allowedExternalKeys) {
      const { gallery } = requireCollection(db, owner, collectionId);
      for await (const faceId of inTurns(ids)) {
        const found = this.byId(gallery, faceId);
        if (found) checkMayChange(owner, found.face.externalKey);
      }
    }
    yield* this.#removeInSteps(owner, collectionId, ids.length, (gallery, from) => {
      const step = ids.slice(from, from + STEP);
      const labels = step.flatMap((id) => db.faceLabels.get([gallery, id]) ?? []);
      const isRemoved = (id: string) => !db.faceLabels.doesExist([gallery, id]);
      const others = owner.allowedExternalKeys ? [] : step.filter(isRemoved);
      return { labels, others, next: from + step.length };
    });
  }

  async *#removeInSteps(
    owner: Actor,
    collectionId: string,
    count: number,
    select: (gallery: number, from: number) => RemovalStep,
  ): AsyncGenerator<RemovedFace[]> {
    const { db, writeStep, collectGarbage } = this.#context;
    let first: number | null = null;
    try {
      for (let from = 0, isLast = false; !isLast; ) {
        const step = await writeStep(() => {
          owner.confirm?.();
          first ??= requireCollection(db, owner, collectionId).gallery;
          if (findCollection(db, owner, collectionId)?.gallery !== first) return null;
          const { labels, others, next } = select(first, from);
          const removed = this.#remove(owner, first, labels, others);
          return removed ? { removed, next } : { removed: [], next: from };
        });
        if (!step) return;
        if (step.removed.length > 0) yield step.removed;
        from = step.next;
        isLast = from >= count;
      }
    } finally {
      collectGarbage();
    }
  }

  /**
   * @param others names without a face.
   * @returns null if proposals remain for another transaction.
   */
  #remove(
    owner: Actor,
    gallery: number,
    labels: readonly number[],
    others: readonly string[] = [],
  ): RemovedFace[] | null {
    const { db, epochId } = this.#context;
    const faces = labels.map((label) => ({ label, face: requireFace(db, gallery, label) }));
    for (const { face } of faces) checkMayChange(owner, face.externalKey);
    const keys = faces.flatMap(({ face }) => face.externalKey ?? []);
    const named = [...labels, ...keysOfOnly(db, gallery, keys), ...others];
    if (!forgetProposals(db, gallery, named).isDone) return null;
    if (faces.length === 0) return [];
    incrementRowGenerations(db, gallery, epochId);
    removeFaces(db, gallery, faces);
    for (const key of new Set(keys)) this.#context.personChanged(gallery, key);
    changeCounts(db, gallery, {
      faces: -labels.length,
      named: -keys.length,
      people: -unusedKeys(db, gallery, keys),
    });
    return faces.map(({ label, face: { faceId, externalKey } }) => ({ gallery, label, faceId, externalKey }));
  }

  /** @param gallery row gallery, here and below. */
  *labels(gallery: number): Generator<number> {
    for (const key of this.#context.db.templates.getKeys({ start: [gallery], end: [gallery + 1] })) {
      yield key[1];
    }
  }

  state(gallery: number): GalleryState {
    return stateOf(this.#context.db, gallery);
  }

  hasBeen(gallery: number, state: GalleryState): boolean {
    return hasBeen(this.#context.db, gallery, state);
  }

  rows(gallery: number, batchSize: number): Generator<RowBatch> {
    const range = this.#context.db.templates.getRange({ start: [gallery], end: [gallery + 1] });
    const entries = range.map(({ key, value }) => ({ label: key[1], bytes: value }));
    return batches(entries, batchSize);
  }

  /** Skips missing labels. */
  rowsAt(gallery: number, labels: readonly number[], batchSize: number): Generator<RowBatch> {
    const { templates } = this.#context.db;
    const entries = function* () {
      for (const label of labels) {
        const bytes = templates.get([gallery, label]);
        if (bytes) yield { label, bytes };
      }
    };
    return batches(entries(), batchSize);
  }

  /** Galleries that may hold templates of schema 3. */
  unconverted(): number[] {
    return [...this.#context.db.unconverted.getKeys()];
  }

  /**
   * Converts some templates to rows. Labels and generation stay.
   * @param space null if the gallery belongs to no collection.
   * @returns whether more may follow.
   */
  async convertSome(gallery: number, space: SearchSpace | null): Promise<boolean> {
    const { db, writeStep } = this.#context;
    return writeStep(() => {
      const last = db.unconverted.get(gallery);
      if (last === undefined) return false;
      const until = performance.now() + CONVERTING_MS;
      const range = db.templates.getRange({
        start: [gallery, last + 1],
        end: [gallery + 1],
        limit: CONVERTED,
      });
      for (const { key, value } of space === null ? [] : Array.from(range)) {
        if (space !== null && value.length === bytesOfTemplate(space)) {
          db.templates.put(key, space.row(new Float32Array(Uint8Array.from(value).buffer)));
        }
        db.unconverted.put(gallery, key[1]);
        if (performance.now() > until) return true;
      }
      const isDone = db.unconverted.get(gallery) === last;
      if (isDone) db.unconverted.remove(gallery);
      return !isDone;
    });
  }

  async packOf(gallery: number): Promise<PackId | null> {
    const turn = new Turn();
    const { collections } = this.#context.db;
    let after: CollectionKey | undefined;
    for (;;) {
      const from = after === undefined ? {} : { start: after, exclusiveStart: true };
      const page = Array.from(collections.getRange({ ...from, limit: PAGE }));
      for (const { value } of page) {
        const { current, second } = this.rowGalleries(value.gallery);
        const found = current === gallery ? value : second?.gallery === gallery ? second : null;
        if (found) return { pack: found.pack, packVersion: found.packVersion };
      }
      if (page.length < PAGE) return null;
      after = page.at(-1)?.key;
      if (turn.isOver) await turn.next();
    }
  }

  galleriesOf(packId: PackId): number[] {
    const galleries: number[] = [];
    for (const { value } of this.#context.db.collections.getRange()) {
      const { current, second } = this.rowGalleries(value.gallery);
      if (isSamePack(value, packId)) galleries.push(current);
      if (second && isSamePack(second, packId)) galleries.push(second.gallery);
    }
    return galleries;
  }
}
