import { createGalleryIndex, type Executor, type GalleryIndex } from '../native.ts';
import { stageTook } from '../ops/stage-times.ts';

/** Templates of one gallery, as many rows in `vectors` as there are labels. */
export interface VectorBatch {
  readonly gallery: number;
  readonly labels: BigInt64Array;
  readonly vectors: Float32Array;
}

/** One face near a probe; `score` is the inner product, -1..1. */
export interface Neighbour {
  readonly label: number;
  readonly score: number;
}

/**
 * The vector indexes of all galleries, by gallery number: a cache of what the store holds. A gallery's templates are of
 * one length; two galleries' may differ. Operations on one gallery take effect in the order in which they are called.
 */
export class GalleryIndexes {
  readonly #executor: Executor;
  readonly #indexes = new Map<number, GalleryIndex>();

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  /** Vectors of a gallery. */
  size(gallery: number): number {
    return this.#indexes.get(gallery)?.size ?? 0;
  }

  /** Galleries that are held. */
  get galleries(): number {
    return this.#indexes.size;
  }

  /** Vectors of all galleries. */
  get total(): number {
    let total = 0;
    for (const index of this.#indexes.values()) total += index.size;
    return total;
  }

  /** Bytes of memory that all of them take. */
  get bytes(): number {
    let bytes = 0;
    for (const index of this.#indexes.values()) bytes += index.bytes;
    return bytes;
  }

  /** Adds everything that `batches` gives. @param onProgress is told the number of vectors so far after each batch. */
  async rebuild(batches: Iterable<VectorBatch>, onProgress: (done: number) => void): Promise<void> {
    let done = 0;
    for (const { gallery, labels, vectors } of batches) {
      await this.#index(gallery, vectors.length / labels.length).add(labels, vectors);
      done += labels.length;
      onProgress(done);
    }
  }

  async add(gallery: number, label: number, template: Float32Array): Promise<void> {
    await this.#index(gallery, template.length).add(BigInt64Array.of(BigInt(label)), template);
  }

  async remove(gallery: number, labels: readonly number[]): Promise<void> {
    await this.#indexes.get(gallery)?.remove(BigInt64Array.from(labels, BigInt));
  }

  /** Forgets a gallery. */
  drop(gallery: number): void {
    this.#indexes.delete(gallery);
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
    const index = this.#indexes.get(gallery);
    if (!index || allow?.length === 0) return [];
    const began = performance.now();
    const { ids, scores } = await (allow
      ? index.search(probe, k, BigInt64Array.from(allow, BigInt))
      : index.search(probe, k));
    stageTook('search', performance.now() - began);
    return Array.from(ids, (id, i) => ({ label: Number(id), score: scores[i] as number }));
  }

  #index(gallery: number, dimension: number): GalleryIndex {
    let index = this.#indexes.get(gallery);
    if (!index) {
      index = createGalleryIndex(this.#executor, dimension);
      this.#indexes.set(gallery, index);
    }
    return index;
  }
}
