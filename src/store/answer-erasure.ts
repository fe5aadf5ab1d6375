/**
 * Removes kept answers of calls with an `Idempotency-Key`. `answersByFace` lists answers that name a face id
 * or external key; `answerGarbage` marks names whose answers await erasure.
 */
import type { AnswerKey, CallKey, CallRecord, Databases } from './databases.ts';
import { labelsOfKey } from './key-steps.ts';

/** Size that limits count for a call without an answer. */
export const CALL_BYTES = 256;
export const NO_GALLERY = 0;

function entriesOf(db: Databases, gallery: number, name: string, limit: number) {
  const range = { start: [gallery, name], end: [gallery, name, '\uffff'], limit } as never;
  return Array.from(db.answersByFace.getKeys(range));
}

export function isNamedInAnswers(db: Databases, gallery: number): boolean {
  return db.answersByFace.getKeysCount({ start: [gallery], end: [gallery + 1], limit: 1 } as never) > 0;
}

/** Readers hide marked answers at once. */
export function markAnswers(db: Databases, gallery: number, name: string): void {
  if (entriesOf(db, gallery, name, 1).length > 0) db.answerGarbage.put([gallery, name], true);
}

export function isNamedStill(
  db: Databases,
  gallery: number,
  {
    faceIds,
    externalKeys,
  }: { readonly faceIds: readonly string[]; readonly externalKeys: readonly string[] },
): boolean {
  if (gallery === NO_GALLERY) return true;
  return (
    !db.garbage.doesExist(gallery) &&
    faceIds.every((faceId) => db.faceLabels.doesExist([gallery, faceId])) &&
    externalKeys.every((externalKey) => labelsOfKey(db, gallery, externalKey, 0, 1).length > 0)
  );
}

export function changeSizes(db: Databases, accountId: string, bytes: number): void {
  for (const key of [accountId, '']) {
    const size = (db.callSizes.get(key) ?? 0) + bytes;
    if (size > 0) db.callSizes.put(key, size);
    else db.callSizes.remove(key);
  }
}

function removeAnswer(db: Databases, key: CallKey, { gallery }: CallRecord): void {
  if (gallery === undefined) return;
  const answerKey: AnswerKey = [gallery, ...key];
  const answer = db.answers.get(answerKey);
  for (const name of [...(answer?.faceIds ?? []), ...(answer?.externalKeys ?? [])]) {
    db.answersByFace.remove([gallery, name, ...key]);
  }
  db.answers.remove(answerKey);
}

/** Keeps the call, so that a retry cannot repeat it. */
function eraseAnswer(db: Databases, key: CallKey): void {
  const record = db.calls.get(key);
  if (!record) return;
  removeAnswer(db, key, record);
  const { at, bounds, size } = record;
  changeSizes(db, key[0], CALL_BYTES - size);
  db.calls.put(key, { at, bounds, size: CALL_BYTES, state: 'erased' });
}

export function removeCall(db: Databases, key: CallKey, record: CallRecord): void {
  removeAnswer(db, key, record);
  const [accountId, callerId, mac] = key;
  db.callQueue.remove([accountId, record.at, callerId, mac]);
  db.calls.remove(key);
  changeSizes(db, accountId, -record.size);
}

/** @returns true if none remain. */
export function eraseAnswersOf(db: Databases, gallery: number, name: string, limit: number): boolean {
  const entries = entriesOf(db, gallery, name, limit);
  for (const entry of entries) {
    const [, , ...key] = entry;
    eraseAnswer(db, key);
    db.answersByFace.remove(entry);
  }
  if (entries.length === limit) return false;
  db.answerGarbage.remove([gallery, name]);
  return true;
}

/** @returns true if none remain. */
export function eraseAnswersIn(db: Databases, gallery: number, limit: number): boolean {
  const range = { start: [gallery], end: [gallery + 1], limit } as never;
  const entries = Array.from(db.answersByFace.getKeys(range));
  for (const entry of entries) {
    const [, , ...key] = entry;
    eraseAnswer(db, key);
    db.answersByFace.remove(entry);
  }
  if (entries.length === limit) return false;
  for (const key of Array.from(db.answerGarbage.getKeys(range))) db.answerGarbage.remove(key);
  return true;
}
