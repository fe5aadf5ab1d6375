/** The rename is atomic: a killed process leaves a complete store. */
import { existsSync, mkdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { COMPACTING, SNAPSHOTS } from '../ops/data-folder.ts';
import { flush, STORE_FILE } from './backup.ts';
import { BackupError } from './backup-key.ts';
import { copyStore, DamagedStoreError, inspectStore, summaryOf } from './isolated-store.ts';

export interface Compaction {
  readonly before: number;
  readonly after: number;
}

/**
 * Also removes index snapshots, which can hold deleted templates. Needs the data folder's lock.
 * @throws BackupError or a system error; the store stays unchanged.
 */
export async function compactStore(dataDir: string): Promise<Compaction> {
  const file = join(dataDir, STORE_FILE);
  if (!existsSync(file)) throw new BackupError(`There is no store in ${dataDir}.`);
  const copy = join(dataDir, COMPACTING);
  rmSync(copy, { recursive: true, force: true });
  const before = statSync(file).size;
  checkRoom(dataDir, before);
  mkdirSync(copy, { mode: 0o700 });
  try {
    await copyStore(dataDir, copy);
    const { store } = await inspectStore(copy);
    if (!isDeepStrictEqual(store, await summaryOf(dataDir))) {
      throw new BackupError(`The copy of the store in ${dataDir} is incomplete. Nothing was changed.`);
    }
    await chmod(join(copy, STORE_FILE), 0o600);
    await flush(join(copy, STORE_FILE));
    const after = statSync(join(copy, STORE_FILE)).size;
    rmSync(join(dataDir, SNAPSHOTS), { recursive: true, force: true });
    renameSync(join(copy, STORE_FILE), file);
    rmSync(join(dataDir, 'lock.mdb'), { force: true });
    await flush(dataDir);
    return { before, after };
  } catch (cause) {
    if (!(cause instanceof DamagedStoreError)) throw cause;
    const advice =
      'Nothing was changed. Restore the newest backup that `visagectl verify BACKUP` finds sound.';
    throw new BackupError(`${cause.message}. ${advice}`, { cause });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function checkRoom(dataDir: string, needed: number): void {
  const { bavail, bsize } = statfsSync(dataDir);
  if (bavail * bsize >= needed) return;
  throw new BackupError(
    `${dataDir} has ${bavail * bsize} bytes free, but the copy may need ${needed}. Nothing was changed.`,
  );
}
