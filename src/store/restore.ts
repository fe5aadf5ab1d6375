/**
 * Puts a backup into a data folder. What was there is kept aside, and the moment at which the restored store is in
 * its place is one rename: a restore that is killed leaves the store from before or the restored one, whole.
 */
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { copyFile, type FileHandle, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SNAPSHOTS } from '../ops/data-folder.ts';
import { flush, SECRET_FOLDERS, STORE_FILE, secretFiles, verifyBackup } from './backup.ts';
import { BackupError, type BackupManifest, MANIFEST_FILE, readManifest } from './backup-manifest.ts';
import { StoreReader } from './store-reader.ts';

/** Where the backup's files are copied to before they take their places. */
const COPIES = 'restoring';

/** What begins the names of folders with what a restore replaced. */
export const REPLACED = 'replaced-';

/** A backup's files, opened by somebody who may read them, for somebody who may write the data folder. */
export interface OpenBackup {
  readonly folder: string;
  readonly manifest: BackupManifest;
  readonly handles: ReadonlyMap<string, FileHandle>;
  close(): Promise<void>;
}

/** @throws BackupError where it is no backup, or one of a newer version of Visage. */
export async function openBackup(folder: string): Promise<OpenBackup> {
  const manifest = await readManifest(folder);
  const handles = new Map<string, FileHandle>();
  const close = async () => {
    for (const handle of handles.values()) await handle.close();
  };
  for (const { path } of manifest.files) {
    try {
      handles.set(path, await open(join(folder, path), 'r'));
    } catch (cause) {
      await close();
      const { code } = cause as NodeJS.ErrnoException;
      throw new BackupError(
        `The backup ${folder} is damaged: ${path} cannot be read (${code}). Nothing was changed.`,
        { cause },
      );
    }
  }
  return { folder, manifest, handles, close };
}

/** Whether a data folder has a store in which somebody has put something. */
export async function hasContent(dataDir: string): Promise<boolean> {
  if (!existsSync(join(dataDir, STORE_FILE))) return false;
  const reader = StoreReader.open(dataDir);
  try {
    const { members, apiKeys, collections, faces } = reader.summary();
    return members + apiKeys + collections + faces > 0;
  } finally {
    await reader.close();
  }
}

async function copyAll({ handles, manifest }: OpenBackup, copies: string): Promise<void> {
  mkdirSync(copies, { mode: 0o700 });
  for (const [path, handle] of handles) {
    mkdirSync(dirname(join(copies, path)), { recursive: true, mode: 0o700 });
    const source = handle.createReadStream({ start: 0, autoClose: false });
    await writeFile(join(copies, path), source, { mode: 0o600, flush: true });
  }
  await writeFile(join(copies, MANIFEST_FILE), JSON.stringify(manifest), { mode: 0o600, flush: true });
}

/** Keeps what is there, without moving it: the store by a second link, the few small secrets by copies. */
async function setAside(dataDir: string, now: Date): Promise<string> {
  const folder = join(dataDir, `${REPLACED}${now.toISOString().replaceAll(/[-:]/g, '')}`);
  mkdirSync(folder, { mode: 0o700 });
  linkSync(join(dataDir, STORE_FILE), join(folder, STORE_FILE));
  for (const path of secretFiles(dataDir)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o700 });
    await copyFile(join(dataDir, path), join(folder, path));
    await flush(join(folder, path));
  }
  await flush(folder);
  return folder;
}

/** The backup's secrets take the place of all that are there. */
async function putSecrets(dataDir: string, copies: string): Promise<void> {
  const restored = new Set(secretFiles(copies));
  for (const path of restored) {
    mkdirSync(dirname(join(dataDir, path)), { recursive: true, mode: 0o700 });
    renameSync(join(copies, path), join(dataDir, path));
  }
  // A backup of an appliance whose keys are systemd credentials has none, and leaves those that are there.
  const folders = new Set(Array.from(restored, (path) => dirname(path)));
  for (const path of secretFiles(dataDir)) {
    if (folders.has(dirname(path)) && !restored.has(path)) rmSync(join(dataDir, path));
  }
  for (const folder of SECRET_FOLDERS) {
    if (existsSync(join(dataDir, folder))) await flush(join(dataDir, folder));
  }
}

function checkRoom({ manifest }: OpenBackup, dataDir: string): void {
  const { bavail, bsize } = statfsSync(dataDir);
  const needed = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (bavail * bsize >= needed) return;
  throw new BackupError(
    `${dataDir} has ${bavail * bsize} bytes left, but the backup has ${needed}. Nothing was changed.`,
  );
}

/**
 * Puts a backup into a data folder whose lock this process holds. The backup is copied into it first, and the copy is
 * verified.
 * @param acceptFaults restore also a store that does not fit together, as it was when it was copied.
 * @returns where what was there is kept now; null where nothing was there.
 * @throws BackupError, or the system's error; the store that was there is untouched then.
 */
export async function restoreBackup(
  backup: OpenBackup,
  dataDir: string,
  { acceptFaults, now }: { acceptFaults: boolean; now: Date },
): Promise<string | null> {
  const copies = join(dataDir, COPIES);
  // What a killed restore left.
  rmSync(copies, { recursive: true, force: true });
  checkRoom(backup, dataDir);
  try {
    await copyAll(backup, copies);
    const { damage, faults } = await verifyBackup(copies);
    if (damage.length > 0) {
      throw new BackupError(
        `The backup ${backup.folder} is damaged: ${damage.join('; ')}. Nothing was changed. Restore another one.`,
      );
    }
    if (faults.length > 0 && !acceptFaults) {
      throw new BackupError(
        `The store in ${backup.folder} does not fit together (${faults.length} faults, the first: ${faults[0]}). ` +
          'Nothing was changed. Restore another backup, or this one with --accept-faults.',
      );
    }
    const replaced = existsSync(join(dataDir, STORE_FILE)) ? await setAside(dataDir, now) : null;
    await putSecrets(dataDir, copies);
    // Of the store that was there: the restored one would not believe them, and they hold what may be meant to be gone.
    rmSync(join(dataDir, SNAPSHOTS), { recursive: true, force: true });
    renameSync(join(copies, STORE_FILE), join(dataDir, STORE_FILE));
    // Whoever holds the folder's lock is alone, so no process's readers are in it.
    rmSync(join(dataDir, 'lock.mdb'), { force: true });
    await flush(dataDir);
    return replaced;
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
}

/** Folders with what earlier restores replaced. */
export function replacedFolders(dataDir: string): string[] {
  return readdirSync(dataDir)
    .filter((name) => name.startsWith(REPLACED))
    .sort()
    .map((name) => join(dataDir, name));
}
