import type { Executor } from '../native/executor.ts';
import { createGalleryIndex, type GalleryIndex, type IndexStats } from '../native/gallery-index.ts';
import type { Log } from '../ops/log.ts';
import { stageTook } from '../ops/stage-times.ts';
import type { SearchDevice } from './search-device.ts';
import { type SnapshotFolder, type SnapshotStamp, stampText } from './snapshots.ts';

/** How often the loading of a snapshot says how far it is. */
const PROGRESS_MS = 250;

/** Templates of one gallery, as many rows in `vectors` as there are labels. */
export interface VectorBatch {
  readonly labels: BigInt64Array;
  readonly vectors: Float32Array;
}

/** One face near a probe; `score` is the inner product, -1..1. */
export interface Neighbour {
  readonly label: number;
  readonly score: number;
}

/** One gallery's index, and which state of the gallery it holds. */
interface Held {
  readonly index: GalleryIndex;
  /** The gallery's generation that it holds all of; NaN from a write on that failed. */
  generation: number;
  /** Writes since the start that removed something. */
  removals: number;
  /** Whether the log has been told that the GPU has failed. */
  isFailureTold: boolean;
}

/**
 * The vector indexes of all galleries, by gallery number: a cache of what the store holds. A gallery's templates are of
 * one length; two galleries' may differ. Operations on one gallery take effect in the order in which they are called.
 *
 * Each gallery's generation is counted: the store's at the start, and one more with every {@link add} and
 * {@link remove}, as the store counts its transactions.
 */
export class GalleryIndexes {
  readonly #executor: Executor;
  readonly #snapshots: SnapshotFolder | null;
  readonly #device: SearchDevice | null;
  readonly #held = new Map<number, Held>();

  /** @param snapshots where snapshots are; null for none. @param device a GPU to search on; null for none. */
  constructor(
    executor: Executor,
    snapshots: SnapshotFolder | null = null,
    device: SearchDevice | null = null,
  ) {
    this.#device = device;
    this.#executor = executor;
    this.#snapshots = snapshots;
  }

  /** Vectors of a gallery. */
  size(gallery: number): number {
    return this.#held.get(gallery)?.index.size ?? 0;
  }

  /** The generation of a gallery that its index holds all of; 0 where there is none, NaN after a write that failed. */
  generation(gallery: number): number {
    return this.#held.get(gallery)?.generation ?? 0;
  }

  /** Vectors of a gallery that its graph has; 0 where it has none. */
  linked(gallery: number): number {
    return this.#held.get(gallery)?.index.stats().linked ?? 0;
  }

  /** Writes since the start that removed faces of a gallery. */
  removals(gallery: number): number {
    return this.#held.get(gallery)?.removals ?? 0;
  }

  /** Galleries that are held. */
  get galleries(): number {
    return this.#held.size;
  }

  /** Numbers of the galleries that are held. */
  numbers(): number[] {
    return [...this.#held.keys()];
  }

  /** Vectors of all galleries. */
  get total(): number {
    let total = 0;
    for (const { index } of this.#held.values()) total += index.size;
    return total;
  }

  /** Bytes of memory that all of them take. */
  get bytes(): number {
    let bytes = 0;
    for (const { index } of this.#held.values()) bytes += index.bytes;
    return bytes;
  }

  /** Vectors that are found through a graph, and removed ones whose memory is still held, of all galleries. */
  get upkeep(): IndexStats {
    const all = Array.from(this.#held.values(), ({ index }) => index.stats());
    return {
      linked: all.reduce((sum, { linked }) => sum + linked, 0),
      tombstones: all.reduce((sum, { tombstones }) => sum + tombstones, 0),
    };
  }

  /**
   * Adds everything that `batches` gives. The next batch is taken while the one before is added.
   * @param onProgress is told the number of vectors that were added after each batch.
   * @returns how many vectors there were.
   */
  async fill(
    gallery: number,
    batches: Iterable<VectorBatch>,
    onProgress: (added: number) => void = () => {},
  ): Promise<number> {
    let before: Promise<void> = Promise.resolve();
    let given = 0;
    for (const { labels, vectors } of batches) {
      const adding = this.#index(gallery, vectors.length / labels.length).index.add(labels, vectors);
      await before;
      before = adding.then(() => onProgress(labels.length));
      before.catch(() => {});
      given += labels.length;
    }
    await before;
    return given;
  }

  /** Says of which generation of the store's what the gallery's index holds is all. */
  holds(gallery: number, generation: number): void {
    const held = this.#held.get(gallery);
    if (held) held.generation = generation;
  }

  async add(gallery: number, label: number, template: Float32Array): Promise<void> {
    const held = this.#index(gallery, template.length);
    await counted(held, held.index.add(BigInt64Array.of(BigInt(label)), template));
  }

  /** One write of the store's. */
  async remove(gallery: number, labels: readonly number[]): Promise<void> {
    const held = this.#held.get(gallery);
    if (!held) return;
    held.removals += 1;
    await counted(held, held.index.remove(BigInt64Array.from(labels, BigInt)));
  }

  /** Forgets a gallery and removes its snapshot. */
  drop(gallery: number): void {
    this.#held.get(gallery)?.index.cancelSave();
    this.#held.delete(gallery);
    this.#snapshots?.remove(gallery);
  }

  /**
   * Fills a gallery that is not held from its snapshot.
   * @param onProgress is told now and then which share of the file, 0..1, has been read.
   * @throws Error in words where the snapshot does not load; the gallery is still not held then.
   */
  async load(
    gallery: number,
    dimension: number,
    onProgress: (share: number) => void = () => {},
  ): Promise<void> {
    if (!this.#snapshots || this.#held.has(gallery)) throw new Error('there is nothing to load it into');
    const index = this.#createIndex(dimension);
    const bytes = this.#snapshots.bytes(gallery);
    const telling = setInterval(() => onProgress(index.loaded / bytes), PROGRESS_MS);
    try {
      await index.load(this.#snapshots.path(gallery));
    } finally {
      clearInterval(telling);
    }
    this.#held.set(gallery, { index, generation: Number.NaN, removals: 0, isFailureTold: false });
  }

  /** Forgets a gallery, whose snapshot stays. */
  unload(gallery: number): void {
    this.#held.delete(gallery);
  }

  /** Labels of a gallery's index, in no order. */
  async labels(gallery: number): Promise<BigInt64Array> {
    return (await this.#held.get(gallery)?.index.labels()) ?? new BigInt64Array(0);
  }

  /**
   * Writes a gallery's snapshot, as everything called before left it, while searches and writes go on.
   * @param background threads that write it.
   * @returns bytes of the file. @throws Error in words; the snapshot from before stays.
   */
  async save(gallery: number, stamp: SnapshotStamp, background: Executor): Promise<number> {
    const held = this.#held.get(gallery);
    if (!held || !this.#snapshots) throw new Error('there is nothing to save');
    const { index } = held;
    const bytes = await index.save(background, this.#snapshots.path(gallery), stampText(stamp));
    // Dropped while the last of it was written.
    if (this.#held.get(gallery) !== held) this.#snapshots.remove(gallery);
    return bytes;
  }

  /** Has a {@link save} that is under way fail soon. */
  cancelSave(gallery: number): void {
    this.#held.get(gallery)?.index.cancelSave();
  }

  /**
   * The `k` nearest of a gallery, best first; fewer where it holds fewer.
   * @param allow labels of the only candidates; null for all.
   */
  async search(
    gallery: number,
    probe: Float32Array,
    k: number,
    allow: readonly number[] | null = null,
  ): Promise<Neighbour[]> {
    const held = this.#held.get(gallery);
    if (!held || allow?.length === 0) return [];
    const { index } = held;
    const began = performance.now();
    const { ids, scores } = await (allow
      ? index.search(probe, k, BigInt64Array.from(allow, BigInt))
      : index.search(probe, k));
    stageTook('search', performance.now() - began);
    if (this.#device) tellFailure(held, gallery, this.#device.log);
    const neighbours: Neighbour[] = [];
    // Most requests pass here, and Array.from would make three objects of each neighbour.
    for (let i = 0; i < ids.length; i++) {
      neighbours.push({ label: Number(ids[i]), score: scores[i] as number });
    }
    return neighbours;
  }

  #createIndex(dimension: number): GalleryIndex {
    return createGalleryIndex(this.#executor, dimension, undefined, this.#device?.library);
  }

  #index(gallery: number, dimension: number): Held {
    let held = this.#held.get(gallery);
    if (!held) {
      held = { index: this.#createIndex(dimension), generation: 0, removals: 0, isFailureTold: false };
      this.#held.set(gallery, held);
    }
    return held;
  }
}

/** One line a gallery: the searches go on without the GPU. */
function tellFailure(held: Held, gallery: number, log: Log): void {
  if (held.isFailureTold) return;
  const { failure } = held.index.onDevice();
  if (failure === '') return;
  held.isFailureTold = true;
  log.warn({ gallery, why: failure }, 'the GPU has failed: the gallery is searched on the CPU');
}

/** Counts a write from when it is called: what is called after it comes after it. */
async function counted(held: Held, writing: Promise<unknown>): Promise<void> {
  held.generation += 1;
  try {
    await writing;
  } catch (error) {
    held.generation = Number.NaN;
    throw error;
  }
}
