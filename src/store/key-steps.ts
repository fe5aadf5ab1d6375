import type { Actor } from '../api/caller.ts';
import { VisageError } from '../errors.ts';
import { findCollection, requireCollection } from './collections.ts';
import type { Databases, StoreContext } from './databases.ts';
import type { FacePlace } from './records.ts';

export const STEP = 64;

/** @throws `FACE_NOT_ALLOWED`. */
export function checkMayChange({ allowedExternalKeys }: Actor, externalKey: string | null): void {
  if (!allowedExternalKeys || (externalKey !== null && allowedExternalKeys.includes(externalKey))) return;
  throw new VisageError(
    'FACE_NOT_ALLOWED',
    'This API key may only change faces with one of its allowed external keys.',
  );
}

/** Excludes `after`, includes `last`. */
export function labelsOfKey(
  db: Databases,
  gallery: number,
  externalKey: string,
  after: number,
  limit: number,
  last = Number.MAX_SAFE_INTEGER - 1,
): number[] {
  const range = db.externalKeys.getKeys({
    start: [gallery, externalKey, after + 1],
    end: [gallery, externalKey, last + 1],
    limit,
  });
  return Array.from(range, (key) => key[2]);
}

/** Keys that only these faces have. @param externalKeys of the faces. */
export function keysOfOnly(db: Databases, gallery: number, externalKeys: readonly string[]): string[] {
  const faces = new Map<string, number>();
  for (const key of externalKeys) faces.set(key, (faces.get(key) ?? 0) + 1);
  const isOnly = ([key, count]: [string, number]) =>
    labelsOfKey(db, gallery, key, 0, count + 1).length === count;
  return [...faces].filter(isOnly).map(([key]) => key);
}

export function unusedKeys(db: Databases, gallery: number, externalKeys: readonly string[]): number {
  let unused = 0;
  for (const externalKey of new Set(externalKeys)) {
    if (labelsOfKey(db, gallery, externalKey, 0, 1).length === 0) unused++;
  }
  return unused;
}

function lastLabelOfKey(db: Databases, gallery: number, externalKey: string): number {
  const range = db.externalKeys.getKeys({
    start: [gallery, externalKey, Number.MAX_SAFE_INTEGER],
    end: [gallery, externalKey, 0],
    reverse: true,
    limit: 1,
  });
  for (const [, , label] of range) return label;
  return 0;
}

export interface KeyStep {
  readonly gallery: number;
  readonly labels: readonly number[];
}

/**
 * Covers the faces that had the key at the start. `step` must remove the key from each, or return null to get
 * them again. Yielded steps are durable. Stops if the collection is reset or deleted.
 * @throws errors of `step`; `COLLECTION_NOT_FOUND`, `FACE_NOT_ALLOWED`.
 */
export async function* stepsOfKey<T>(
  { db, writeStep }: StoreContext,
  owner: Actor,
  collectionId: string,
  externalKey: string,
  step: (faces: KeyStep) => T | null,
): AsyncGenerator<T> {
  let last: FacePlace | null = null;
  let isFirst = true;
  const begin = (): FacePlace => {
    const { gallery } = requireCollection(db, owner, collectionId);
    return { gallery, label: lastLabelOfKey(db, gallery, externalKey) };
  };
  const next = () => {
    owner.confirm?.();
    checkMayChange(owner, externalKey);
    last ??= begin();
    const { gallery, label } = last;
    if (findCollection(db, owner, collectionId)?.gallery !== gallery) return null;
    const labels = labelsOfKey(db, gallery, externalKey, 0, STEP, label);
    if (labels.length === 0 && !isFirst) return null;
    const result = step({ gallery, labels });
    return { result, isLast: result !== null && labels.length < STEP };
  };
  for (;;) {
    const done = await writeStep(next);
    if (!done) return;
    if (done.result === null) continue;
    isFirst = false;
    yield done.result;
    if (done.isLast) return;
  }
}
