import { fileURLToPath } from 'node:url';
import { addon, withCallerStack } from './addon.ts';
import type { Executor } from './executor.ts';

/** The subspace of a model pack's templates, and the quantiser that proposes candidates in it. Immutable. */
export interface SearchSpace {
  readonly dimension: number;
  /** Coordinates of a row. */
  readonly rank: number;
  /** Codes of a row; 0 for none. */
  readonly subquantizers: number;
  readonly handle: unknown;
}

/**
 * Inner-product search over unit vectors quantised to 16 bits. Operations take effect in call order; searches
 * run in parallel. In large galleries a quantiser proposes candidates, and the 16-bit rows decide among them.
 */
export interface GalleryIndex {
  readonly size: number;
  /** Rows, labels and a background copy. */
  readonly bytes: number;
  /** Removed vectors that still use memory. */
  readonly tombstones: number;
  /** `rows` include removed ones. After a `failure`, the CPU answers. */
  onDevice(): { readonly rows: number; readonly failure: string };
  /**
   * Replaces existing ids.
   * @param vectors `ids.length * dimension` floats.
   */
  add(ids: BigInt64Array, vectors: Float32Array): Promise<void>;
  /** @returns how many ids the index held. */
  remove(ids: BigInt64Array): Promise<number>;
  /**
   * Best first. Scores are inner products, accurate to about 1e-5.
   * @param query of any length.
   * @param allow restricts the search to these ids.
   */
  search(
    query: Float32Array,
    k: number,
    allow?: BigInt64Array,
  ): Promise<{ readonly ids: BigInt64Array; readonly scores: Float32Array }>;
  labels(): Promise<BigInt64Array>;
  /**
   * Flushes a file (mode 0600) before naming it, while searches and writes continue. Permits one save at a
   * time.
   * @param background idle threads; index writes wait until one starts.
   * @param stamp up to 1024 bytes.
   * @returns the file's size.
   * @throws Error with a sentence; an older file stays.
   */
  save(background: Executor, path: string, stamp: string): Promise<number>;
  cancelSave(): void;
  /**
   * Requires an empty index.
   * @throws Error with a sentence for a damaged file.
   */
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
  readonly GalleryIndex: new (executor: Executor, space: unknown, library?: string) => GalleryIndex;
  openSearchSpace(file: Uint8Array): SearchSpace;
  whySearchUnavailable(library: string): string | null;
  readSnapshotInfo(path: string): SnapshotFileInfo;
  searchKernels(): string[];
}

/**
 * @param file of `visagectl models basis`.
 * @throws Error with a sentence for a damaged file.
 */
export function openSearchSpace(file: Uint8Array): SearchSpace {
  return addon<Exports>().openSearchSpace(file);
}

/**
 * @param executor runs the work; closing it also ends background copies.
 * @param space the pack's, or a dimension for exact scans of whole vectors.
 * @param library GPU library that proposes candidates for large galleries.
 * @throws Error with a sentence if the library is unusable.
 */
export function createGalleryIndex(
  executor: Executor,
  space: SearchSpace | number,
  library?: string,
): GalleryIndex {
  const handle = typeof space === 'number' ? space : space.handle;
  const index = new (addon<Exports>().GalleryIndex)(executor, handle, library);
  return {
    get size() {
      return index.size;
    },
    get bytes() {
      return index.bytes;
    },
    get tombstones() {
      return index.tombstones;
    },
    onDevice: () => index.onDevice(),
    add: (ids, vectors) => withCallerStack(index.add(ids, vectors)),
    remove: (ids) => withCallerStack(index.remove(ids)),
    search: (query, k, allow) => withCallerStack(index.search(query, k, allow)),
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
 * A sentence for the operator; null if the library loads, finds a GPU and answers correctly. The library then
 * stays loaded.
 */
export function whySearchUnavailable(library: string): string | null {
  return addon<Exports>().whySearchUnavailable(library);
}

/** @throws Error with a sentence for a missing or damaged file. */
export function readSnapshotInfo(path: string): SnapshotFileInfo {
  return addon<Exports>().readSnapshotInfo(path);
}

/** The active kernel first, `plain` last. */
export function searchKernels(): readonly string[] {
  return addon<Exports>().searchKernels();
}
