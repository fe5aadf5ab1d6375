/**
 * `templates` holds a gallery's rows under a row gallery: the gallery's own number, or another after a
 * migration. A migration fills a second one. Each has generations and an index.
 */
import type { Databases } from './databases.ts';
import { incrementGeneration, removeGenerations } from './generations.ts';
import type { PackId, RowGalleries, SecondRows } from './records.ts';

export function rowGalleriesOf(db: Databases, gallery: number): RowGalleries {
  return db.rowGalleries.get(gallery) ?? { current: gallery };
}

export function isSamePack(a: PackId, b: PackId): boolean {
  return a.pack === b.pack && a.packVersion === b.packVersion;
}

export function changeSecond(db: Databases, gallery: number, change: Partial<SecondRows>): void {
  const { current, second } = rowGalleriesOf(db, gallery);
  if (second) db.rowGalleries.put(gallery, { current, second: { ...second, ...change } });
}

export function incrementRowGenerations(db: Databases, gallery: number, epochId: string): void {
  const { current, second } = rowGalleriesOf(db, gallery);
  incrementGeneration(db, current, epochId);
  if (second) incrementGeneration(db, second.gallery, epochId);
}

export function removeRows(db: Databases, gallery: number, label: number): void {
  const { current, second } = rowGalleriesOf(db, gallery);
  db.templates.remove([current, label]);
  db.sightings.remove([current, label]);
  if (!second) return;
  db.sightings.remove([second.gallery, label]);
  if (!db.templates.doesExist([second.gallery, label])) return;
  db.templates.remove([second.gallery, label]);
  changeSecond(db, gallery, { faces: second.faces - 1 });
}

/** For a gallery that is reset or deleted. @returns the row galleries to drop. */
export function discardRowGalleries(db: Databases, gallery: number): readonly number[] {
  const { current, second } = rowGalleriesOf(db, gallery);
  const all = second ? [current, second.gallery] : [current];
  for (const each of all) if (each !== gallery) db.rowGarbage.put(each, true);
  db.rowGalleries.remove(gallery);
  return all;
}

export function eraseRows(db: Databases, rowGallery: number, limit: number): void {
  const range = { start: [rowGallery], end: [rowGallery + 1], limit } as never;
  const rows = Array.from(db.templates.getKeys(range));
  const seen = Array.from(db.sightings.getKeys(range));
  for (const key of rows) db.templates.remove(key);
  for (const key of seen) db.sightings.remove(key);
  if (Math.max(rows.length, seen.length) === limit) return;
  removeGenerations(db, rowGallery);
  db.rowGarbage.remove(rowGallery);
}
