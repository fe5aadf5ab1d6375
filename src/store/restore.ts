/** Keeps the replaced data. The final rename is atomic. */
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { copyFile, type FileHandle, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RESTORING, SNAPSHOTS } from '../ops/data-folder.ts';
import { flush, SECRET_FOLDERS, STORE_FILE, secretFiles, verifyFiles } from './backup.ts';
import { BackupError } from './backup-key.ts';
import { addedFiles, type BackupManifest, readManifest, type Trust } from './backup-manifest.ts';
import { DamagedStoreError, summaryOf } from './isolated-store.ts';
import { openPlainFile } from './plain-files.ts';

const REPLACED = 'replaced-';

export interface OpenBackup {
  readonly folder: string;
  readonly manifest: BackupManifest;
  readonly handles: ReadonlyMap<string, FileHandle>;
  close(): Promise<void>;
}

/** @throws BackupError for an unusable or forged backup, or unlisted files. */
export async function openBackup(folder: string, trust: Trust): Promise<OpenBackup> {
  const manifest = await readManifest(folder, trust);
  const handles = new Map<string, FileHandle>();
  const close = async () => {
    for (const handle of handles.values()) await handle.close();
  };
  const refuse = (why: string, cause?: unknown) =>
    new BackupError(`The backup ${folder} is damaged: ${why}. Nothing was changed.`, { cause });
  try {
    const [added] = addedFiles(folder, manifest);
    if (added !== undefined) throw refuse(`${added} is not in the manifest`);
    for (const { path, bytes } of manifest.files) {
      const handle = await openPlainFile(folder, path).catch((cause: NodeJS.ErrnoException) => {
        throw refuse(`${path} cannot be read (${cause.code})`, cause);
      });
      handles.set(path, handle);
      const { size } = await handle.stat();
      if (size !== bytes) throw refuse(`${path} has ${size} bytes, expected ${bytes}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { folder, manifest, handles, close };
}

export async function hasContent(dataDir: string): Promise<boolean> {
  if (!existsSync(join(dataDir, STORE_FILE))) return false;
  try {
    const { members, apiKeys, collections, faces } = await summaryOf(dataDir);
    return members + apiKeys + collections + faces > 0;
  } catch (error) {
    if (error instanceof DamagedStoreError) return true;
    throw error;
  }
}

async function copyAll({ handles, manifest }: OpenBackup, copies: string): Promise<void> {
  mkdirSync(copies, { mode: 0o700 });
  for (const { path, bytes } of manifest.files) {
    mkdirSync(dirname(join(copies, path)), { recursive: true, mode: 0o700 });
    // Keeps a growing file from filling the disk.
    const source = handles.get(path)?.createReadStream({ start: 0, end: bytes, autoClose: false });
    await writeFile(join(copies, path), source ?? '', { mode: 0o600, flush: true });
  }
}

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

async function putSecrets(dataDir: string, copies: string): Promise<void> {
  const restored = new Set(secretFiles(copies));
  for (const path of restored) {
    mkdirSync(dirname(join(dataDir, path)), { recursive: true, mode: 0o700 });
    renameSync(join(copies, path), join(dataDir, path));
  }
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
    `${dataDir} has ${bavail * bsize} bytes free, but the backup needs ${needed}. Nothing was changed.`,
  );
}

/**
 * Verifies the copy first. Needs the data folder's lock.
 * @param acceptFaults also restores an inconsistent store.
 * @returns the folder with the replaced data, if any.
 * @throws BackupError or a system error; the old store stays.
 */
export async function restoreBackup(
  backup: OpenBackup,
  dataDir: string,
  { acceptFaults, now }: { acceptFaults: boolean; now: Date },
): Promise<string | null> {
  const copies = join(dataDir, RESTORING);
  rmSync(copies, { recursive: true, force: true });
  checkRoom(backup, dataDir);
  try {
    await copyAll(backup, copies);
    const { damage, faults } = await verifyFiles(copies, backup.manifest);
    if (damage.length > 0) {
      throw new BackupError(
        `The backup ${backup.folder} is damaged: ${damage.join('; ')}. Nothing was changed. Restore another backup.`,
      );
    }
    if (faults.length > 0 && !acceptFaults) {
      throw new BackupError(
        `The store in ${backup.folder} is inconsistent (${faults.length} faults, the first: ${faults[0]}). ` +
          'Nothing was changed. Restore another backup, or this one with --accept-faults.',
      );
    }
    const replaced = existsSync(join(dataDir, STORE_FILE)) ? await setAside(dataDir, now) : null;
    await putSecrets(dataDir, copies);
    // Snapshots can hold deleted templates.
    rmSync(join(dataDir, SNAPSHOTS), { recursive: true, force: true });
    renameSync(join(copies, STORE_FILE), join(dataDir, STORE_FILE));
    rmSync(join(dataDir, 'lock.mdb'), { force: true });
    await flush(dataDir);
    return replaced;
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
}

export function replacedFolders(dataDir: string): string[] {
  return readdirSync(dataDir)
    .filter((name) => name.startsWith(REPLACED))
    .sort()
    .map((name) => join(dataDir, name));
}
