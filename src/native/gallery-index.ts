/** The vectors of one gallery, in memory and in a file. */
import { fileURLToPath } from 'node:url';
import { addon, crossing } from './addon.ts';
import type { Executor } from './executor.ts';

/** How a gallery is searched. */
export interface IndexStats {
  /** Vectors that were removed and whose memory is still held; they are swept out in the background. */
  readonly tombstones: number;
  /**
   * Vectors that the graph has, removed ones too; a search looks at all others one by one. 0 where there is no graph, and
   * the search is exact.
   */
  readonly linked: number;
}

/**
 * Inner-product search over the unit vectors of one gallery, which are kept as 16-bit numbers. Operations take effect in
 * the order in which they are called; searches run in parallel with each other.
 *
 * Small galleries are searched exactly; larger ones through a graph that threads of low priority build meanwhile.
 */
export interface GalleryIndex {
  /** Vectors held. */
  readonly size: number;
  /** Bytes of memory that the index takes: vectors, graph, and what is being made in the background. */
  readonly bytes: number;
  /** How it searches at this moment. */
  stats(): IndexStats;
  /**
   * Vectors that are on the GPU, removed ones too, and why there are none where it has failed; empty otherwise. Beside
   * `linked`: the graph answers where the GPU cannot.
   */
  onDevice(): { readonly rows: number; readonly failure: string };
  /** Adds `ids.length` vectors, row after row in `vectors` (`ids.length * dimension` floats). An id already held is replaced. */
  add(ids: BigInt64Array, vectors: Float32Array): Promise<void>;
  /** Removes ids, unknown ones are passed over. Answers how many were held. */
  remove(ids: BigInt64Array): Promise<number>;
  /**
   * The `k` nearest (fewer if fewer are held), best first; scores are inner products, -1..1, to about
   * 1e-5.
   * A longer query's scores are as many times larger, in the same order; a zero query's are all 0.
   * @param allow restricts the search to these ids inside the index; unknown and repeated ones are passed over.
   * @param width vectors, 1..65536, that a search through the graph follows, for benches; by default as many as find 99.9 %
   *   of the nearest faces.
   */
  search(
    query: Float32Array,
    k: number,
    allow?: BigInt64Array,
    width?: number,
  ): Promise<{ readonly ids: BigInt64Array; readonly scores: Float32Array }>;
  /** Ids of everything held, in no order. */
  labels(): Promise<BigInt64Array>;
  /**
   * Writes what is held when its turn comes into a file (mode 0600), under another name until it is whole and flushed.
   * Searches and writes go on meanwhile. One at a time.
   * @param background threads with nothing to do: writes to the index wait until one of them has begun.
   * @param stamp up to 1024 bytes that {@link readSnapshotInfo} gives back.
   * @returns bytes of the file. @throws Error in words; a file of that name from before stays.
   */
  save(background: Executor, path: string, stamp: string): Promise<number>;
  /** Has the {@link save} under way fail soon, if there is one. */
  cancelSave(): void;
  /** Fills an index that holds nothing with what was saved. @throws Error in words where anything of it is damaged. */
  load(path: string): Promise<void>;
  /** Bytes of the file that {@link load} has read so far. */
  readonly loaded: number;
}

/** What the head of a saved index says. */
export interface SnapshotFileInfo {
  readonly dimension: number;
  readonly rows: number;
  readonly stamp: string;
}

/** What one kernel of the search makes of the same rows in each of its three ways: one number a row. */
export interface KernelProducts {
  /** Of the probe and each row, of all rows in one call and of each in a call of its own. */
  readonly together: Int32Array;
  readonly single: Int32Array;
  /** Of the first row and each row. */
  readonly codes: Int32Array;
}

interface Part {
  readonly GalleryIndex: new (
    executor: Executor,
    dimension: number,
    graphFrom?: number,
    library?: string,
  ) => GalleryIndex;
  whySearchUnavailable(library: string): string | null;
  readSnapshotInfo(path: string): SnapshotFileInfo;
  searchKernels(): string[];
  kernelProducts(kernel: string, probe: Int16Array, rows: Int8Array): KernelProducts;
}

/**
 * An empty index of vectors of `dimension` floats.
 * @param executor does its work; its closing also ends what is done in the background.
 * @param graphFrom vectors from which on it is searched through a graph, 1 or more, for tests; by default as it is fastest.
 * @param library keeps the vectors of galleries with a graph on a GPU too, and finds those that a search ranks; by default
 *   none. @throws Error in words where it cannot be used.
 */
export function createGalleryIndex(
  executor: Executor,
  dimension: number,
  graphFrom?: number,
  library?: string,
): GalleryIndex {
  const index = new (addon<Part>().GalleryIndex)(executor, dimension, graphFrom, library);
  return {
    get size() {
      return index.size;
    },
    get bytes() {
      return index.bytes;
    },
    stats: () => index.stats(),
    onDevice: () => index.onDevice(),
    add: (ids, vectors) => crossing(index.add(ids, vectors)),
    remove: (ids) => crossing(index.remove(ids)),
    search: (query, k, allow, width) => crossing(index.search(query, k, allow, width)),
    labels: () => crossing(index.labels()),
    save: (background, path, stamp) => crossing(index.save(background, path, stamp)),
    cancelSave: () => index.cancelSave(),
    load: (path) => crossing(index.load(path)),
    get loaded() {
      return index.loaded;
    },
  };
}

/** The library by FAISS, beside the addon where set-up was asked to build it and has found FAISS. */
export const FAISS_LIBRARY = fileURLToPath(
  new URL('../../../build/Release/visage_faiss_gpu.so', import.meta.url),
);

/**
 * Why a library cannot search on a GPU here: it does not load, finds no GPU, or does not find the best of a few vectors, in
 * words for the operator. Null where it can; then it stays loaded.
 */
export function whySearchUnavailable(library: string): string | null {
  return addon<Part>().whySearchUnavailable(library);
}

/** Reads the head of a saved index. @throws Error in words where there is none, or it is damaged. */
export function readSnapshotInfo(path: string): SnapshotFileInfo {
  return addon<Part>().readSnapshotInfo(path);
}

/** Kernels of the search that this processor can run, such as `avx2`; the first is the one in use, the last `plain`. */
export function searchKernels(): readonly string[] {
  return addon<Part>().searchKernels();
}

/**
 * Inner products by one kernel, for tests: all kernels answer the same.
 * @param kernel one of {@link searchKernels}.
 * @param probe a multiple of 64 values; 128 times the sum of their magnitudes is below 2^31.
 * @param rows as many values a row.
 */
export function kernelProducts(kernel: string, probe: Int16Array, rows: Int8Array): KernelProducts {
  return addon<Part>().kernelProducts(kernel, probe, rows);
}
