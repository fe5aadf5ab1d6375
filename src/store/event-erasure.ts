/**
 * Erases faces and names from events. `eventsByFace` lists events of faces by label, of names without a face
 * by external key, and of crops without either by `NO_FACE`. `eventGarbage` marks what awaits erasure.
 */

import { markAnswers } from './answer-erasure.ts';
import type { Databases, EventFaceKey, EventOwner } from './databases.ts';
import type { EventRecord } from './event-records.ts';
import { labelsOfKey } from './key-steps.ts';

export const NO_FACE = 0;

export type EventTarget = string | number;

function entriesOf(db: Databases, gallery: number, target: EventTarget, limit: number) {
  const range = db.eventsByFace.getRange({
    start: [gallery, target] as never,
    end: [gallery, target, '\uffff'],
    limit,
  });
  return Array.from(range);
}

/** Readers hide marked events at once. */
export function markErased(db: Databases, gallery: number, target: EventTarget): void {
  if (entriesOf(db, gallery, target, 1).length > 0) db.eventGarbage.put([gallery, target], true);
}

/** Marks a name's events and kept answers unless a face has the external key. */
export function markUnusedName(db: Databases, gallery: number, externalKey: string | null): void {
  if (externalKey === null || labelsOfKey(db, gallery, externalKey, 0, 1).length > 0) return;
  markErased(db, gallery, externalKey);
  markAnswers(db, gallery, externalKey);
}

function erase(db: Databases, key: EventFaceKey, owner: EventOwner): void {
  const [gallery, , id] = key;
  const event = db.events.get([...owner, id]);
  if (event) {
    const { gallery: _, label: __, hasName: ___, hasCrop: ____, review: _____, ...rest } = event;
    db.events.put([...owner, id], rest);
  }
  removeParts(db, gallery, id);
  db.eventsByFace.remove(key);
}

export function removeParts(db: Databases, gallery: number, id: string): void {
  db.eventNames.remove([gallery, id]);
  if (db.eventCrops.doesExist([gallery, id])) db.eventCrops.remove([gallery, id]);
  db.eventCropQueue.remove(id);
}

/** @returns true if none remain. */
export function eraseTarget(db: Databases, gallery: number, target: EventTarget, limit: number): boolean {
  const entries = entriesOf(db, gallery, target, limit);
  for (const { key, value } of entries) erase(db, key, value);
  if (entries.length === limit) return false;
  db.eventGarbage.remove([gallery, target]);
  return true;
}

/** @returns true if none remain. */
export function eraseGallery(db: Databases, gallery: number, limit: number): boolean {
  const range = { start: [gallery], end: [gallery + 1], limit } as never;
  const entries = Array.from(db.eventsByFace.getRange(range));
  for (const { key, value } of entries) erase(db, key as EventFaceKey, value);
  if (entries.length === limit) return false;
  for (const key of Array.from(db.eventGarbage.getKeys(range))) db.eventGarbage.remove(key as never);
  return true;
}

export function targetOf(db: Databases, id: string, event: EventRecord): EventTarget | null {
  const { gallery, label, hasName, hasCrop } = event;
  if (gallery === undefined) return null;
  if (label !== undefined) return label;
  const name = hasName ? db.eventNames.get([gallery, id]) : undefined;
  return name ?? (hasCrop ? NO_FACE : null);
}
