import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createExecutor, type Executor } from '../src/native/executor.ts';
import {
  createGalleryIndex,
  type GalleryIndex,
  openSearchSpace,
  ROWS_OF_FILE,
} from '../src/native/gallery-index.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { DEFAULT_PACK } from './as-served.ts';
import { collectGarbage } from './garbage.ts';

/** Rows have the numbers of their order, from 0. */
export interface Engine {
  readonly name: string;
  readonly isPeer: boolean;
  readonly threads: number;
  readonly efforts: readonly number[];
  /** @param rows number of rows to come. */
  open(dimension: number, rows: number): Promise<void>;
  add(from: number, batch: Float32Array): Promise<void> | void;
  finish(): Promise<void>;
  exert(effort: number): Promise<void>;
  /** @returns row number of the nearest. */
  nearest(probe: Float32Array): number | Promise<number>;
  ownBytes(): Promise<number>;
  close(): Promise<void>;
  readonly outside?: () => Outside;
}

export interface Outside {
  readonly wall: number;
  readonly processor: number;
  readonly grown: number;
  readonly searchMs: number;
}

export const EFFORTS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048];

export function ours(): Engine {
  return ourEngine('Visage');
}

export function oursExactly(): Engine {
  return ourEngine('Visage, exact', { isExact: true });
}

export function oursOnDisk(): Engine {
  return ourEngine('Visage, disk', { isOnDisk: true });
}

/** @param options `isExact` scans without proposals. */
function ourEngine(name: string, { isExact = false, isOnDisk = false } = {}): Engine {
  const folder = isOnDisk ? mkdtempSync(join(tmpdir(), 'visage-bench-')) : '';
  let executor: Executor;
  let index: GalleryIndex;
  let dimension: number;
  return {
    name,
    isPeer: false,
    threads: 1,
    efforts: [0],
    open: async (values) => {
      dimension = values;
      executor = createExecutor({ threads: 1, maxQueue: 16 });
      const { searchSpace } = await openModelPack(DEFAULT_PACK);
      const space = openSearchSpace(isExact || searchSpace === null ? dimension : searchSpace);
      const rows = { prefix: join(folder, 'bench.'), least: 1, rowsOfFile: ROWS_OF_FILE };
      index = createGalleryIndex(executor, space, undefined, isOnDisk ? rows : undefined);
    },
    add: (from, batch) => {
      const labels = new BigInt64Array(batch.length / dimension).map((_, i) => BigInt(from + i));
      return index.add(labels, batch);
    },
    finish: async () => {
      while (isOnDisk && index.size - index.onDisk().rows >= ROWS_OF_FILE) await sleep(10);
    },
    exert: async () => {},
    nearest: async (probe) => Number((await index.search(probe, 1)).ids[0]),
    ownBytes: async () => index.bytes,
    close: async () => {
      await executor.close();
      if (isOnDisk) rmSync(folder, { recursive: true });
    },
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

/** Another effort needs a new index from its file. */
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
    open: async (values) => {
      dimensions = values;
      index = new Index({ dimensions, metric: 'ip', quantization });
    },
    add: (from, batch) => {
      const keys = new BigUint64Array(batch.length / dimensions).map((_, i) => BigInt(from + i));
      index.add(keys, batch, availableParallelism());
    },
    finish: async () => {},
    exert: async (effort) => {
      index = new Index({ dimensions, metric: 'ip', quantization, expansion_search: effort });
      // V8 does not see the memory of the index before, and would keep it.
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

export function hnswlib(require: NodeJS.Require): Engine {
  const { HierarchicalNSW } = require('hnswlib-node') as Hnswlib;
  let index: HnswlibIndex;
  let dimension: number;
  return {
    name: 'hnswlib-node',
    isPeer: true,
    threads: 1,
    efforts: EFFORTS,
    open: async (values, rows) => {
      dimension = values;
      index = new HierarchicalNSW('ip', dimension);
      index.initIndex(rows);
    },
    add: (from, batch) => {
      for (let at = 0; at < batch.length; at += dimension) {
        index.addPoint(Array.from(batch.subarray(at, at + dimension)), from + at / dimension);
      }
    },
    finish: async () => {},
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
