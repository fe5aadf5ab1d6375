import type { Executor } from '../native/executor.ts';
import type { Log } from '../ops/log.ts';
import type { Faces } from '../store/faces.ts';
import type { PackId } from '../store/records.ts';
import type { GalleryIndexes, IndexState } from './gallery-indexes.ts';
import type { SnapshotFolder } from './snapshot-folder.ts';

/** Smaller galleries load from the store in a fraction of a second. */
export const LEAST_FACES = 5_000;
const CHANGED_SHARE = 0.1;
const CHANGED_SHARE_AT_STOP = 0.01;
/** No snapshot holds a removed face for longer. */
export const LONGEST_REMOVED_MS = 60 * 60_000;
const LOOK_MS = 10_000;
const RETRY_MS = 10 * 60_000;

export interface SnapshotCounts {
  readonly written: number;
  readonly failed: number;
  readonly bytes: number;
}

interface Kept {
  generation: number;
  removals: number;
  /** First removal that the snapshot lacks; null for none. */
  removedSince: number | null;
  bytes: number;
  notBefore: number;
  /** Files of rows that the snapshot names. */
  rowFiles: number;
  /** Files of rows at the last look. */
  rowFilesSeen: number;
}

const NONE: Kept = {
  generation: Number.NEGATIVE_INFINITY,
  removals: 0,
  removedSince: null,
  bytes: 0,
  notBefore: 0,
  rowFiles: 0,
  rowFilesSeen: 0,
};

export interface SnapshotKeeperParts {
  readonly faces: Pick<Faces, 'state' | 'packOf'>;
  readonly indexes: GalleryIndexes;
  readonly snapshots: SnapshotFolder;
  readonly packs: readonly PackId[];
  readonly leastFaces: number;
  /** Needs one idle thread. */
  readonly background: Executor;
  /** Milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

type IsDue = (state: IndexState, kept: Kept, rowFiles: number) => boolean;

function isDueAtStop(state: IndexState, kept: Kept, rowFiles: number): boolean {
  const hasMoved = rowFiles !== kept.rowFiles;
  return hasMoved || hasChanged(state, kept, CHANGED_SHARE_AT_STOP) || state.removals !== kept.removals;
}

function hasChanged(state: IndexState, kept: Kept, share: number): boolean {
  return state.generation - kept.generation >= share * state.size;
}

/** Writes one snapshot at a time, without damaged rows. */
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
    const { indexes, snapshots } = parts;
    for (const gallery of snapshots.galleryIds()) {
      const { stamp, rowFiles } = snapshots.info(gallery);
      const { generation } = stamp;
      const bytes = snapshots.bytes(gallery);
      // Fewer than the snapshot names if one was missing at the start.
      const loaded = Math.min(rowFiles.length, indexes.rowFiles(gallery));
      this.#kept.set(gallery, { ...NONE, generation, bytes, rowFiles: loaded });
    }
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  get counts(): SnapshotCounts {
    let bytes = 0;
    for (const kept of this.#kept.values()) bytes += kept.bytes;
    return { ...this.#counts, bytes };
  }

  /** Writes due snapshots after a running write. Never rejects. */
  look(): Promise<void> {
    return this.#each((state, kept, rowFiles) => this.#isDue(state, kept, rowFiles));
  }

  /** Writes stale snapshots, cancels a write that exceeds the limit, and then stops. */
  async stop(limitMs: number): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    const limit = setTimeout(() => {
      this.#stopped = true;
      if (this.#writing === null) return;
      this.#parts.indexes.cancelSave(this.#writing);
      this.#parts.log.warn({ limitMs }, 'no time was left to write all snapshots of the index');
    }, limitMs);
    await this.#running;
    await this.#each(isDueAtStop);
    clearTimeout(limit);
    this.#stopped = true;
  }

  async #each(isDue: IsDue): Promise<void> {
    if (this.#running) return this.#running;
    this.#running = this.#writeAll(isDue);
    await this.#running;
    this.#running = null;
  }

  async #writeAll(isDue: IsDue): Promise<void> {
    const { indexes, leastFaces } = this.#parts;
    for (const gallery of this.#kept.keys()) {
      if (indexes.state(gallery).size >= leastFaces) continue;
      this.#kept.delete(gallery);
      indexes.removeSnapshot(gallery);
    }
    for (const gallery of indexes.galleryIds()) {
      await this.#repair(gallery);
      const state = indexes.state(gallery);
      if (this.#stopped || state.size < leastFaces) continue;
      if (isDue(state, this.#keptOf(gallery), indexes.rowFiles(gallery))) await this.#write(gallery);
    }
  }

  async #repair(gallery: number): Promise<void> {
    const { indexes, log } = this.#parts;
    try {
      await indexes.repair(gallery);
    } catch (error) {
      const reason = (error as Error).message;
      log.warn({ gallery, reason }, 'damaged rows on disk could not be replaced: a search tries again');
    }
  }

  #keptOf(gallery: number): Kept {
    const kept = this.#kept.get(gallery) ?? { ...NONE };
    this.#kept.set(gallery, kept);
    return kept;
  }

  #isDue(state: IndexState, kept: Kept, rowFiles: number): boolean {
    const now = this.#parts.now();
    // Until a snapshot names them, a start reads all rows into memory, and moves them again.
    const hasMoved = rowFiles !== kept.rowFiles && rowFiles === kept.rowFilesSeen;
    kept.rowFilesSeen = rowFiles;
    if (state.removals === kept.removals) kept.removedSince = null;
    else kept.removedSince ??= now;
    if (now < kept.notBefore) return false;
    return (
      hasMoved ||
      hasChanged(state, kept, CHANGED_SHARE) ||
      (kept.removedSince !== null && now - kept.removedSince >= LONGEST_REMOVED_MS)
    );
  }

  async #write(gallery: number): Promise<void> {
    const { faces, indexes, snapshots, packs, background, now, log } = this.#parts;
    const own = await faces.packOf(gallery);
    const packId =
      own && packs.find(({ pack, packVersion }) => pack === own.pack && packVersion === own.packVersion);
    const kept = this.#keptOf(gallery);
    if (!packId) return;
    const state = faces.state(gallery);
    // In the same turn as save(), so that these values match its state.
    const { generation, removals } = indexes.state(gallery);
    const rowFiles = indexes.rowFiles(gallery);
    const complete = generation === state.generation;
    const began = performance.now();
    this.#writing = gallery;
    try {
      kept.bytes = await indexes.save(gallery, { gallery, ...packId, ...state, complete }, background);
      Object.assign(kept, { generation, removals, removedSince: null, rowFiles });
      this.#counts.written += 1;
      const seconds = (performance.now() - began) / 1000;
      log.info({ gallery, bytes: kept.bytes, seconds }, 'a snapshot of the index was written');
    } catch (error) {
      if (!indexes.state(gallery).isHeld) this.#kept.delete(gallery);
      else if (!this.#stopped) this.#failed(gallery, kept, error as Error, now(), log);
    } finally {
      this.#writing = null;
    }
    if (!indexes.state(gallery).isHeld) snapshots.remove(gallery);
  }

  /** Deletes the old snapshot: it may hold removed faces, and the disk may be full. */
  #failed(gallery: number, kept: Kept, error: Error, now: number, log: Log): void {
    this.#counts.failed += 1;
    log.warn(
      { gallery, reason: error.message },
      'a snapshot of the index could not be written: the next start may take longer',
    );
    this.#parts.indexes.removeSnapshot(gallery);
    Object.assign(kept, NONE, { notBefore: now + RETRY_MS });
  }
}
