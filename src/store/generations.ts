/**
 * Which state a gallery is in, so that what was made from it (a snapshot of its index) can be told from what it became.
 *
 * A gallery's generation is raised by every transaction that adds or removes faces. The number alone would not do: a
 * store that was put back to an earlier state, by a restore or by hand, counts the same numbers again for other faces.
 * So the store also keeps which opening of it, a random name, wrote from which generation on.
 */
import { randomBytes } from 'node:crypto';
import type { Databases } from './databases.ts';

/** Which faces a gallery has, without naming them. */
export interface GalleryState {
  /** Writes so far; 0 for a gallery that never had a face. */
  readonly generation: number;
  /** The opening of the store that wrote this generation; empty for generation 0. */
  readonly writer: string;
  /** The largest label of a face that is there; 0 for none. */
  readonly lastLabel: number;
}

/** A name for one opening of a store: 64 random bits. */
export function newWriter(): string {
  return randomBytes(8).toString('hex');
}

/** Openings of the store that are kept of each gallery. A state from before them counts as none that ever was. */
const KEPT_WRITERS = 100;

/** Raises a gallery's generation; inside the transaction that changes its faces. */
export function advance(db: Databases, gallery: number, writer: string): void {
  const generation = (db.generations.get(gallery) ?? 0) + 1;
  db.generations.put(gallery, generation);
  if (writerOf(db, gallery, generation) === writer) return;
  db.writers.put([gallery, generation], writer);
  const newestFirst = { start: [gallery, generation], end: [gallery], reverse: true };
  for (const key of [...db.writers.getKeys({ ...newestFirst, offset: KEPT_WRITERS })]) db.writers.remove(key);
}

/** Inside the transaction that removes the last of a gallery. */
export function forgetGenerations(db: Databases, gallery: number): void {
  db.generations.remove(gallery);
  for (const key of [...db.writers.getKeys({ start: [gallery], end: [gallery + 1] })]) db.writers.remove(key);
}

/** Gives galleries that an earlier version of Visage filled their first generation; inside a transaction. */
export function adoptGalleries(db: Databases, writer: string): void {
  for (const { value } of [...db.collections.getRange()]) {
    const { gallery } = value;
    if (!db.generations.doesExist(gallery) && lastLabel(db, gallery) > 0) advance(db, gallery, writer);
  }
}

/** Whether {@link adoptGalleries} has something to do. */
export function hasUnadopted(db: Databases): boolean {
  for (const { value } of db.collections.getRange()) {
    if (!db.generations.doesExist(value.gallery) && lastLabel(db, value.gallery) > 0) return true;
  }
  return false;
}

/** The state that a gallery is in. */
export function stateOf(db: Databases, gallery: number): GalleryState {
  const generation = db.generations.get(gallery) ?? 0;
  return {
    generation,
    writer: writerOf(db, gallery, generation),
    lastLabel: lastLabel(db, gallery),
  };
}

/** Whether a gallery was once in this state, or is: its labels then stand for the same faces as they do now. */
export function hasBeen(
  db: Databases,
  gallery: number,
  { generation, writer }: Pick<GalleryState, 'generation' | 'writer'>,
): boolean {
  return (
    generation > 0 &&
    generation <= (db.generations.get(gallery) ?? 0) &&
    writerOf(db, gallery, generation) === writer
  );
}

function writerOf(db: Databases, gallery: number, generation: number): string {
  const range = db.writers.getRange({
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
