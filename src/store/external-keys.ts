import type { Actor, Owner } from '../api/caller.ts';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import { requireCollection } from './collections.ts';
import { type Databases, type StoreContext, writeAs } from './databases.ts';
import { markUnusedName } from './event-erasure.ts';
import { changeCounts } from './face-counts.ts';
import { checkKey, requireFace, requireLabel } from './faces.ts';
import { checkMayChange, keysOfOnly, labelsOfKey, stepsOfKey, unusedKeys } from './key-steps.ts';
import { forgetProposals } from './proposal-erasure.ts';
import type { NewExternalKey } from './records.ts';

const PAGE = 1000;

export interface Renaming {
  readonly externalKey: string;
  readonly newExternalKey: string;
  readonly merge: boolean;
}

/** @returns false if proposals remain for another transaction. */
function forgetOnly(db: Databases, gallery: number, externalKey: string, labels: readonly number[]): boolean {
  if (labelsOfKey(db, gallery, externalKey, 0, labels.length + 1).length > labels.length) return true;
  return forgetProposals(db, gallery, [externalKey]).isDone;
}

/** Several faces may share a key. */
export class ExternalKeys {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * @throws `COLLECTION_NOT_FOUND`, `FACE_NOT_FOUND`, `FACE_NOT_ALLOWED`; `EXTERNAL_KEY_CONFLICT` without
   * `allowDuplicates`.
   */
  async set(
    owner: Actor,
    collectionId: string,
    { faceId, externalKey, allowDuplicates }: NewExternalKey & { faceId: string },
  ): Promise<'Created' | 'Updated'> {
    const { db, collectGarbage } = this.#context;
    const change = () => {
      const { gallery } = requireCollection(db, owner, collectionId);
      const label = requireLabel(db, gallery, faceId);
      const face = requireFace(db, gallery, label);
      checkMayChange(owner, face.externalKey);
      checkMayChange(owner, externalKey);
      if (face.externalKey === externalKey) return 'Updated';
      const isNew = checkKey(db, gallery, { externalKey, allowDuplicates });
      const before = face.externalKey === null ? [] : [face.externalKey];
      if (!forgetProposals(db, gallery, keysOfOnly(db, gallery, before)).isDone) return null;
      if (face.externalKey !== null) db.externalKeys.remove([gallery, face.externalKey, label]);
      db.externalKeys.put([gallery, externalKey, label], true);
      db.faces.put([gallery, label], { ...face, externalKey });
      for (const key of [...before, externalKey]) this.#context.personChanged(gallery, key);
      const unused = unusedKeys(db, gallery, before);
      const named = face.externalKey === null ? 1 : 0;
      changeCounts(db, gallery, { named, people: (isNew ? 1 : 0) - unused });
      markUnusedName(db, gallery, face.externalKey);
      return face.externalKey === null ? 'Created' : 'Updated';
    };
    let result: 'Created' | 'Updated' | null = null;
    while (!result) result = await writeAs(this.#context, owner, change);
    collectGarbage();
    return result;
  }

  /**
   * @param after a label.
   * @throws `COLLECTION_NOT_FOUND`.
   */
  faces(
    owner: Owner,
    collectionId: string,
    externalKey: string,
    after: number,
    limit: number,
  ): { readonly label: number; readonly faceId: string }[] {
    const { db } = this.#context;
    const { gallery } = requireCollection(db, owner, collectionId);
    return labelsOfKey(db, gallery, externalKey, after, limit).map((label) => ({
      label,
      faceId: requireFace(db, gallery, label).faceId,
    }));
  }

  first(gallery: number, externalKey: string, limit: number): number[] {
    return labelsOfKey(this.#context.db, gallery, externalKey, 0, limit);
  }

  async count(gallery: number, externalKeys: readonly string[]): Promise<number> {
    const turn = new Turn();
    let count = 0;
    for (const externalKey of new Set(externalKeys)) {
      for (let after = 0, isLast = false; !isLast; ) {
        const page = labelsOfKey(this.#context.db, gallery, externalKey, after, PAGE);
        count += page.length;
        after = page.at(-1) ?? 0;
        isLast = page.length < PAGE;
        if (turn.isOver) await turn.next();
      }
    }
    return count;
  }

  async labels(gallery: number, externalKeys: readonly string[]): Promise<number[]> {
    const turn = new Turn();
    const labels: number[] = [];
    for (const externalKey of new Set(externalKeys)) {
      for (let after = 0, isLast = false; !isLast; after = labels.at(-1) ?? 0) {
        const page = labelsOfKey(this.#context.db, gallery, externalKey, after, PAGE);
        labels.push(...page);
        isLast = page.length < PAGE;
        if (turn.isOver) await turn.next();
      }
    }
    return labels;
  }

  async oldest(
    gallery: number,
    externalKeys: readonly string[],
    after: number,
    limit: number,
  ): Promise<number[]> {
    const turn = new Turn();
    let oldest: number[] = [];
    for (const externalKey of new Set(externalKeys)) {
      const last = oldest.length < limit ? undefined : oldest.at(-1);
      const page = labelsOfKey(this.#context.db, gallery, externalKey, after, limit, last);
      if (page.length > 0) oldest = [...oldest, ...page].sort((a, b) => a - b).slice(0, limit);
      if (turn.isOver) await turn.next();
    }
    return oldest;
  }

  /**
   * In steps: meanwhile, each face has one key or the other.
   * @throws `COLLECTION_NOT_FOUND`, `FACE_NOT_ALLOWED`, `FACE_NOT_FOUND`; `EXTERNAL_KEY_CONFLICT` without
   * `merge`.
   */
  async rename(
    owner: Actor,
    collectionId: string,
    { externalKey, newExternalKey, merge }: Renaming,
  ): Promise<void> {
    const { db, personChanged, collectGarbage } = this.#context;
    checkMayChange(owner, newExternalKey);
    let isFirst = true;
    const steps = stepsOfKey(this.#context, owner, collectionId, externalKey, ({ gallery, labels }) => {
      if (labels.length === 0) {
        throw new VisageError('FACE_NOT_FOUND', 'The collection has no face with this external key.');
      }
      const isNew = labelsOfKey(db, gallery, newExternalKey, 0, 1).length === 0;
      if (isFirst && !isNew && !merge) {
        throw new VisageError(
          'EXTERNAL_KEY_CONFLICT',
          'Other faces have the new external key. Set merge to join both people.',
        );
      }
      if (!forgetOnly(db, gallery, externalKey, labels)) return null;
      for (const label of labels) {
        db.externalKeys.remove([gallery, externalKey, label]);
        db.externalKeys.put([gallery, newExternalKey, label], true);
        db.faces.put([gallery, label], {
          ...requireFace(db, gallery, label),
          externalKey: newExternalKey,
        });
      }
      const people = (isNew ? 1 : 0) - unusedKeys(db, gallery, [externalKey]);
      if (people !== 0) changeCounts(db, gallery, { people });
      markUnusedName(db, gallery, externalKey);
      for (const key of [externalKey, newExternalKey]) personChanged(gallery, key);
      return true;
    });
    for await (const _ of steps) isFirst = false;
    collectGarbage();
  }

  /**
   * Keeps the faces; see `stepsOfKey`.
   * @throws `COLLECTION_NOT_FOUND`, `FACE_NOT_ALLOWED`.
   */
  async remove(
    owner: Actor,
    collectionId: string,
    externalKey: string,
    faceId: string | null,
  ): Promise<void> {
    const { db } = this.#context;
    const take = (gallery: number, labels: readonly number[]) => {
      if (!forgetOnly(db, gallery, externalKey, labels)) return null;
      for (const label of labels) {
        db.externalKeys.remove([gallery, externalKey, label]);
        db.faces.put([gallery, label], { ...requireFace(db, gallery, label), externalKey: null });
      }
      if (labels.length === 0) return true;
      markUnusedName(db, gallery, externalKey);
      this.#context.personChanged(gallery, externalKey);
      const people = -unusedKeys(db, gallery, [externalKey]);
      changeCounts(db, gallery, { named: -labels.length, people });
      return true;
    };
    if (faceId === null) {
      const steps = stepsOfKey(this.#context, owner, collectionId, externalKey, ({ gallery, labels }) =>
        take(gallery, labels),
      );
      for await (const _ of steps);
      this.#context.collectGarbage();
      return;
    }
    const takeOne = () => {
      const { gallery } = requireCollection(db, owner, collectionId);
      checkMayChange(owner, externalKey);
      const label = db.faceLabels.get([gallery, faceId]);
      const isNamed = label !== undefined && db.externalKeys.doesExist([gallery, externalKey, label]);
      return isNamed ? take(gallery, [label]) : true;
    };
    while (!(await writeAs(this.#context, owner, takeOne)));
    this.#context.collectGarbage();
  }
}
