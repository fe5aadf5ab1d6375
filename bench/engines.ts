/** The engines of bench:search behind one interface: ours through the addon, and what a user might pick instead. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createExecutor, type Executor } from '../src/native/executor.ts';
import { createGalleryIndex, type GalleryIndex } from '../src/native/gallery-index.ts';
import { collectGarbage } from './garbage.ts';

/** Vectors that are added in one call. */
const BATCH = 10_000;

/** More faces than there will be: searched exactly. */
const NEVER = 2 ** 31 - 1;
/** Milliseconds between two looks at whether the graph is there, and looks without work after which it is not made. */
const LOOK_MS = 50;
const IDLE_LOOKS = 20;

/** One way to search. Rows are numbered from 0 in the order in which they were added. */
export interface Engine {
  readonly name: string;
  /** Whether it is what ours is compared with. */
  readonly isPeer: boolean;
  /** Threads that build. */
  readonly threads: number;
  /** How much a search may look at, least first; one entry where there is nothing to choose. */
  readonly efforts: readonly number[];
  /** Adds rows, and is done when all of them are found. Called once. */
  build(rows: Float32Array, dimension: number): Promise<void>;
  /** Waits for what is built in the background after that. @returns whether there was anything. */
  finish(): Promise<boolean>;
  /** Puts an effort in force; after {@link ownBytes}. */
  exert(effort: number): Promise<void>;
  /** Row number of the nearest. */
  nearest(probe: Float32Array): number | Promise<number>;
  /** The same with the effort that the product gives a search by itself, where it gives one. */
  readonly served?: (probe: Float32Array) => Promise<number>;
  /** Bytes that it says it takes, or its file does. */
  ownBytes(): Promise<number>;
  close(): Promise<void>;
  /** Where it is a process of its own: what that took. */
  readonly outside?: () => Outside;
}

/** What the process of an engine took by its own clocks, without the way to it. */
export interface Outside {
  /** Of the build: seconds, seconds of processor time, and bytes that the process grew by. */
  readonly wall: number;
  readonly user: number;
  readonly grown: number;
  /** Milliseconds of the last search. */
  readonly searchMs: number;
}

/** Candidates that a graph is walked with; what is common with HNSW. */
export const EFFORTS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048];

/** Visage's own, searching on one thread; its graph is built in the background, on every core. */
export function ours(): Engine {
  let width: number | undefined;
  const own = ourIndex();
  return {
    ...own,
    name: 'Visage',
    threads: availableParallelism(),
    efforts: EFFORTS,
    exert: async (effort) => {
      width = effort;
    },
    nearest: (probe) => own.nearest(probe, width),
    served: (probe) => own.nearest(probe),
  };
}

/** Visage's own without a graph. */
export function oursExactly(): Engine {
  return { ...ourIndex(NEVER), name: 'Visage, exact', threads: 1, efforts: [0], exert: async () => {} };
}

/** @param graphFrom as of {@link createGalleryIndex}. */
function ourIndex(graphFrom?: number) {
  let executor: Executor;
  let index: GalleryIndex;
  return {
    isPeer: false,
    build: async (rows: Float32Array, dimension: number) => {
      executor = createExecutor({ threads: 1, maxQueue: 16 });
      index = createGalleryIndex(executor, dimension, graphFrom);
      for (const [from, batch] of batchesOf(rows, dimension)) {
        const count = batch.length / dimension;
        await index.add(
          BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i)),
          batch,
        );
      }
    },
    finish: () => linked(index),
    nearest: async (probe: Float32Array, width?: number) =>
      Number((await index.search(probe, 1, undefined, width)).ids[0]),
    ownBytes: async () => index.bytes,
    close: () => executor.close(),
  };
}

/** Waits until the graph has every vector, or nothing is being built: a gallery may be too small for one. */
async function linked(index: GalleryIndex): Promise<boolean> {
  let idle = 0;
  while (index.stats().linked < index.size && idle < IDLE_LOOKS) {
    const before = process.cpuUsage();
    await wait(LOOK_MS);
    const { user } = process.cpuUsage(before);
    idle = user > 1000 * LOOK_MS * 0.05 ? 0 : idle + 1;
  }
  return index.stats().linked > 0;
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
    isPeer: true,
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
    finish: async () => false,
    exert: async (effort) => {
      index = new Index({ dimensions, metric: 'ip', quantization, expansion_search: effort });
      // Node does not know how much memory the one before has, and would keep it.
      await collectGarbage();
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
  writeIndexSync(path: string): void;
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
    isPeer: true,
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
    finish: async () => false,
    exert: async (effort) => index.setEf(effort),
    nearest: (probe) => index.searchKnn(Array.from(probe), 1).neighbors[0] ?? -1,
    ownBytes: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
      index.writeIndexSync(join(folder, 'index'));
      const { size } = await stat(join(folder, 'index'));
      await rm(folder, { recursive: true });
      return size;
    },
    close: async () => {},
  };
}

function* batchesOf(rows: Float32Array, dimension: number): Generator<[from: number, batch: Float32Array]> {
  const count = rows.length / dimension;
  for (let from = 0; from < count; from += BATCH) {
    yield [from, rows.subarray(from * dimension, Math.min(from + BATCH, count) * dimension)];
  }
}
