import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor, type Executor } from '../native/executor.ts';
import { loadPipeline, type Pipeline } from '../native/pipeline.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { createLog } from '../ops/log.ts';
import { prepareNetworks } from '../vision/graph/prepare.ts';
import type { Manifest } from '../vision/manifest.ts';
import { type ModelPack, openModelPack } from '../vision/model-pack.ts';

/** @throws ExitError */
export async function openPack(nameOrPath: string): Promise<ModelPack> {
  return openModelPack(nameOrPath).catch((error: Error) => {
    throw new ExitError(EXIT.config, error.message);
  });
}

/**
 * Runs the networks as the service does, on all cores.
 * @throws ExitError
 */
export async function withPipeline<T>(
  pack: ModelPack,
  work: (pipeline: Pipeline, executor: Executor) => Promise<T>,
): Promise<T> {
  const threads = availableParallelism();
  const executor = createExecutor({ threads, maxQueue: 4 * threads });
  const folder = await mkdtemp(join(tmpdir(), 'visage-models-'));
  try {
    const networks = await prepareNetworks(pack, executor, {
      folder,
      log: createLog('warn', process.stderr),
    });
    return await work(await loadPipeline(executor, networks), executor);
  } catch (error) {
    throw new ExitError(EXIT.data, error instanceof Error ? error.message : String(error));
  } finally {
    await executor.close();
    await rm(folder, { recursive: true });
  }
}

/** @returns the manifest's path. */
export async function changeManifest(
  { folder }: ModelPack,
  change: (manifest: Manifest) => { readonly [Field in keyof Manifest]?: Manifest[Field] | undefined },
): Promise<string> {
  const file = join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  await replaceFile(file, `${JSON.stringify({ ...manifest, ...change(manifest) }, null, 2)}\n`);
  return file;
}

export async function replaceFile(file: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}
