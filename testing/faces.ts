import { after, before } from 'node:test';
import { createExecutor, type Executor } from '../src/native/executor.ts';
import { loadPipeline, type Pipeline } from '../src/native/pipeline.ts';
import { openModelPack } from '../src/vision/model-pack.ts';

export const FACES_OF_PHOTOGRAPH: ReadonlyMap<number, number> = new Map([
  [1, 3],
  [2, 3],
  [3, 3],
  [4, 4],
  [5, 5],
  [6, 4],
]);

export async function openPipeline(executor: Executor): Promise<Pipeline> {
  const pack = await openModelPack('yunet');
  return loadPipeline(executor, pack.pipeline);
}

export function usePipeline(options: { threads: number; maxQueue: number } = { threads: 2, maxQueue: 256 }): {
  readonly executor: Executor;
  readonly pipeline: Pipeline;
} {
  const parts = {} as { executor: Executor; pipeline: Pipeline };
  before(async () => {
    parts.executor = createExecutor(options);
    parts.pipeline = await openPipeline(parts.executor);
  });
  after(() => parts.executor.close());
  return parts;
}

export function cosine(a: Float32Array | null, b: Float32Array | null): number {
  if (!a || !b) throw new Error('No face was found');
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}
