/**
 * Decides when the snapshots of the indexes are written. A snapshot is only worth what a start without it would cost, so
 * small galleries have none; and it may keep what has been removed since it was written, so that is bounded in time.
 */
import type { Executor } from '../native/executor.ts';
import type { Log } from '../ops/log.ts';
import type { Faces } from '../store/faces.ts';
import type { PackId } from '../store/records.ts';
import type { GalleryIndexes } from '../vector/galleries.ts';
import type { SnapshotFolder } from '../vector/snapshots.ts';

/** Galleries with fewer faces are read from the store in a fraction of a second. */
export const LEAST_FACES = 5_000;
/** While the service runs, a snapshot is written when this share of the gallery was written since the last ... */
const CHANGED_SHARE = 0.1;
/** ... when it stops, when this was; a start reads so few faces from the store in less time than they take to write. */
const CHANGED_SHARE_AT_STOP = 0.01;
/** A face that was removed is in no snapshot so long after. */
export const LONGEST_REMOVED_MS = 60 * 60_000;
/** How often all of this is looked at, and how soon a writing that failed is tried again. */
const LOOK_MS = 10_000;
const RETRY_MS = 10 * 60_000;

/** What happened to snapshots so far, for the metrics. */
export interface SnapshotCounts {
  readonly written: number;
  readonly failed: number;
  /** Bytes of all that are there. */
  readonly bytes: number;
}

/** What is known of a gallery's snapshot. */
interface Kept {
  /** The generation that it was made of; below every one where there is none. */
  generation: number;
  /** Vectors that its graph has. */
  linked: number;
  /** Removals that it knows of, by the index's count. */
  removals: number;
  /** When it was first seen to lack a removal, by `now`; null where it lacks none. */
  removedSince: number | null;
  bytes: number;
  /** Nothing is tried before, by `now`. */
  notBefore: number;
}

const NONE: Kept = {
  generation: Number.NEGATIVE_INFINITY,
  linked: 0,
  removals: 0,
  removedSince: null,
  bytes: 0,
  notBefore: 0,
};

export interface SnapshotKeeperParts {
  readonly faces: Pick<Faces, 'state' | 'galleriesOf'>;
  readonly indexes: GalleryIndexes;
  readonly snapshots: SnapshotFolder;
  readonly packs: readonly PackId[];
  /** Smaller galleries have no snapshot; LEAST_FACES in the service. */
  readonly leastFaces: number;
  /** One thread that nothing else waits for. */
  readonly background: Executor;
  /** Milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** Writes snapshots, one at a time, while the service runs and when it stops. */
export class SnapshotKeeper {
  readonly #parts: SnapshotKeeperParts;
  readonly #kept = new Map<number, Kept>();
  #counts = { written: 0, failed: 0 };
  #running: Promise<void> | null = null;
  #writing: number | null = null;
  #stopped = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: SnapshotKeeperParts) {
    this.#parts = parts;
    const { snapshots, indexes } = parts;
    for (const gallery of snapshots.galleries()) {
      const { generation } = snapshots.info(gallery).stamp;
      const linked = indexes.linked(gallery);
      this.#kept.set(gallery, { ...NONE, generation, linked, bytes: snapshots.bytes(gallery) });
    }
  }

  /** Looks from now on by itself. */
  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  get counts(): SnapshotCounts {
    let bytes = 0;
    for (const kept of this.#kept.values()) bytes += kept.bytes;
    return { ...this.#counts, bytes };
  }

  /** Writes what is due. Never fails; what a look before is still writing is waited for. */
  look(): Promise<void> {
    return this.#each((gallery, kept) => this.#isDue(gallery, kept));
  }

  /**
   * Writes every snapshot that is far behind, within so many milliseconds: then the one that is being written is called off,
   * and those that are there stay as they are. Nothing is written after.
   */
  async stop(limitMs: number): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    const limit = setTimeout(() => {
      this.#stopped = true;
      if (this.#writing === null) return;
      this.#parts.indexes.cancelSave(this.#writing);
      this.#parts.log.warn({ limitMs }, 'no time was left to write all snapshots of the index');
    }, limitMs);
    await this.#running;
    await this.#each((gallery, kept) => this.#isDueAtStop(gallery, kept));
    clearTimeout(limit);
    this.#stopped = true;
  }

  async #each(isDue: (gallery: number, kept: Kept) => boolean): Promise<void> {
    if (this.#running) return this.#running;
    this.#running = this.#writeAll(isDue);
    await this.#running;
    this.#running = null;
  }

  async #writeAll(isDue: (gallery: number, kept: Kept) => boolean): Promise<void> {
    const { indexes, snapshots, leastFaces } = this.#parts;
    for (const gallery of this.#kept.keys()) {
      if (indexes.size(gallery) >= leastFaces) continue;
      this.#kept.delete(gallery);
      snapshots.remove(gallery);
    }
    for (const gallery of indexes.numbers()) {
      if (this.#stopped || indexes.size(gallery) < leastFaces) continue;
      if (isDue(gallery, this.#keptOf(gallery))) await this.#write(gallery);
    }
  }

  #keptOf(gallery: number): Kept {
    const kept = this.#kept.get(gallery) ?? { ...NONE };
    this.#kept.set(gallery, kept);
    return kept;
  }

  #isDue(gallery: number, kept: Kept): boolean {
    const { indexes, now } = this.#parts;
    if (indexes.removals(gallery) === kept.removals) kept.removedSince = null;
    else kept.removedSince ??= now();
    if (now() < kept.notBefore) return false;
    return (
      this.#hasChanged(gallery, kept, CHANGED_SHARE) ||
      // Once, when the graph that is being built has nearly all.
      (this.#graphHasGrown(gallery, kept) &&
        indexes.linked(gallery) >= (1 - CHANGED_SHARE) * indexes.size(gallery)) ||
      (kept.removedSince !== null && now() - kept.removedSince >= LONGEST_REMOVED_MS)
    );
  }

  #isDueAtStop(gallery: number, kept: Kept): boolean {
    return (
      this.#hasChanged(gallery, kept, CHANGED_SHARE_AT_STOP) ||
      this.#graphHasGrown(gallery, kept) ||
      this.#parts.indexes.removals(gallery) !== kept.removals
    );
  }

  /** By so much that building it again costs more than writing it. */
  #graphHasGrown(gallery: number, { linked }: Kept): boolean {
    const { indexes } = this.#parts;
    return indexes.linked(gallery) - linked > CHANGED_SHARE * indexes.size(gallery);
  }

  #hasChanged(gallery: number, { generation }: Kept, share: number): boolean {
    const { indexes } = this.#parts;
    return indexes.generation(gallery) - generation >= share * indexes.size(gallery);
  }

  async #write(gallery: number): Promise<void> {
    const { faces, indexes, snapshots, packs, background, now, log } = this.#parts;
    const packId = packs.find((each) => faces.galleriesOf(each).includes(gallery));
    const kept = this.#keptOf(gallery);
    if (!packId) return;
    const state = faces.state(gallery);
    // Read in the same turn as the call of save(), which keeps what was called before it.
    const generation = indexes.generation(gallery);
    const removals = indexes.removals(gallery);
    const linked = indexes.linked(gallery);
    const complete = generation === state.generation;
    const began = performance.now();
    this.#writing = gallery;
    try {
      kept.bytes = await indexes.save(gallery, { gallery, ...packId, ...state, complete }, background);
      Object.assign(kept, { generation, linked, removals, removedSince: null });
      this.#counts.written += 1;
      const seconds = (performance.now() - began) / 1000;
      log.info({ gallery, bytes: kept.bytes, seconds }, 'a snapshot of the index was written');
    } catch (error) {
      // A gallery that was dropped has no snapshot, and needs none.
      if (!indexes.numbers().includes(gallery)) this.#kept.delete(gallery);
      else if (!this.#stopped) this.#failed(gallery, kept, error as Error, now(), log);
    } finally {
      this.#writing = null;
    }
    if (!indexes.numbers().includes(gallery)) snapshots.remove(gallery);
  }

  /** What cannot be replaced is removed: it holds faces that may have been removed since, and room that is wanted. */
  #failed(gallery: number, kept: Kept, error: Error, now: number, log: Log): void {
    this.#counts.failed += 1;
    log.warn(
      { gallery, reason: error.message },
      'a snapshot of the index could not be written: the next start may take longer',
    );
    this.#parts.snapshots.remove(gallery);
    Object.assign(kept, NONE, { notBefore: now + RETRY_MS });
  }
}
