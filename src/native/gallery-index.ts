import { fileURLToPath } from 'node:url';
import { addon, withCallerStack } from './addon.ts';
import type { Executor } from './executor.ts';

/** native/search/row.h */
export type Row = Uint8Array;

/** A row, or the template of an older store. */
export type RowOrTemplate = Row | Float32Array;

/** Immutable. */
export interface SearchSpace {
  /** Floats of a template. */
  readonly dimension: number;
  /** Coordinates of a row. */
  readonly rank: number;
  readonly subquantizers: number;
  readonly rowBytes: number;
  readonly isNormalised: boolean;
  /** @param templates finite; several give one row after another. */
  row(templates: Float32Array): Row;
  template(row: RowOrTemplate): Float32Array;
  /**
   * Cosines, less the offsets of both rows if scores are normalised.
   * @throws Error for a non-finite value.
   */
  compare(probe: RowOrTemplate, rows: readonly RowOrTemplate[]): Float32Array;
  /**
   * The row of the mean. Null if rows differ too much, as when a family shares a key.
   * @param rows at least two.
   * @param least average score of the pairs, and of each row with the mean of the others.
   */
  mean(rows: readonly RowOrTemplate[], least: number): Row | null;
}

/** Operations take effect in call order; searches run in parallel. */
export interface GalleryIndex {
  readonly size: number;
  readonly bytes: number;
  readonly tombstones: number;
  /** `rows` include removed ones. After a `failure`, the CPU answers. */
  onDevice(): { readonly rows: number; readonly failure: string };
  /** `failure` says why rows stay in memory. */
  onDisk(): { readonly rows: number; readonly failure: string };
  /** Replaces existing ids. */
  add(ids: BigInt64Array, rows: RowOrTemplate): Promise<void>;
  remove(ids: BigInt64Array): Promise<number>;
  /**
   * Best first. Scores are those of `SearchSpace.compare` to about 1e-5. If `isDamaged`, add or remove the
   * labels of `damaged`, and search again.
   */
  search(
    probe: RowOrTemplate,
    k: number,
    allow?: BigInt64Array,
  ): Promise<{ readonly ids: BigInt64Array; readonly scores: Float32Array; readonly isDamaged: boolean }>;
  damaged(): BigInt64Array;
  labels(): Promise<BigInt64Array>;
  /**
   * Flushes a file (mode 0600) before naming it, while searches and writes continue. One save at a time.
   * @param background idle threads; index writes wait until one starts.
   * @param stamp up to 1024 bytes.
   * @returns bytes of the file and of the rows on disk.
   * @throws Error with a sentence; an older file stays.
   */
  save(background: Executor, path: string, stamp: string): Promise<number>;
  cancelSave(): void;
  /** After deletion of the saved file, deletes its unused rows on disk. */
  forgetSaved(): void;
  /**
   * Requires an empty index.
   * @throws Error with a sentence for a damaged file.
   */
  load(path: string): Promise<void>;
  /** Bytes read so far. */
  readonly loaded: number;
}

export interface SnapshotFileInfo {
  readonly dimension: number;
  readonly rows: number;
  readonly stamp: string;
  /** Names of files with rows on disk, after their prefix. */
  readonly rowFiles: readonly string[];
}

/** Where, and from how many faces on, an index keeps its rows on disk. */
export interface RowsOnDisk {
  /** Of the files' paths. */
  readonly prefix: string;
  readonly least: number;
  /** A power of two, 64 or more. */
  readonly rowsOfFile: number;
}

export const ROWS_OF_FILE = 65_536;

interface Exports {
  readonly GalleryIndex: new (
    executor: Executor,
    space: SearchSpace,
    library?: string,
    rows?: RowsOnDisk,
  ) => GalleryIndex;
  readonly SearchSpace: new (source: Uint8Array | number, cohort?: Uint8Array) => SearchSpace;
  whySearchUnavailable(library: string): string | null;
  readSnapshotInfo(path: string): SnapshotFileInfo;
  searchKernels(): string[];
}

/**
 * @param source a file of `visagectl models basis`, or the dimension of a pack without one.
 * @throws Error for a damaged file.
 */
export function openSearchSpace(source: Uint8Array | number, cohort?: Uint8Array): SearchSpace {
  return new (addon<Exports>().SearchSpace)(source, cohort);
}

/**
 * @param executor closing it also ends background copies.
 * @param library proposes candidates for large galleries on the GPU.
 * @param rows default all in memory.
 * @throws Error with a sentence for an unusable library.
 */
export function createGalleryIndex(
  executor: Executor,
  space: SearchSpace,
  library?: string,
  rows?: RowsOnDisk,
): GalleryIndex {
  const index = new (addon<Exports>().GalleryIndex)(executor, space, library, rows);
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
    onDisk: () => index.onDisk(),
    damaged: () => index.damaged(),
    add: (ids, rows) => withCallerStack(index.add(ids, rows)),
    remove: (ids) => withCallerStack(index.remove(ids)),
    search: (probe, k, allow) => withCallerStack(index.search(probe, k, allow)),
    labels: () => withCallerStack(index.labels()),
    save: (background, path, stamp) => withCallerStack(index.save(background, path, stamp)),
    cancelSave: () => index.cancelSave(),
    forgetSaved: () => index.forgetSaved(),
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

/** A sentence for the operator; null if the library works. It then stays loaded. */
export function whySearchUnavailable(library: string): string | null {
  return addon<Exports>().whySearchUnavailable(library);
}

export function readSnapshotInfo(path: string): SnapshotFileInfo {
  return addon<Exports>().readSnapshotInfo(path);
}

export function searchKernels(): readonly string[] {
  return addon<Exports>().searchKernels();
}
