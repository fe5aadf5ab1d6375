import type { RootDatabase } from 'lmdb';
import type { Databases } from './databases.ts';
import type { FaceCounts } from './records.ts';

const NO_FACES: FaceCounts = { faces: 0, named: 0, people: 0 };

export function countsOf(db: Databases, gallery: number): FaceCounts {
  return db.faceCounts.get(gallery) ?? NO_FACES;
}

export function changeCounts(db: Databases, gallery: number, change: Partial<FaceCounts>): void {
  const { faces, named, people } = countsOf(db, gallery);
  db.faceCounts.put(gallery, {
    faces: faces + (change.faces ?? 0),
    named: named + (change.named ?? 0),
    people: people + (change.people ?? 0),
  });
}

export function scanCounts(db: Databases, gallery: number): FaceCounts {
  const faces = db.faces.getKeysCount({ start: [gallery], end: [gallery + 1] });
  let named = 0;
  let people = 0;
  let last: string | null = null;
  for (const [, externalKey] of db.externalKeys.getKeys({ start: [gallery], end: [gallery + 1] })) {
    named++;
    if (externalKey !== last) people++;
    last = externalKey;
  }
  return { faces, named, people };
}

/** For stores of an earlier version. */
export function adoptCounts(root: RootDatabase, db: Databases): void {
  const uncounted = Array.from(db.collections.getRange(), ({ value }) => value.gallery).filter(
    (gallery) => !db.faceCounts.doesExist(gallery) && db.generations.doesExist(gallery),
  );
  if (uncounted.length === 0) return;
  root.transactionSync(() => {
    for (const gallery of uncounted) db.faceCounts.put(gallery, scanCounts(db, gallery));
  });
}
