/**
 * Each transaction that changes a gallery's faces increments its generation. A restored store reuses
 * generations, so the store records which opening (a random epoch id) wrote from which on.
 */
import { randomBytes } from 'node:crypto';
import type { Databases } from './databases.ts';

export interface GalleryState {
  readonly generation: number;
  readonly epochId: string;
  readonly lastLabel: number;
}

export function newEpochId(): string {
  return randomBytes(8).toString('hex');
}

const KEPT_EPOCHS = 100;

export function incrementGeneration(db: Databases, gallery: number, epochId: string): void {
  const generation = (db.generations.get(gallery) ?? 0) + 1;
  db.generations.put(gallery, generation);
  if (epochOf(db, gallery, generation) === epochId) return;
  db.epochs.put([gallery, generation], epochId);
  const newestFirst = { start: [gallery, generation], end: [gallery], reverse: true };
  for (const key of [...db.epochs.getKeys({ ...newestFirst, offset: KEPT_EPOCHS })]) db.epochs.remove(key);
}

export function removeGenerations(db: Databases, gallery: number): void {
  db.generations.remove(gallery);
  for (const key of [...db.epochs.getKeys({ start: [gallery], end: [gallery + 1] })]) db.epochs.remove(key);
}

export function adoptGalleries(db: Databases, epochId: string): void {
  for (const { value } of [...db.collections.getRange()]) {
    const gallery = currentRows(db, value.gallery);
    if (!db.generations.doesExist(gallery) && lastLabel(db, gallery) > 0)
      incrementGeneration(db, gallery, epochId);
  }
}

function currentRows({ rowGalleries }: Databases, gallery: number): number {
  return rowGalleries.get(gallery)?.current ?? gallery;
}

export function hasUnadopted(db: Databases): boolean {
  for (const { value } of db.collections.getRange()) {
    const gallery = currentRows(db, value.gallery);
    if (!db.generations.doesExist(gallery) && lastLabel(db, gallery) > 0) return true;
  }
  return false;
}

export function stateOf(db: Databases, gallery: number): GalleryState {
  const generation = db.generations.get(gallery) ?? 0;
  return {
    generation,
    epochId: epochOf(db, gallery, generation),
    lastLabel: lastLabel(db, gallery),
  };
}

/** If so, the state's labels stand for the same faces. */
export function hasBeen(
  db: Databases,
  gallery: number,
  { generation, epochId }: Pick<GalleryState, 'generation' | 'epochId'>,
): boolean {
  return (
    generation > 0 &&
    generation <= (db.generations.get(gallery) ?? 0) &&
    epochOf(db, gallery, generation) === epochId
  );
}

function epochOf(db: Databases, gallery: number, generation: number): string {
  const range = db.epochs.getRange({
    start: [gallery, generation],
    end: [gallery],
    reverse: true,
    limit: 1,
  });
  for (const { value } of range) return value;
  return '';
}

function lastLabel(db: Databases, gallery: number): number {
  const keys = db.templates.getKeys({ start: [gallery + 1], end: [gallery], reverse: true, limit: 1 });
  for (const [, label] of keys) return label;
  return 0;
}
