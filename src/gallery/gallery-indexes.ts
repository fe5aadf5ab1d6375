import { existsSync } from 'node:fs';
import { inTurns, Turn } from '../base/turns.ts';
import type { Executor } from '../native/executor.ts';
import {
  createGalleryIndex,
  FAISS_LIBRARY,
  type GalleryIndex,
  ROWS_OF_FILE,
  type RowOrTemplate,
  type SearchSpace,
  whySearchUnavailable,
} from '../native/gallery-index.ts';
import type { Log } from '../ops/log.ts';
import { stageTook } from '../ops/stage-times.ts';
import { type SnapshotFolder, type SnapshotStamp, stampText } from './snapshot-folder.ts';

const PROGRESS_MS = 250;

const LABELS_A_LOOK = 4096;

interface RowBatch {
  readonly labels: BigInt64Array;
  readonly rows: RowOrTemplate;
}

/** `score` is the cosine, -1..1. */
export interface Neighbour {
  readonly label: number;
  readonly score: number;
}

export interface IndexState {
  readonly isHeld: boolean;
  readonly size: number;
  /** Store generation that the index fully holds; NaN after a failed write. */
  readonly generation: number;
  readonly removals: number;
}

const NO_INDEX: IndexState = { isHeld: false, size: 0, generation: 0, removals: 0 };

export interface IndexTotals {
  readonly galleries: number;
  readonly templates: number;
  readonly bytes: number;
  readonly tombstones: number;
  readonly onDisk: number;
}

const NO_TOTALS = { templates: 0, bytes: 0, tombstones: 0, onDisk: 0 };
/** Searches after damage can meet further damaged rows. */
const MOST_REPAIRS = 8;

/** Keeps the rows of large galleries on disk. */
export interface RowStorage {
  /** Faces of a gallery. */
  readonly least: number;
  readonly rowsOfFile?: number;
  /** Rows of the store, to replace damaged ones; omits labels that it lacks. */
  readonly rowsAt: (gallery: number, labels: readonly number[]) => Iterable<RowBatch>;
  readonly log: Log;
}

interface Held {
  readonly index: GalleryIndex;
  generation: number;
  removals: number;
  isFailureTold: boolean;
  storeFailure: string;
}

/**
 * The first add or load of a gallery sets its search space. Operations on a gallery take effect in call
 * order.
 * `add` and `remove` increment the generation, like a store transaction.
 */
export class GalleryIndexes {
  readonly #executor: Executor;
  readonly #snapshots: SnapshotFolder | null;
  readonly #device: SearchDevice | null;
  readonly #storage: RowStorage | null;
  readonly #held = new Map<number, Held>();

  /**
   * @param snapshots null for none.
   * @param device GPU library; null for none.
   * @param storage null to keep all rows in memory. Needs `snapshots`.
   */
  constructor(
    executor: Executor,
    snapshots: SnapshotFolder | null = null,
    device: SearchDevice | null = null,
    storage: RowStorage | null = null,
  ) {
    this.#storage = storage;
    this.#device = device;
    this.#executor = executor;
    this.#snapshots = snapshots;
  }

  state(gallery: number): IndexState {
    const held = this.#held.get(gallery);
    if (!held) return NO_INDEX;
    const { index, generation, removals } = held;
    return { isHeld: true, size: index.size, generation, removals };
  }

  /** Files that hold rows of the gallery. */
  rowFiles(gallery: number): number {
    const rows = this.#held.get(gallery)?.index.onDisk().rows ?? 0;
    return rows / (this.#storage?.rowsOfFile ?? ROWS_OF_FILE);
  }

  totals(): IndexTotals {
    const totals = { galleries: this.#held.size, ...NO_TOTALS };
    for (const held of this.#held.values()) addTo(totals, held);
    return totals;
  }

  async countTotals(): Promise<IndexTotals> {
    const totals = { galleries: this.#held.size, ...NO_TOTALS };
    for await (const held of inTurns(this.#held.values())) addTo(totals, held);
    return totals;
  }

  galleryIds(): number[] {
    return [...this.#held.keys()];
  }

  /** @returns the total. */
  async fill(
    gallery: number,
    batches: Iterable<RowBatch>,
    space: SearchSpace,
    onProgress: (added: number) => void = () => {},
  ): Promise<number> {
    let before: Promise<void> = Promise.resolve();
    let given = 0;
    for (const { labels, rows } of batches) {
      const { index } = this.#index(gallery, space);
      const adding = index.add(labels, rows);
      await before;
      before = adding.then(() => onProgress(labels.length));
      before.catch(() => {});
      given += labels.length;
    }
    await before;
    return given;
  }

  holds(gallery: number, generation: number): void {
    const held = this.#held.get(gallery);
    if (held) held.generation = generation;
  }

  async add(gallery: number, label: number, row: RowOrTemplate, space: SearchSpace): Promise<void> {
    const held = this.#index(gallery, space);
    await counted(held, held.index.add(BigInt64Array.of(BigInt(label)), row));
  }

  async addBatch(gallery: number, { labels, rows }: RowBatch, space: SearchSpace): Promise<void> {
    const held = this.#index(gallery, space);
    await counted(held, held.index.add(labels, rows));
  }

  async remove(gallery: number, labels: readonly number[]): Promise<void> {
    const held = this.#held.get(gallery);
    if (!held) return;
    held.removals += 1;
    await counted(held, held.index.remove(BigInt64Array.from(labels, BigInt)));
  }

  /** Also deletes the snapshot and the rows on disk. */
  drop(gallery: number): void {
    this.#held.get(gallery)?.index.cancelSave();
    this.#held.delete(gallery);
    this.#snapshots?.remove(gallery);
  }

  /** The index stays. */
  removeSnapshot(gallery: number): void {
    this.#snapshots?.removeSnapshot(gallery);
    this.#held.get(gallery)?.index.forgetSaved();
  }

  /**
   * @param onProgress takes the share read, 0..1.
   * @throws Error; the gallery then has no index.
   */
  async load(
    gallery: number,
    space: SearchSpace,
    onProgress: (share: number) => void = () => {},
  ): Promise<void> {
    if (!this.#snapshots || this.#held.has(gallery)) throw new Error('there is nothing to load it into');
    const index = this.#createIndex(gallery, space);
    const bytes = this.#snapshots.bytes(gallery);
    const telling = setInterval(() => onProgress(index.loaded / bytes), PROGRESS_MS);
    try {
      await index.load(this.#snapshots.path(gallery));
    } finally {
      clearInterval(telling);
    }
    this.#held.set(gallery, { ...heldOf(index), generation: Number.NaN });
  }

  unload(gallery: number): void {
    this.#held.delete(gallery);
  }

  async labels(gallery: number): Promise<BigInt64Array> {
    return (await this.#held.get(gallery)?.index.labels()) ?? new BigInt64Array(0);
  }

  /**
   * @returns bytes.
   * @throws Error; the earlier snapshot stays.
   */
  async save(gallery: number, stamp: SnapshotStamp, background: Executor): Promise<number> {
    const held = this.#held.get(gallery);
    if (!held || !this.#snapshots) throw new Error('there is nothing to save');
    const { index } = held;
    const bytes = await index.save(background, this.#snapshots.path(gallery), stampText(stamp));
    if (this.#held.get(gallery) !== held) this.#snapshots.remove(gallery);
    return bytes;
  }

  cancelSave(gallery: number): void {
    this.#held.get(gallery)?.index.cancelSave();
  }

  /** Up to `k` neighbours, best first. */
  async search(
    gallery: number,
    probe: RowOrTemplate,
    k: number,
    allow: readonly number[] | null = null,
  ): Promise<Neighbour[]> {
    const held = this.#held.get(gallery);
    if (!held || allow?.length === 0) return [];
    const { index } = held;
    const began = performance.now();
    const allowed = allow ? await bigLabels(allow) : undefined;
    let found = await index.search(probe, k, allowed);
    for (let repairs = 0; found.isDamaged; repairs++) {
      if (repairs === MOST_REPAIRS) throw new Error('rows on disk are damaged again and again');
      await this.#repair(gallery, index);
      found = await index.search(probe, k, allowed);
    }
    const { ids, scores } = found;
    stageTook('search', performance.now() - began);
    if (this.#device) tellFailure(held, gallery, this.#device.log);
    if (this.#storage) tellStoreFailure(held, gallery, this.#storage.log);
    const neighbours: Neighbour[] = [];
    const turn = new Turn();
    for (let i = 0; i < ids.length; i++) {
      neighbours.push({ label: Number(ids[i]), score: scores[i] as number });
      if (i % LABELS_A_LOOK === LABELS_A_LOOK - 1 && turn.isOver) await turn.next();
    }
    return neighbours;
  }

  /** Replaces damaged rows that a sweep met. */
  async repair(gallery: number): Promise<void> {
    const index = this.#held.get(gallery)?.index;
    if (index && this.#storage && index.damaged().length > 0) await this.#repair(gallery, index);
  }

  scratch(space: SearchSpace): GalleryIndex {
    return createGalleryIndex(this.#executor, space);
  }

  get threads(): number {
    return this.#executor.stats().threads;
  }

  /** Whether no thread has work. */
  get isIdle(): boolean {
    const { queued, running } = this.#executor.stats();
    return queued + running === 0;
  }

  async #repair(gallery: number, index: GalleryIndex): Promise<void> {
    if (!this.#storage) return;
    const { rowsAt, log } = this.#storage;
    const labels = Array.from(index.damaged(), Number).sort((a, b) => a - b);
    const lost = new Set(labels);
    for (const batch of rowsAt(gallery, labels)) {
      for (const label of batch.labels) lost.delete(Number(label));
      await index.add(batch.labels, batch.rows);
    }
    if (lost.size > 0) await index.remove(BigInt64Array.from(lost, BigInt));
    log.warn(
      { gallery, rows: labels.length },
      'rows on disk are damaged: the rows of the store replace them',
    );
  }

  #createIndex(gallery: number, space: SearchSpace): GalleryIndex {
    const { least, rowsOfFile = ROWS_OF_FILE } = this.#storage ?? {};
    const prefix = this.#snapshots?.rowPrefix(gallery);
    const rows = least && prefix ? { prefix, least, rowsOfFile } : undefined;
    return createGalleryIndex(this.#executor, space, this.#device?.library, rows);
  }

  #index(gallery: number, space: SearchSpace): Held {
    let held = this.#held.get(gallery);
    if (!held) {
      held = heldOf(this.#createIndex(gallery, space));
      this.#held.set(gallery, held);
    }
    return held;
  }
}

export interface SearchDevice {
  readonly library: string;
  readonly log: Log;
}

export function findSearchDevice(log: Log, library = FAISS_LIBRARY): SearchDevice | null {
  const why = existsSync(library) ? whySearchUnavailable(library) : 'this build has no library by FAISS';
  if (why === null) {
    log.info('large galleries are searched on the GPU');
    return { library, log };
  }
  log.info({ why }, 'galleries are searched on the CPU');
  return null;
}

function addTo(totals: { -readonly [Name in keyof IndexTotals]: number }, { index }: Held): void {
  totals.templates += index.size;
  totals.bytes += index.bytes;
  totals.tombstones += index.tombstones;
  totals.onDisk += index.onDisk().rows;
}

function heldOf(index: GalleryIndex): Held {
  return { index, generation: 0, removals: 0, isFailureTold: false, storeFailure: '' };
}

function tellStoreFailure(held: Held, gallery: number, log: Log): void {
  const { failure } = held.index.onDisk();
  if (failure === held.storeFailure) return;
  held.storeFailure = failure;
  if (failure !== '')
    log.warn({ gallery, reason: failure }, 'rows could not be moved to disk: they stay in memory');
}

async function bigLabels(labels: readonly number[]): Promise<BigInt64Array> {
  const big = new BigInt64Array(labels.length);
  const turn = new Turn();
  for (const [i, label] of labels.entries()) {
    big[i] = BigInt(label);
    if (i % LABELS_A_LOOK === LABELS_A_LOOK - 1 && turn.isOver) await turn.next();
  }
  return big;
}

function tellFailure(held: Held, gallery: number, log: Log): void {
  if (held.isFailureTold) return;
  const { failure } = held.index.onDevice();
  if (failure === '') return;
  held.isFailureTold = true;
  log.warn({ gallery, why: failure }, 'the GPU has failed: the gallery is searched on the CPU');
}

/** Increments at once, so later calls count after this one. */
async function counted(held: Held, writing: Promise<unknown>): Promise<void> {
  held.generation += 1;
  try {
    await writing;
  } catch (error) {
    held.generation = Number.NaN;
    throw error;
  }
}
