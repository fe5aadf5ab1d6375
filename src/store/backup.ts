/**
 * Backups of a data folder, made while a service works on it: a folder each, with a copy of the store, the keys that
 * sign tokens, and a manifest. A backup is written aside, flushed, opened and counted, and only then gets its name; so
 * a folder of that name is whole. Weights, the networks made from them and sockets are not in it.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFile } from '../native/system.ts';
import {
  BACKUP_FORMAT,
  BackupError,
  type BackupManifest,
  describeFile,
  MANIFEST_FILE,
  readManifest,
} from './backup-manifest.ts';
import { writeLastBackup } from './last-backup.ts';
import { StoreReader, type StoreSummary } from './store-reader.ts';

/** The store's file, in the data folder and in a backup. */
export const STORE_FILE = 'data.mdb';

/** Folders of the data folder with files of secrets that a service cannot make again. */
export const SECRET_FOLDERS = ['signing-keys', 'tls'] as const;

/** A backup under way; its name ends with this. */
const UNFINISHED = '.unfinished';

/** Room that is left on the disk beside a backup. */
const SPARE_BYTES = 16 * 1024 * 1024;

/** Faults of a store that a manifest names. */
const MOST_FAULTS = 20;

/** The store may have grown beyond the reader's map between opening and copying: then it is opened again. */
const COPY_ATTEMPTS = 3;

/** A backup that is whole. */
export interface Backup {
  /** Path of its folder. */
  readonly folder: string;
  readonly manifest: BackupManifest;
}

export interface BackupOptions {
  /** The newest that stay, this one included, 1 or more; null for all. */
  readonly keep: number | null;
  /** Version of Visage, for the manifest. */
  readonly version: string;
  readonly now: Date;
}

/** Such as `visage-20260115T103000.000Z`: names sort by time. */
function nameOf(now: Date): string {
  return `visage-${now.toISOString().replaceAll(/[-:]/g, '')}`;
}

const NAME = /^visage-\d{8}T\d{6}\.\d{3}Z$/;

/** The backups of a folder, oldest first. */
export function listBackups(target: string): string[] {
  if (!existsSync(target)) return [];
  return readdirSync(target)
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => join(target, name));
}

/** Flushes a file or a folder. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Files of the secret folders, relative to the data folder; ones that are being written are left out. */
export function secretFiles(dataDir: string): string[] {
  return SECRET_FOLDERS.flatMap((folder) =>
    existsSync(join(dataDir, folder))
      ? readdirSync(join(dataDir, folder))
          .filter((name) => name.endsWith('.pem'))
          .sort()
          .map((name) => `${folder}/${name}`)
      : [],
  );
}

async function copyStore(dataDir: string, folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const reader = StoreReader.open(dataDir);
    try {
      return await reader.copyTo(folder);
    } catch (cause) {
      rmSync(join(folder, STORE_FILE), { force: true });
      const { message } = cause as Error;
      if (attempt < COPY_ATTEMPTS && !/No space left/.test(message)) continue;
      throw new BackupError(`The store could not be copied to ${folder}: ${message}.`, { cause });
    } finally {
      await reader.close();
    }
  }
}

/** @throws BackupError unless the disk has room for another copy of the store. */
function checkRoom(dataDir: string, target: string): void {
  const { bavail, bsize } = statfsSync(target);
  const needed = statSync(join(dataDir, STORE_FILE)).size + SPARE_BYTES;
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MiB`;
  if (bavail * bsize >= needed) return;
  throw new BackupError(
    `${target} has ${mebibytes(bavail * bsize)} left, but a backup takes ${mebibytes(needed)}. ` +
      'Nothing was written, and the backups there are untouched. Make room, or give another folder with --to.',
  );
}

/**
 * Does something with the store of a backup, which is not written to: LMDB's lock file lies elsewhere.
 */
async function reading<T>(folder: string, work: (reader: StoreReader) => T): Promise<T> {
  const aside = await mkdtemp(join(tmpdir(), 'visage-verify-'));
  try {
    symlinkSync(join(folder, STORE_FILE), join(aside, STORE_FILE));
    const reader = StoreReader.open(aside);
    try {
      return work(reader);
    } finally {
      await reader.close();
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** Writes a backup into `folder`, which is made, and flushes it. */
async function write(dataDir: string, folder: string, { version, now }: BackupOptions): Promise<void> {
  mkdirSync(folder, { mode: 0o700 });
  await copyStore(dataDir, folder);
  const secrets = secretFiles(dataDir);
  const folders = SECRET_FOLDERS.filter((name) => secrets.some((path) => path.startsWith(`${name}/`)));
  for (const name of folders) mkdirSync(join(folder, name), { mode: 0o700 });
  for (const path of secrets) copyFileSync(join(dataDir, path), join(folder, path));
  const paths = [STORE_FILE, ...secrets];
  for (const path of paths) {
    const handle = await open(join(folder, path), 'r+');
    await handle.chmod(0o600);
    await handle.sync();
    await handle.close();
  }
  const { store, faults } = await reading(folder, (reader) => ({
    store: reader.summary(),
    faults: reader.check(),
  }));
  const manifest: BackupManifest = {
    format: BACKUP_FORMAT,
    createdAt: now.toISOString(),
    visage: version,
    store,
    faults: faults.slice(0, MOST_FAULTS),
    files: await Promise.all(paths.map((path) => describeFile(folder, path))),
  };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeFile(join(folder, MANIFEST_FILE), text, { mode: 0o600, flush: true });
  for (const name of folders) await flush(join(folder, name));
  await flush(folder);
}

/**
 * Makes the folder of the backups (mode 0700) if it is missing and takes its lock for the life of this process.
 * @throws BackupError if another process has it.
 */
export function takeBackupsFolder(target: string): void {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  if (!lockFile(join(target, '.lock'))) throw new BackupError(`Another backup to ${target} is under way.`);
}

/**
 * Makes a backup of a data folder, which a service may be working on, and removes the oldest beyond `keep`.
 * Everything that was answered before the call is in it. Where the store does not fit together, the backup is made
 * all the same, its manifest says so, and nothing is removed.
 * @param target the folder of the backups, whose lock this process holds.
 * @throws BackupError, or the system's error; older backups are untouched then.
 */
export async function makeBackup(dataDir: string, target: string, options: BackupOptions): Promise<Backup> {
  if (!existsSync(join(dataDir, STORE_FILE))) throw new BackupError(`There is no store in ${dataDir}.`);
  // What a killed backup left.
  for (const name of readdirSync(target)) {
    if (name.endsWith(UNFINISHED) && NAME.test(name.slice(0, -UNFINISHED.length))) {
      rmSync(join(target, name), { recursive: true });
    }
  }
  checkRoom(dataDir, target);
  const folder = join(target, nameOf(options.now));
  const unfinished = `${folder}${UNFINISHED}`;
  try {
    await write(dataDir, unfinished, options);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  await flush(target);
  const manifest = await readManifest(folder);
  // What is not sound takes the place of nothing.
  if (manifest.faults.length === 0) prune(target, folder, options.keep);
  writeLastBackup(dataDir, { at: manifest.createdAt, folder });
  return { folder, manifest };
}

/** The clock may have gone back since: the one just made stays, whatever its name. */
function prune(target: string, made: string, keep: number | null): void {
  if (keep === null) return;
  const others = listBackups(target).filter((folder) => folder !== made);
  const surplus = Math.max(0, others.length - (keep - 1));
  for (const folder of others.slice(0, surplus)) rmSync(folder, { recursive: true });
}

/** What a check of a backup found, in words. */
export interface BackupVerdict {
  readonly manifest: BackupManifest;
  /** What is not as it was when the backup was made; empty where nothing was altered. */
  readonly damage: readonly string[];
  /** What does not fit together in the store; empty for a sound one. */
  readonly faults: readonly string[];
}

/**
 * Checks a backup: every file's hash, and then that its store opens, holds what the manifest says and fits together.
 * @throws BackupError where it is none, or of a newer version of Visage.
 */
export async function verifyBackup(folder: string): Promise<BackupVerdict> {
  const manifest = await readManifest(folder);
  const damage: string[] = [];
  for (const { path, bytes, sha256 } of manifest.files) {
    try {
      const found = await describeFile(folder, path);
      if (found.bytes !== bytes) damage.push(`${path} has ${found.bytes} bytes and should have ${bytes}`);
      else if (found.sha256 !== sha256) damage.push(`${path} was altered: its SHA-256 is another one`);
    } catch (error) {
      damage.push(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  if (!manifest.files.some(({ path }) => path === STORE_FILE)) damage.push(`${STORE_FILE} is not in it`);
  // An altered file is not opened: LMDB trusts what it maps.
  if (damage.length > 0) return { manifest, damage, faults: [] };
  return reading(folder, (reader) => ({
    manifest,
    damage: differences(manifest.store, reader.summary()),
    faults: reader.check(),
  }));
}

function differences(said: StoreSummary, found: StoreSummary): string[] {
  return (Object.keys(found) as (keyof StoreSummary)[]).flatMap((name) => {
    const [before, now] = [JSON.stringify(said[name]), JSON.stringify(found[name])];
    // What an older version of Visage did not count is not in its manifest.
    if (before === undefined || before === now) return [];
    return [`the manifest says ${name} ${before}, but the store has ${now}`];
  });
}
