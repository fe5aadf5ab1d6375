import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STATE = join(ROOT, 'build/test-state');
const PACKS = ['yunet', 'faceplugin'];

let made: Promise<string> | undefined;

/** Read only, and kept until the addon, the rewrites or the processor change. @returns the folder. */
export function preparedNetworks(): Promise<string> {
  made ??= make();
  return made;
}

/** Spares a service in this data folder the preparation at its first start. */
export async function addPreparedNetworks(dataFolder: string): Promise<void> {
  const own = join(dataFolder, 'prepared');
  if (!existsSync(dataFolder) || lstatSync(own, { throwIfNoEntry: false })) return;
  const source = await preparedNetworks();
  mkdirSync(own, { mode: 0o700 });
  for (const name of readdirSync(source)) copyFileSync(join(source, name), join(own, name));
}

async function make(): Promise<string> {
  const folder = join(STATE, `prepared-${key()}`);
  if (existsSync(folder)) return folder;
  // Loaded on demand: most tests that start a service need no addon.
  const { createExecutor } = await import('../src/native/executor.ts');
  const { createLog } = await import('../src/ops/log.ts');
  const { prepareNetworks } = await import('../src/vision/graph/prepare.ts');
  const { openModelPack } = await import('../src/vision/model-pack.ts');
  mkdirSync(STATE, { recursive: true });
  const unfinished = mkdtempSync(join(STATE, 'preparing-'));
  const executor = createExecutor({ threads: 1, maxQueue: 16 });
  for (const pack of PACKS) {
    await prepareNetworks(await openModelPack(pack), executor, {
      folder: unfinished,
      log: createLog('silent'),
    });
  }
  await executor.close();
  try {
    await rename(unfinished, folder);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOTEMPTY') throw error;
    // Another test has made it meanwhile.
    await rm(unfinished, { recursive: true });
  }
  return folder;
}

function key(): string {
  const rewrites = join(ROOT, 'dist/src/vision/graph');
  const hash = createHash('sha256').update(String(cpus()[0]?.model));
  const { size, mtimeMs } = lstatSync(join(ROOT, 'build/Release/visage.node'));
  hash.update(`\n${size} ${mtimeMs}`);
  for (const name of readdirSync(rewrites).sort()) {
    if (name.endsWith('.js')) hash.update(readFileSync(join(rewrites, name)));
  }
  return hash.digest('hex').slice(0, 16);
}
