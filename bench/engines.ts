/** The engines of bench:search behind one interface: ours through the addon, and what a user might pick instead. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor, createGalleryIndex, type Executor, type GalleryIndex } from '../src/native.ts';

/** Vectors that are added in one call. */
const BATCH = 10_000;

/** One way to search. Rows are numbered from 0 in the order in which they were added. */
export interface Engine {
  readonly name: string;
  /** Threads that build. */
  readonly threads: number;
  /** How much a search may look at, least first; one entry where there is nothing to choose. */
  readonly efforts: readonly number[];
  /** Adds rows, and is done when searches use all that it will ever have. Called once. */
  build(rows: Float32Array, dimension: number): Promise<void>;
  /** Puts an effort in force; after {@link ownBytes}. */
  exert(effort: number): Promise<void>;
  /** Row number of the nearest. */
  nearest(probe: Float32Array): number | Promise<number>;
  /** Bytes that it says it takes, or its file does; undefined where it says neither. */
  ownBytes(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Candidates that a graph is walked with; what is common with HNSW. */
const EFFORTS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048];

/** Visage's own, on one thread. */
export function ours(): Engine {
  let executor: Executor;
  let index: GalleryIndex;
  return {
    name: 'Visage',
    threads: 1,
    efforts: [0],
    build: async (rows, dimension) => {
      executor = createExecutor({ threads: 1, maxQueue: 16 });
      index = createGalleryIndex(executor, dimension);
      for (const [from, batch] of batchesOf(rows, dimension)) {
        const count = batch.length / dimension;
        await index.add(
          BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i)),
          batch,
        );
      }
    },
    exert: async () => {},
    nearest: async (probe) => Number((await index.search(probe, 1)).ids[0]),
    ownBytes: async () => index.bytes,
    close: () => executor.close(),
  };
}

interface UsearchIndex {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(vector: Float32Array, k: number, threads: number): { readonly keys: BigUint64Array };
  save(path: string): void;
  load(path: string): void;
}
interface Usearch {
  readonly Index: new (options: {
    readonly dimensions: number;
    readonly metric: 'ip';
    readonly quantization: 'f16' | 'i8';
    readonly connectivity?: number;
    readonly expansion_add?: number;
    readonly expansion_search?: number;
  }) => UsearchIndex;
}

/** `usearch` with its own settings, on every core where it builds. Another effort needs a new index from its file. */
export function usearch(require: NodeJS.Require, quantization: 'f16' | 'i8'): Engine {
  const { Index } = require('usearch') as Usearch;
  let index: UsearchIndex;
  let dimensions: number;
  let folder: string;
  return {
    name: `usearch ${quantization}`,
    threads: availableParallelism(),
    efforts: EFFORTS,
    build: async (rows, dimension) => {
      dimensions = dimension;
      index = new Index({ dimensions, metric: 'ip', quantization });
      for (const [from, batch] of batchesOf(rows, dimension)) {
        const count = batch.length / dimension;
        index.add(
          BigUint64Array.from({ length: count }, (_, i) => BigInt(from + i)),
          batch,
          availableParallelism(),
        );
      }
    },
    exert: async (effort) => {
      index = new Index({ dimensions, metric: 'ip', quantization, expansion_search: effort });
      index.load(join(folder, 'index'));
    },
    nearest: (probe) => Number(index.search(probe, 1, 1).keys[0]),
    ownBytes: async () => {
      folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
      index.save(join(folder, 'index'));
      return (await stat(join(folder, 'index'))).size;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

interface HnswlibIndex {
  initIndex(maxElements: number): void;
  addPoint(point: number[], label: number): void;
  setEf(ef: number): void;
  searchKnn(point: number[], k: number): { readonly neighbors: number[] };
}
interface Hnswlib {
  readonly HierarchicalNSW: new (space: 'ip', dimension: number) => HnswlibIndex;
}

/** `hnswlib-node` with its own settings; it takes plain arrays, and builds on one thread. */
export function hnswlib(require: NodeJS.Require): Engine {
  const { HierarchicalNSW } = require('hnswlib-node') as Hnswlib;
  let index: HnswlibIndex;
  return {
    name: 'hnswlib-node',
    threads: 1,
    efforts: EFFORTS,
    build: async (rows, dimension) => {
      index = new HierarchicalNSW('ip', dimension);
      const count = rows.length / dimension;
      index.initIndex(count);
      for (let i = 0; i < count; i++) {
        index.addPoint(Array.from(rows.subarray(i * dimension, (i + 1) * dimension)), i);
      }
    },
    exert: async (effort) => index.setEf(effort),
    nearest: (probe) => index.searchKnn(Array.from(probe), 1).neighbors[0] ?? -1,
    ownBytes: async () => undefined,
    close: async () => {},
  };
}

function* batchesOf(rows: Float32Array, dimension: number): Generator<[from: number, batch: Float32Array]> {
  const count = rows.length / dimension;
  for (let from = 0; from < count; from += BATCH) {
    yield [from, rows.subarray(from * dimension, Math.min(from + BATCH, count) * dimension)];
  }
}
