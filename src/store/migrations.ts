/** See `row-galleries.ts`. */
import { VisageError } from '../errors.ts';
import { allocateNumber, type CollectionKey, type Databases, type StoreContext } from './databases.ts';
import { countsOf } from './face-counts.ts';
import { incrementGeneration } from './generations.ts';
import type { CollectionRecord, PackId, RowGalleries, SecondRows, SightingRecord } from './records.ts';
import { changeSecond, isSamePack, rowGalleriesOf } from './row-galleries.ts';

export interface MigrationPlace {
  readonly key: CollectionKey;
  readonly collection: CollectionRecord;
  readonly rows: RowGalleries;
  readonly faces: number;
}

export type MovingPlace = MigrationPlace & { readonly rows: { readonly second: SecondRows } };

export interface NewRow {
  readonly label: number;
  readonly row: Uint8Array;
  readonly sighting?: SightingRecord;
}

export class Migrations {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  *places(): Generator<MigrationPlace> {
    const { db } = this.#context;
    for (const { key, value } of db.collections.getRange()) yield placeOf(db, key, value);
  }

  moving(): MovingPlace[] {
    const { db } = this.#context;
    if ((db.rowGalleries.getStats() as { entryCount: number }).entryCount === 0) return [];
    return Array.from(this.places()).filter((place): place is MovingPlace => place.rows.second !== undefined);
  }

  place(key: CollectionKey): MigrationPlace | null {
    const { db } = this.#context;
    const collection = db.collections.get(key);
    return collection ? placeOf(db, key, collection) : null;
  }

  hasRow(rowGallery: number, label: number): boolean {
    return this.#context.db.templates.doesExist([rowGallery, label]);
  }

  sighting(rowGallery: number, label: number): SightingRecord | null {
    return this.#context.db.sightings.get([rowGallery, label]) ?? null;
  }

  /**
   * Also resumes, with new options.
   * @throws `COLLECTION_NOT_FOUND`; `VALIDATION_FAILED` for the collection's own version, or beside another
   * migration.
   */
  start(key: CollectionKey, to: PackId, sightings: boolean, now: number): Promise<MovingPlace> {
    return this.#change(key, (db, { collection, rows: { current, second } }) => {
      if (second && (second.state === 'moved' || !isSamePack(second, to))) {
        throw invalid(
          `The collection is between ${nameOf(collection)} and ${nameOf(second)}. Finish or roll back that migration first.`,
        );
      }
      if (isSamePack(collection, to)) throw invalid(`The collection already has ${nameOf(to)}.`);
      const started = second ?? {
        ...to,
        gallery: allocateNumber(db, 'nextGallery'),
        faces: 0,
        startedAt: now,
      };
      db.rowGalleries.put(collection.gallery, {
        current,
        second: { ...started, state: 'moving', sightings },
      });
    });
  }

  /** @throws `COLLECTION_NOT_FOUND`, `VALIDATION_FAILED`. */
  pause(key: CollectionKey): Promise<MovingPlace> {
    return this.#change(key, (db, { collection, rows: { second } }) => {
      if (second?.state !== 'moving') throw invalid('No migration of this collection runs.');
      changeSecond(db, collection.gallery, { state: 'paused' });
    });
  }

  /**
   * While the migration runs, adds rows of existing faces that have none.
   * @returns the added labels.
   */
  addRows({ key, collection, rows }: MovingPlace, added: readonly NewRow[]): Promise<number[]> {
    const { db, epochId, writeStep } = this.#context;
    return writeStep(() => {
      const second = sameSecond(db, key, collection, rows.second);
      if (second?.state !== 'moving') return [];
      const written: number[] = [];
      for (const { label, row, sighting } of added) {
        const place: [number, number] = [second.gallery, label];
        if (!db.faces.doesExist([collection.gallery, label]) || db.templates.doesExist(place)) continue;
        db.templates.put(place, row);
        if (sighting) db.sightings.put(place, sighting);
        else db.sightings.remove(place);
        written.push(label);
      }
      if (written.length === 0) return written;
      changeSecond(db, collection.gallery, { faces: second.faces + written.length });
      incrementGeneration(db, second.gallery, epochId);
      return written;
    });
  }

  /** Replaces the sighting of a face without a row. @returns whether the migration still runs. */
  putSighting(place: MovingPlace, label: number, sighting: SightingRecord): Promise<boolean> {
    const { db, write } = this.#context;
    return write(() => {
      const { gallery } = place.collection;
      const second = sameSecond(db, place.key, place.collection, place.rows.second);
      if (second?.state !== 'moving' || !db.faces.doesExist([gallery, label])) return false;
      db.sightings.put([second.gallery, label], sighting);
      return true;
    });
  }

  /**
   * Removes the row or provisional row that a face has from sightings.
   * @returns the row gallery if it held a row.
   * @throws `FACE_NOT_FOUND` without such a row.
   */
  async removeSighting(key: CollectionKey, faceId: string): Promise<{ label: number; rows: number | null }> {
    const { db, epochId, write } = this.#context;
    return write(() => {
      const collection = requireAt(db, key);
      const { second } = rowGalleriesOf(db, collection.gallery);
      const label = db.faceLabels.get([collection.gallery, faceId]);
      const at: [number, number] = [second?.gallery ?? 0, label ?? 0];
      if (!second || second.state === 'moved' || label === undefined || !db.sightings.doesExist(at)) {
        throw new VisageError(
          'FACE_NOT_FOUND',
          'No running migration has a row of this face from sightings.',
        );
      }
      db.sightings.remove(at);
      if (!db.templates.doesExist(at)) return { label, rows: null };
      db.templates.remove(at);
      changeSecond(db, collection.gallery, { faces: second.faces - 1 });
      incrementGeneration(db, second.gallery, epochId);
      return { label, rows: second.gallery };
    });
  }

  /**
   * Lets the collection answer by the second rows. The former rows stay.
   * @returns null if a face lacks a row, or the migration no longer runs.
   */
  switchIfComplete({ key, collection, rows }: MovingPlace): Promise<MigrationPlace | null> {
    const { db, write } = this.#context;
    return write(() => {
      const second = sameSecond(db, key, collection, rows.second);
      const complete = second?.faces === countsOf(db, collection.gallery).faces;
      if (!complete || second.state !== 'moving') return null;
      return swapped(db, key, second);
    });
  }

  /**
   * Before the switch, drops the new rows. After it, returns to the former version.
   * @returns the row gallery to drop.
   * @throws `COLLECTION_NOT_FOUND`; `VALIDATION_FAILED` without a migration, or if a face lacks its former
   * row.
   */
  async rollBack(key: CollectionKey): Promise<number> {
    const { db, collectGarbage, write } = this.#context;
    const dropped = await write(() => {
      const collection = requireAt(db, key);
      const { second } = rowGalleriesOf(db, collection.gallery);
      if (!second) throw invalid('The collection has no migration to roll back.');
      if (second.state !== 'moved') return dropSecond(db, collection.gallery);
      const left = countsOf(db, collection.gallery).faces - second.faces;
      if (left > 0) {
        throw invalid(
          `${left} faces have no row of ${nameOf(second)}: delete them or enroll them again, then roll back.`,
        );
      }
      swapped(db, key, second);
      return dropSecond(db, collection.gallery);
    });
    collectGarbage();
    return dropped;
  }

  /**
   * Removes the former rows.
   * @returns the row gallery to drop.
   * @throws `COLLECTION_NOT_FOUND`; `VALIDATION_FAILED` before the switch.
   */
  async finish(key: CollectionKey): Promise<number> {
    const { db, collectGarbage, write } = this.#context;
    const dropped = await write(() => {
      const collection = requireAt(db, key);
      const { second } = rowGalleriesOf(db, collection.gallery);
      if (second?.state !== 'moved') throw invalid('The collection has not switched to another version.');
      return dropSecond(db, collection.gallery);
    });
    collectGarbage();
    return dropped;
  }

  async #change(
    key: CollectionKey,
    change: (db: Databases, place: MigrationPlace) => void,
  ): Promise<MovingPlace> {
    const { db, write } = this.#context;
    return write(() => {
      change(db, placeOf(db, key, requireAt(db, key)));
      return placeOf(db, key, requireAt(db, key)) as MovingPlace;
    });
  }
}

export function nameOf({ pack, packVersion }: PackId): string {
  return `${pack} ${packVersion}`;
}

function placeOf(db: Databases, key: CollectionKey, collection: CollectionRecord): MigrationPlace {
  const { gallery } = collection;
  return { key, collection, rows: rowGalleriesOf(db, gallery), faces: countsOf(db, gallery).faces };
}

function requireAt(db: Databases, key: CollectionKey): CollectionRecord {
  const collection = db.collections.get(key);
  if (!collection) throw new VisageError('COLLECTION_NOT_FOUND', 'There is no collection of this id.');
  return collection;
}

/** Null after its end or a reset. */
function sameSecond(
  db: Databases,
  key: CollectionKey,
  { gallery }: CollectionRecord,
  known: SecondRows,
): SecondRows | null {
  if (db.collections.get(key)?.gallery !== gallery) return null;
  const { second } = rowGalleriesOf(db, gallery);
  return second?.gallery === known.gallery ? second : null;
}

function swapped(db: Databases, key: CollectionKey, second: SecondRows): MigrationPlace {
  const collection = requireAt(db, key);
  const { gallery, pack, packVersion } = collection;
  const { current } = rowGalleriesOf(db, gallery);
  const { faces } = countsOf(db, gallery);
  const former = { ...second, pack, packVersion, gallery: current, state: 'moved', faces } as const;
  db.rowGalleries.put(gallery, { current: second.gallery, second: former });
  const changed = { ...collection, pack: second.pack, packVersion: second.packVersion };
  db.collections.put(key, changed);
  return placeOf(db, key, changed);
}

function dropSecond(db: Databases, gallery: number): number {
  const { current, second } = rowGalleriesOf(db, gallery);
  if (!second) throw new Error(`Gallery ${gallery} has no second rows`);
  db.rowGarbage.put(second.gallery, true);
  if (current === gallery) db.rowGalleries.remove(gallery);
  else db.rowGalleries.put(gallery, { current });
  return second.gallery;
}

function invalid(message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', message);
}
