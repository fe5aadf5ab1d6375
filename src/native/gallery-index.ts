import { fileURLToPath } from 'node:url';
import { addon, withCallerStack } from './addon.ts';
import type { Executor } from './executor.ts';

export interface IndexStats {
  /** Removed vectors that still use memory. */
  readonly tombstones: number;
  /** Vectors in the graph, including removed ones; searches scan the rest. */
  readonly linked: number;
}

/**
 * Inner-product search over unit vectors quantised to 16 bits. Operations take effect in call order; searches run in
 * parallel. Low-priority threads build an HNSW graph for large galleries; small galleries use exact search.
 */
export interface GalleryIndex {
  readonly size: number;
  /** Memory of vectors, graph and background copies. */
  readonly bytes: number;
  stats(): IndexStats;
  /** `rows` on the GPU, including removed ones. After a `failure`, the graph answers. */
  onDevice(): { readonly rows: number; readonly failure: string };
  /** `vectors` has `ids.length * dimension` floats. Replaces existing ids. */
  add(ids: BigInt64Array, vectors: Float32Array): Promise<void>;
  /** @returns how many ids the index held. */
  remove(ids: BigInt64Array): Promise<number>;
  /**
   * Best first. Scores are inner products, accurate to about 1e-5.
   * @param query a unit vector gives scores from -1 to 1; others scale with its length.
   * @param allow restricts the search to these ids.
   * @param width `efSearch`, 1..65536, for benches; the default finds 99.9 % of the nearest faces.
   */
  search(
    query: Float32Array,
    k: number,
    allow?: BigInt64Array,
    width?: number,
  ): Promise<{ readonly ids: BigInt64Array; readonly scores: Float32Array }>;
  /** Unordered. */
  labels(): Promise<BigInt64Array>;
  /**
   * Writes a file (mode 0600) and flushes it before naming it, while searches and writes continue. Permits one save at
   * a time.
   * @param background idle threads; index writes wait until one starts.
   * @param stamp up to 1024 bytes.
   * @returns the file's size in bytes.
   * @throws Error with a sentence; an older file stays.
   */
  save(background: Executor, path: string, stamp: string): Promise<number>;
  cancelSave(): void;
  /** Requires an empty index. @throws Error with a sentence for a damaged file. */
  load(path: string): Promise<void>;
  /** Bytes that {@link load} has read so far. */
  readonly loaded: number;
}

export interface SnapshotFileInfo {
  readonly dimension: number;
  readonly rows: number;
  readonly stamp: string;
}

interface Exports {
  readonly GalleryIndex: new (
    executor: Executor,
    dimension: number,
    graphFrom?: number,
    library?: string,
  ) => GalleryIndex;
  whySearchUnavailable(library: string): string | null;
  readSnapshotInfo(path: string): SnapshotFileInfo;
  searchKernels(): string[];
}

/**
 * @param executor runs the work; closing it also ends background builds.
 * @param graphFrom gallery size from which to build a graph, for tests.
 * @param library GPU library that proposes candidates for galleries with a graph.
 * @throws Error with a sentence if the library is unusable.
 */
export function createGalleryIndex(
  executor: Executor,
  dimension: number,
  graphFrom?: number,
  library?: string,
): GalleryIndex {
  const index = new (addon<Exports>().GalleryIndex)(executor, dimension, graphFrom, library);
  return {
    get size() {
      return index.size;
    },
    get bytes() {
      return index.bytes;
    },
    stats: () => index.stats(),
    onDevice: () => index.onDevice(),
    add: (ids, vectors) => withCallerStack(index.add(ids, vectors)),
    remove: (ids) => withCallerStack(index.remove(ids)),
    search: (query, k, allow, width) => withCallerStack(index.search(query, k, allow, width)),
    labels: () => withCallerStack(index.labels()),
    save: (background, path, stamp) => withCallerStack(index.save(background, path, stamp)),
    cancelSave: () => index.cancelSave(),
    load: (path) => withCallerStack(index.load(path)),
    get loaded() {
      return index.loaded;
    },
  };
}

/** The build may omit this library. */
export const FAISS_LIBRARY = fileURLToPath(
  new URL('../../../build/Release/visage_faiss_gpu.so', import.meta.url),
);

/**
 * Returns a sentence for the operator; null if the library loads, finds a GPU and answers correctly. The library then
 * stays loaded.
 */
export function whySearchUnavailable(library: string): string | null {
  return addon<Exports>().whySearchUnavailable(library);
}

/** @throws Error with a sentence for a missing or damaged file. */
export function readSnapshotInfo(path: string): SnapshotFileInfo {
  return addon<Exports>().readSnapshotInfo(path);
}

/** Supported kernels, such as `avx2`: the active kernel first, `plain` last. */
export function searchKernels(): readonly string[] {
  return addon<Exports>().searchKernels();
}
