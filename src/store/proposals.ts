import type { Actor } from '../api/caller.ts';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import { requireCollection } from './collections.ts';
import { type Databases, type StoreContext, writeAs } from './databases.ts';
import { changeCounts } from './face-counts.ts';
import type { RowOfPack } from './faces.ts';
import { checkMayChange, labelsOfKey, STEP } from './key-steps.ts';
import { facesOf, forgetDismissals, putProposal, removeProposal, takeProposal } from './proposal-erasure.ts';
import type {
  CollectionRecord,
  FacePlace,
  KeyedLabels,
  Move,
  PackId,
  ProposalRecord,
  SetAside,
} from './records.ts';
import {
  changeSecond,
  incrementRowGenerations,
  isSamePack,
  removeRows,
  rowGalleriesOf,
} from './row-galleries.ts';

/** Faces in one transaction; blocks the event loop for a few milliseconds. */
export const MAX_PROPOSED = 256;

const UNDO_MS = 7 * 86_400_000;
/** Of a collection; a further one ends the oldest. */
const MAX_APPLIED = 1000;
/** A proposal of 256 long external keys takes milliseconds to read. */
const PAGE = 4;

export interface AppliedProposal extends ProposalRecord {
  readonly findingId: string;
  readonly undoUntil: number;
}

export interface ListedProposal extends Pick<ProposalRecord, 'kind' | 'appliedAt'> {
  readonly findingId: string;
  readonly externalKeys: readonly string[];
  readonly undoUntil: number;
}

export interface RestoredRow extends FacePlace, RowOfPack {}

export interface Undone {
  readonly externalKeys: readonly string[];
  readonly gallery: number;
  /** `gallery` is a row gallery. */
  readonly restored: readonly RestoredRow[];
}

export interface Proposal {
  readonly findingId: string;
  readonly kind: string;
  readonly gallery: number;
  /** The faces as they were examined. */
  readonly faces: readonly { readonly label: number; readonly externalKey: string | null }[];
  /** Keys whose faces must be these. */
  readonly keys: readonly KeyedLabels[];
  readonly others: readonly string[];
  readonly moves: readonly Move[];
  readonly removed: readonly number[];
}

export class Proposals {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  async list(gallery: number, now: number): Promise<ListedProposal[]> {
    const all: ListedProposal[] = [];
    for await (const [[, findingId], { kind, appliedAt, keys }] of this.#entries(gallery)) {
      const undoUntil = appliedAt + UNDO_MS;
      const externalKeys = keys.map(({ externalKey }) => externalKey);
      if (undoUntil > now) all.push({ findingId, kind, externalKeys, appliedAt, undoUntil });
    }
    return all.sort((a, b) => b.appliedAt - a.appliedAt);
  }

  async *#entries(gallery: number | null): AsyncGenerator<[[number, string], ProposalRecord]> {
    const turn = new Turn();
    const end = gallery === null ? {} : { end: [gallery + 1] };
    for (let start: unknown[] = [gallery ?? 0]; ; ) {
      const range = { start, ...end, limit: PAGE };
      const page = Array.from(this.#context.db.proposals.getRange(range as never));
      for (const { key, value } of page) yield [key as [number, string], value];
      const last = page.at(-1)?.key as [number, string] | undefined;
      if (!last || page.length < PAGE) return;
      start = [last[0], `${last[1]}!`];
      if (turn.isOver) await turn.next();
    }
  }

  has(gallery: number, findingId: string): boolean {
    return this.#context.db.proposals.doesExist([gallery, findingId]);
  }

  /** @param gallery null for all. */
  async expire(gallery: number | null, now: number): Promise<void> {
    const { db, writeStep, collectGarbage } = this.#context;
    let old: [number, string][] = [];
    let faces = 0;
    let hasErased = false;
    const erase = async () => {
      if (old.length === 0) return;
      const keys = old;
      [old, faces, hasErased] = [[], 0, true];
      await writeStep(() => {
        for (const [each, findingId] of keys) removeProposal(db, each, findingId);
      });
    };
    for await (const [key, record] of this.#entries(gallery)) {
      if (record.appliedAt + UNDO_MS > now) continue;
      old.push(key);
      faces += facesOf(record);
      if (faces >= STEP) await erase();
    }
    await erase();
    if (hasErased) collectGarbage();
  }

  /**
   * In one transaction. The caller then drops the removed faces from the index.
   * @throws `PRECONDITION_FAILED` if faces have changed; `COLLECTION_NOT_FOUND`, `FACE_NOT_ALLOWED`.
   */
  apply(owner: Actor, collectionId: string, proposal: Proposal, now: number): Promise<AppliedProposal> {
    const { db } = this.#context;
    const { findingId, kind, gallery, moves } = proposal;
    return writeAs(this.#context, owner, () => {
      const collection = requireCollection(db, owner, collectionId);
      if (collection.gallery !== gallery) throw changed();
      const isSame = proposal.faces.every(
        ({ label, externalKey }) => db.faces.get([gallery, label])?.externalKey === externalKey,
      );
      if (!isSame || db.proposals.doesExist([gallery, findingId])) throw changed();
      checkKeys(db, gallery, proposal.keys);
      const others = proposal.others.map((externalKey) => keyed(db, gallery, externalKey));
      const keys = [...proposal.keys, ...others];
      for (const { externalKey } of keys) checkMayChange(owner, externalKey);
      const removed = proposal.removed.map((label) => setAside(db, collection, label));
      this.#move(gallery, moves);
      this.#changed(gallery, keys, removed.length === 0 ? null : -removed.length);
      const after = keys.map(({ externalKey }) => keyed(db, gallery, externalKey));
      const record = { kind, appliedAt: now, moves, removed, keys: after };
      putProposal(db, gallery, findingId, record);
      this.#removeOldest(gallery);
      return { ...record, findingId, undoUntil: now + UNDO_MS };
    });
  }

  /**
   * In one transaction. The caller then adds the removed faces to the index.
   * @throws `NOT_FOUND` for an unknown or expired one; `PRECONDITION_FAILED` if faces have changed;
   * `COLLECTION_NOT_FOUND`, `FACE_NOT_ALLOWED`.
   */
  undo(owner: Actor, collectionId: string, findingId: string, now: number): Promise<Undone> {
    const { db } = this.#context;
    return writeAs(this.#context, owner, () => {
      const collection = requireCollection(db, owner, collectionId);
      const { gallery } = collection;
      const record = takeProposal(db, gallery, findingId);
      if (!record || record.appliedAt + UNDO_MS <= now) {
        throw new VisageError(
          'NOT_FOUND',
          'The collection has no applied proposal of this id that can be undone.',
        );
      }
      const { keys, moves, removed } = record;
      for (const { externalKey } of keys) checkMayChange(owner, externalKey);
      checkKeys(db, gallery, keys);
      this.#move(
        gallery,
        moves.map(({ label, from, to }) => ({ label, from: to, to: from })),
      );
      const restored = removed.flatMap((aside) => restore(db, collection, aside));
      this.#changed(gallery, keys, removed.length === 0 ? null : removed.length);
      return { externalKeys: keys.map(({ externalKey }) => externalKey), gallery, restored };
    });
  }

  #removeOldest(gallery: number): void {
    const { db } = this.#context;
    // lmdb writes into these options.
    const range = () => ({ start: [gallery] as never, end: [gallery + 1] as never });
    if (db.proposals.getKeysCount(range()) <= MAX_APPLIED) return;
    const oldest = Array.from(db.proposals.getKeys({ ...range(), limit: 1 }));
    for (const [, findingId] of oldest) removeProposal(db, gallery, findingId);
  }

  #move(gallery: number, moves: readonly Move[]): void {
    const { db } = this.#context;
    let named = 0;
    for (const { label, from, to } of moves) {
      const face = db.faces.get([gallery, label]);
      if (!face || face.externalKey !== from) throw changed();
      if (from !== null) db.externalKeys.remove([gallery, from, label]);
      if (to !== null) db.externalKeys.put([gallery, to, label], true);
      db.faces.put([gallery, label], { ...face, externalKey: to });
      named += (to === null ? 0 : 1) - (from === null ? 0 : 1);
    }
    if (named !== 0) changeCounts(db, gallery, { named });
  }

  /** @param keys with their labels before. @param faces added ones; null for no change of the index. */
  #changed(gallery: number, keys: readonly KeyedLabels[], faces: number | null): void {
    const { db, epochId, personChanged } = this.#context;
    let people = 0;
    for (const { externalKey, labels } of keys) {
      const isUsed = labelsOfKey(db, gallery, externalKey, 0, 1).length > 0;
      people += (isUsed ? 1 : 0) - (labels.length > 0 ? 1 : 0);
      while (!isUsed && !forgetDismissals(db, gallery, [externalKey]));
      personChanged(gallery, externalKey);
    }
    if (people !== 0) changeCounts(db, gallery, { people });
    if (faces !== null) incrementRowGenerations(db, gallery, epochId);
  }
}

function setAside(db: Databases, collection: CollectionRecord, label: number): SetAside {
  const { gallery } = collection;
  const face = db.faces.get([gallery, label]);
  if (!face) throw changed();
  const rows = packsOf(db, collection).flatMap(({ gallery: rowGallery, pack, packVersion }) => {
    const row = db.templates.get([rowGallery, label]);
    return row ? [{ pack, packVersion, row: Buffer.from(row) }] : [];
  });
  const isErased = label < (db.thumbnailGarbage.get(gallery) ?? 0);
  const thumbnail = isErased ? null : (db.thumbnails.get([gallery, label]) ?? null);
  const lastSeen = db.lastSeen.get([gallery, label]) ?? null;
  db.faces.remove([gallery, label]);
  removeRows(db, gallery, label);
  db.thumbnails.remove([gallery, label]);
  db.lastSeen.remove([gallery, label]);
  db.faceLabels.remove([gallery, face.faceId]);
  if (face.externalKey !== null) db.externalKeys.remove([gallery, face.externalKey, label]);
  changeCounts(db, gallery, { faces: -1, named: face.externalKey === null ? 0 : -1 });
  return { label, face, rows, thumbnail: thumbnail && Buffer.from(thumbnail), lastSeen };
}

function packsOf(
  db: Databases,
  { gallery, pack, packVersion }: CollectionRecord,
): (PackId & { readonly gallery: number })[] {
  const { current, second } = rowGalleriesOf(db, gallery);
  return [{ gallery: current, pack, packVersion }, ...(second ? [second] : [])];
}

function restore(db: Databases, collection: CollectionRecord, aside: SetAside): RestoredRow[] {
  const { gallery, storeThumbnails } = collection;
  const { label, face, rows, thumbnail, lastSeen } = aside;
  const { second } = rowGalleriesOf(db, gallery);
  const restored = packsOf(db, collection).flatMap((place) => {
    const own = rows.find((row) => isSamePack(row, place));
    return own ? [{ ...own, row: Buffer.from(own.row), gallery: place.gallery, label }] : [];
  });
  const isIn = (rowGallery: number | undefined) => restored.some((row) => row.gallery === rowGallery);
  if (!isIn(rowGalleriesOf(db, gallery).current)) throw changed();
  if (second?.state === 'moved' && !isIn(second.gallery)) throw changed();
  for (const row of restored) db.templates.put([row.gallery, label], row.row);
  if (second && isIn(second.gallery)) changeSecond(db, gallery, { faces: second.faces + 1 });
  db.faces.put([gallery, label], face);
  if (thumbnail && storeThumbnails) db.thumbnails.put([gallery, label], Buffer.from(thumbnail));
  if (lastSeen !== null) db.lastSeen.put([gallery, label], lastSeen);
  db.faceLabels.put([gallery, face.faceId], label);
  if (face.externalKey !== null) db.externalKeys.put([gallery, face.externalKey, label], true);
  changeCounts(db, gallery, { faces: 1, named: face.externalKey === null ? 0 : 1 });
  return restored;
}

/** At most one face more than a proposal may name. */
function keyed(db: Databases, gallery: number, externalKey: string): KeyedLabels {
  return { externalKey, labels: labelsOfKey(db, gallery, externalKey, 0, MAX_PROPOSED + 1) };
}

function checkKeys(db: Databases, gallery: number, keys: readonly KeyedLabels[]): void {
  for (const { externalKey, labels } of keys) {
    const now = labelsOfKey(db, gallery, externalKey, 0, Math.min(labels.length, MAX_PROPOSED) + 1);
    if (now.length !== labels.length || now.some((label, i) => label !== labels[i])) throw changed();
  }
}

export function changed(): VisageError {
  return new VisageError(
    'PRECONDITION_FAILED',
    'The faces or external keys of this finding have changed meanwhile. Nothing was changed. Examine the collection again.',
  );
}
