import type { AuditActor, Environment } from '../api/caller.ts';
import type {
  CollectionPlace,
  LeftFace,
  MigrationAdministration,
  MigrationStart,
  MigrationView,
} from '../api/migrations.ts';
import { inTurns, Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { GalleryIndexes } from '../gallery/gallery-indexes.ts';
import type { SearchSpace } from '../native/gallery-index.ts';
import type { Log } from '../ops/log.ts';
import type { CollectionKey } from '../store/databases.ts';
import type { LabelledFace } from '../store/faces.ts';
import { type MigrationPlace, type MovingPlace, type NewRow, nameOf } from '../store/migrations.ts';
import type { PackId } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { Recognizer, Recognizers } from '../vision/recognizer.ts';
import { forget } from './faces.ts';

const BATCH = 64;
const PARALLEL = 2;
const LOOK_MS = 1_000;
const RETRY_MS = 1_000;

export interface MigrationAudit {
  readonly actor: AuditActor;
  readonly action: string;
  readonly accountId: string;
  readonly environment: Environment;
  readonly collectionId: string;
  readonly target: string | null;
}

export interface MigratorParts {
  readonly store: Store;
  readonly indexes: GalleryIndexes;
  readonly recognizers: Recognizers;
  /** Durable when resolved. */
  readonly audit: (entry: MigrationAudit) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}

const OPERATOR: AuditActor = { kind: 'operator', id: null };
const SYSTEM: AuditActor = { kind: 'system', id: null };

/**
 * Gives each face of a collection a row of another pack version, then switches the collection in one
 * transaction. Rows come from stored rows if both versions embed alike, else from kept crops; sightings add
 * others. State is in the store, so a killed service resumes.
 */
export class Migrator implements MigrationAdministration {
  readonly #parts: MigratorParts;
  readonly #moving = new Map<string, CollectionKey>();
  /** Later faces have higher labels. */
  readonly #tried = new Map<number, number>();
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #isClosed = false;

  constructor(parts: MigratorParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.#wake(), LOOK_MS);
    this.#timer.unref();
    for (const { key } of this.#parts.store.migrations.moving()) this.#moving.set(key.join('/'), key);
    this.#wake();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#running;
  }

  async list(): Promise<readonly MigrationView[]> {
    const views: MigrationView[] = [];
    for await (const place of inTurns(this.#parts.store.migrations.places())) views.push(this.#view(place));
    return views;
  }

  async begin(where: CollectionPlace, { to, sightings }: MigrationStart): Promise<MigrationView> {
    const { store, now } = this.#parts;
    const { collection, rows } = this.#place(where);
    const target = this.#target(rows.second ?? collection, to);
    const place = await store.migrations.start(keyOf(where), target, sightings, now());
    await this.#record(OPERATOR, rows.second ? 'migration.resume' : 'migration.start', where, target);
    this.#tried.delete(place.rows.second.gallery);
    this.#moving.set(place.key.join('/'), place.key);
    this.#wake();
    return this.#view(place);
  }

  async pause(where: CollectionPlace): Promise<MigrationView> {
    const place = await this.#parts.store.migrations.pause(keyOf(where));
    await this.#record(OPERATOR, 'migration.pause', where, place.rows.second);
    return this.#view(place);
  }

  async rollBack(where: CollectionPlace): Promise<MigrationView> {
    const { store, indexes } = this.#parts;
    indexes.drop(await store.migrations.rollBack(keyOf(where)));
    const place = this.#place(where);
    await this.#record(OPERATOR, 'migration.rollback', where, place.collection);
    return this.#view(place);
  }

  async finish(where: CollectionPlace, deleteLeft: boolean): Promise<MigrationView> {
    const { store, indexes } = this.#parts;
    const { second } = this.#place(where).rows;
    if (second && second.state !== 'moved') return this.#finishWithout(where, deleteLeft);
    indexes.drop(await store.migrations.finish(keyOf(where)));
    const place = this.#place(where);
    await this.#record(OPERATOR, 'migration.finish', where, place.collection);
    return this.#view(place);
  }

  async #finishWithout(where: CollectionPlace, deleteLeft: boolean): Promise<MigrationView> {
    const { store } = this.#parts;
    const left = await this.left(where);
    if (left.length > 0 && !deleteLeft) {
      throw invalid(
        `${left.length} faces have no row of the new version. Delete them to finish, or enroll them again.`,
      );
    }
    const ids = left.map(({ faceId }) => faceId);
    for await (const removed of store.faces.removeByIds(where, where.collectionId, ids)) {
      await forget(this.#parts, removed);
      for (const { faceId } of removed) await this.#record(OPERATOR, 'face.delete', where, faceId);
    }
    const { rows } = this.#place(where);
    if (rows.second?.state === 'paused') {
      const { pack, packVersion, sightings } = rows.second;
      await store.migrations.start(keyOf(where), { pack, packVersion }, sightings, this.#parts.now());
    }
    const place = this.#place(where);
    if (isMoving(place)) await this.#switch(place);
    return this.#view(this.#place(where));
  }

  async removeSighting(where: CollectionPlace, faceId: string): Promise<MigrationView> {
    const { store, indexes } = this.#parts;
    const { label, rows } = await store.migrations.removeSighting(keyOf(where), faceId);
    if (rows !== null) await indexes.remove(rows, [label]);
    await this.#record(OPERATOR, 'migration.remove-sighting', where, faceId);
    return this.#view(this.#place(where));
  }

  async left(where: CollectionPlace): Promise<readonly LeftFace[]> {
    const { migrations, thumbnails } = this.#parts.store;
    const { collection, rows } = this.#place(where);
    const { second } = rows;
    if (!second || second.state === 'moved') return [];
    const { gallery } = collection;
    const left: LeftFace[] = [];
    for await (const { label, face } of this.#faces(gallery)) {
      if (migrations.hasRow(second.gallery, label)) continue;
      left.push({
        faceId: face.faceId,
        externalKey: face.externalKey,
        hasThumbnail: thumbnails.has({ gallery, label }),
        isProvisional: migrations.sighting(second.gallery, label) !== null,
      });
    }
    return left;
  }

  /** @returns whether the store took the row. */
  async add(place: MovingPlace, row: NewRow): Promise<boolean> {
    const isAdded = await this.#addAll(place, [row]);
    if (isAdded) this.#wake();
    return isAdded;
  }

  #wake(): void {
    if (this.#isClosed || this.#running) return;
    const places: MovingPlace[] = [];
    for (const [name, key] of this.#moving) {
      const place = this.#parts.store.migrations.place(key);
      if (place && isMoving(place)) places.push(place);
      else this.#moving.delete(name);
    }
    if (places.length === 0) return;
    this.#running = this.#run(places)
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#parts.log.error({ err: error }, 'a migration failed; it goes on later');
      })
      .finally(() => {
        this.#running = null;
      });
  }

  async #run(places: readonly MovingPlace[]): Promise<void> {
    for (const place of places) {
      if (this.#isClosed) return;
      if (await this.#switch(place)) continue;
      await this.#pass(place);
      await this.#switch(place);
    }
  }

  async #pass(place: MovingPlace): Promise<void> {
    const { store, recognizers } = this.#parts;
    const { second } = place.rows;
    const { gallery } = place.collection;
    const target = recognizers.of(second);
    const source = recognizers.of(place.collection);
    if (!target) return;
    const converts = source?.sharesTemplates(target) ? source : null;
    while (!this.#isClosed && this.#goesOn(place)) {
      const page = store.faces.list(gallery, this.#tried.get(second.gallery) ?? 0, BATCH);
      const last = page.at(-1);
      if (!last) return;
      const labels = page.flatMap(({ label }) =>
        store.migrations.hasRow(second.gallery, label) ? [] : label,
      );
      const added = converts
        ? await this.#converted(place, labels, converts.space, target.space)
        : await this.#embedded(place, labels, target);
      await this.#addAll(place, added);
      if (!this.#isClosed) this.#tried.set(second.gallery, last.label);
    }
  }

  #goesOn({ key, rows }: MovingPlace): boolean {
    const now = this.#parts.store.migrations.place(key);
    return now !== null && isMoving(now) && now.rows.second.gallery === rows.second.gallery;
  }

  async #converted(
    { rows }: MovingPlace,
    labels: readonly number[],
    from: SearchSpace,
    to: SearchSpace,
  ): Promise<NewRow[]> {
    const { faces } = this.#parts.store;
    const converted: NewRow[] = [];
    for await (const label of inTurns(labels)) {
      const row = faces.row({ gallery: rows.current, label });
      if (row) converted.push({ label, row: to.row(from.template(row)) });
    }
    return converted;
  }

  async #embedded(
    { collection: { gallery } }: MovingPlace,
    labels: readonly number[],
    target: Recognizer,
  ): Promise<NewRow[]> {
    const { thumbnails } = this.#parts.store;
    const added: NewRow[] = [];
    for (let first = 0; first < labels.length && !this.#isClosed; first += PARALLEL) {
      const some = labels.slice(first, first + PARALLEL).map(async (label) => {
        const crop = thumbnails.get({ gallery, label });
        const template = crop && (await this.#templateOf(target, crop));
        if (template) added.push({ label, row: target.space.row(template) });
      });
      await Promise.all(some);
    }
    return added;
  }

  async #templateOf(target: Recognizer, crop: Buffer): Promise<Float32Array | null> {
    while (!this.#isClosed) {
      try {
        const { template } = await target.analyze(crop, 'binary', { largestOnly: true });
        return template ?? null;
      } catch (error) {
        if (!(error instanceof VisageError)) throw error;
        if (error.code !== 'OVERLOADED') return null;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    return null;
  }

  async #addAll(place: MovingPlace, added: readonly NewRow[]): Promise<boolean> {
    if (added.length === 0) return false;
    const { store, indexes, recognizers } = this.#parts;
    const { second } = place.rows;
    const target = recognizers.of(second);
    const written = new Set(await store.migrations.addRows(place, added));
    const rows = added.filter(({ label }) => written.has(label));
    // A rollback or reset may have dropped the index: do not recreate it.
    if (target && rows.length > 0 && store.faces.hasRows(place.collection.gallery, second.gallery)) {
      const labels = BigInt64Array.from(rows, ({ label }) => BigInt(label));
      const batch = { labels, rows: Buffer.concat(rows.map(({ row }) => row)) };
      await indexes.addBatch(second.gallery, batch, target.space);
    }
    return rows.length > 0;
  }

  async #switch(place: MovingPlace): Promise<boolean> {
    const { store, log, now } = this.#parts;
    const began = now();
    const moved = await store.migrations.switchIfComplete(place);
    if (!moved) return false;
    const where = whereOf(place);
    await this.#record(SYSTEM, 'migration.switch', where, moved.collection);
    const { startedAt } = place.rows.second;
    this.#tried.delete(place.rows.second.gallery);
    const seconds = (began - startedAt) / 1000;
    log.info(
      { collectionId: where.collectionId, faces: moved.faces, to: nameOf(moved.collection), seconds },
      'a collection has switched to another version of its model pack',
    );
    return true;
  }

  async *#faces(gallery: number): AsyncGenerator<LabelledFace> {
    const turn = new Turn();
    for (let last = 0; ; ) {
      const page = this.#parts.store.faces.list(gallery, last, BATCH);
      yield* page;
      if (page.length < BATCH) return;
      last = page.at(-1)?.label ?? last;
      if (turn.isOver) await turn.next();
    }
  }

  #place(where: CollectionPlace): MigrationPlace {
    const place = this.#parts.store.migrations.place(keyOf(where));
    if (place) return place;
    throw new VisageError('COLLECTION_NOT_FOUND', 'There is no collection of this id.');
  }

  #target({ pack }: PackId, to: string | undefined): PackId {
    const { recognizers } = this.#parts;
    const target = recognizers.byName(to ?? pack);
    if (target) return target.packId;
    throw invalid(
      `to must be one of the loaded model packs: ${recognizers.names.join(', ')}. Set extra_model_packs.`,
    );
  }

  #view({ key, collection, rows, faces }: MigrationPlace): MigrationView {
    const { second } = rows;
    const newest = this.#parts.recognizers.byName(collection.pack);
    const isNewest = newest?.packId.packVersion === collection.packVersion;
    const to = second ?? (isNewest ? null : (newest?.packId ?? null));
    return {
      ...whereOf({ key }),
      from: versionOf(collection),
      to: to && versionOf(to),
      state: second?.state ?? 'none',
      sightings: second?.sightings ?? false,
      faces,
      moved: second?.faces ?? 0,
    };
  }

  #record(actor: AuditActor, action: string, where: CollectionPlace, target: PackId | string): Promise<void> {
    const { accountId, environment, collectionId } = where;
    const named = typeof target === 'string' ? target : nameOf(target);
    return this.#parts.audit({ actor, action, accountId, environment, collectionId, target: named });
  }
}

function isMoving(place: MigrationPlace): place is MovingPlace {
  return place.rows.second?.state === 'moving';
}

function keyOf({ accountId, environment, collectionId }: CollectionPlace): CollectionKey {
  return [accountId, environment, collectionId];
}

function whereOf({ key }: Pick<MigrationPlace, 'key'>): CollectionPlace {
  const [accountId, environment, collectionId] = key;
  return { accountId, environment: environment as Environment, collectionId };
}

function versionOf({ pack, packVersion }: PackId) {
  return { model: pack, version: packVersion };
}

function invalid(message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', message);
}
