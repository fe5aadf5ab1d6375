import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExecutor, type Executor } from '../native/executor.ts';
import { loadPipeline, type Pipeline } from '../native/pipeline.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { createLog } from '../ops/log.ts';
import { prepareNetworks } from '../vision/graph/prepare.ts';
import type { Manifest, ManifestFile } from '../vision/manifest.ts';
import { type ModelPack, openModelPack } from '../vision/model-pack.ts';

/** @throws ExitError */
export async function openPack(nameOrPath: string): Promise<ModelPack> {
  return openModelPack(nameOrPath).catch((error: Error) => {
    throw new ExitError(EXIT.config, error.message);
  });
}

/**
 * Runs the networks as the service does, on all cores.
 * @param images the folder that `work` reads; its absence ends the call before the networks load.
 * @throws ExitError
 */
export async function withPipeline<T>(
  pack: ModelPack,
  images: string,
  work: (pipeline: Pipeline, executor: Executor) => Promise<T>,
): Promise<T> {
  await readdir(images).catch(({ code }: NodeJS.ErrnoException) => {
    throw new ExitError(EXIT.data, `${images}: expected a readable folder of images, got ${code}.`);
  });
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

type Change = { readonly [Field in keyof Manifest]?: Manifest[Field] | undefined };

/** @returns the manifest's path. */
export async function changeManifest(
  { folder }: ModelPack,
  change: (manifest: Manifest) => Change,
): Promise<string> {
  const file = join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  await replaceFile(file, `${JSON.stringify({ ...manifest, ...change(manifest) }, null, 2)}\n`);
  return file;
}

/** @param fields manifest fields that also change. @returns the file's path. */
export async function writePackFile(
  pack: ModelPack,
  name: string,
  content: Uint8Array,
  fields: Change,
): Promise<string> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const entry: ManifestFile = { name, bytes: content.length, sha256 };
  const path = join(pack.folder, name);
  await replaceFile(path, content);
  await changeManifest(pack, ({ files }) => ({
    files: [...files.filter((file) => file.name !== name), entry],
    ...fields,
  }));
  return path;
}

async function replaceFile(file: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}
