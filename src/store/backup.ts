/**
 * A copy of the store, the secrets, a manifest and its code. Visage flushes and checks a backup before naming
 * it.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFile } from '../native/system.ts';
import { BackupError, type BackupKey } from './backup-key.ts';
import {
  addedFiles,
  BACKUP_FORMAT,
  type BackupManifest,
  describeFile,
  readManifest,
  type Trust,
  writeManifest,
} from './backup-manifest.ts';
import { copyStore, DamagedStoreError, inspectStore } from './isolated-store.ts';
import type { Inspection } from './store-process.ts';
import type { StoreSummary } from './store-reader.ts';

export const STORE_FILE = 'data.mdb';

export const SECRET_FOLDERS = ['signing-keys', 'tls'] as const;

const UNFINISHED = '.unfinished';

const SPARE_BYTES = 16 * 1024 * 1024;

const MAX_FAULTS = 20;

/** The store may outgrow the reader's map before the copy starts. */
const COPY_ATTEMPTS = 3;

export interface Backup {
  readonly folder: string;
  readonly manifest: BackupManifest;
}

export interface BackupOptions {
  /** Null for all. */
  readonly keep: number | null;
  readonly key: BackupKey;
  readonly version: string;
  readonly now: Date;
}

function nameOf(now: Date): string {
  return `visage-${now.toISOString().replaceAll(/[-:]/g, '')}`;
}

const NAME = /^visage-\d{8}T\d{6}\.\d{3}Z$/;

export function listBackups(target: string): string[] {
  if (!existsSync(target)) return [];
  return readdirSync(target)
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => join(target, name));
}

export async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

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

async function copyInto(dataDir: string, folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await copyStore(dataDir, folder);
    } catch (cause) {
      rmSync(join(folder, STORE_FILE), { force: true });
      const { message } = cause as Error;
      if (cause instanceof DamagedStoreError) {
        throw new BackupError(`${message}. No backup was made. Restore the newest sound backup.`);
      }
      if (attempt < COPY_ATTEMPTS && !/No space left|Input\/output/.test(message)) continue;
      // LMDB reports a partial write as an I/O error.
      const why = message === 'Input/output error' ? 'the disk is full or broken' : message;
      throw new BackupError(`The store could not be copied to ${folder}: ${why}.`, { cause });
    }
  }
}

function checkRoom(dataDir: string, target: string): void {
  const { bavail, bsize } = statfsSync(target);
  const needed = statSync(join(dataDir, STORE_FILE)).size + SPARE_BYTES;
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MiB`;
  if (bavail * bsize >= needed) return;
  throw new BackupError(
    `${target} has ${mebibytes(bavail * bsize)} free, but a backup needs ${mebibytes(needed)}. ` +
      'Nothing was written, and the backups there are untouched. Free space, or choose another folder with --to.',
  );
}

/** Puts LMDB's lock file elsewhere, so the backup stays unchanged. */
async function inspectCopy(folder: string): Promise<Inspection> {
  const aside = await mkdtemp(join(tmpdir(), 'visage-verify-'));
  try {
    symlinkSync(join(folder, STORE_FILE), join(aside, STORE_FILE));
    return await inspectStore(aside);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function write(dataDir: string, folder: string, { version, now, key }: BackupOptions): Promise<void> {
  mkdirSync(folder, { mode: 0o700 });
  await copyInto(dataDir, folder);
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
  const { store, faults } = await inspectCopy(folder);
  const manifest: BackupManifest = {
    format: BACKUP_FORMAT,
    createdAt: now.toISOString(),
    visage: version,
    store,
    faults: faults.slice(0, MAX_FAULTS),
    files: await Promise.all(paths.map((path) => describeFile(folder, path))),
  };
  await writeManifest(folder, manifest, key);
  for (const name of folders) await flush(join(folder, name));
  await flush(folder);
}

/**
 * Locks the folder (mode 0700) until this process ends.
 * @throws BackupError if another process holds it.
 */
export function lockBackupsFolder(target: string): void {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  if (!lockFile(join(target, '.lock')))
    throw new BackupError(`Another backup to ${target} is in progress. Wait until it ends.`);
}

/**
 * Removes the oldest backups beyond `keep`, unless the new one lists faults.
 * @param target locked by this process.
 * @throws BackupError or a system error; older backups stay.
 */
export async function makeBackup(dataDir: string, target: string, options: BackupOptions): Promise<Backup> {
  if (!existsSync(join(dataDir, STORE_FILE))) throw new BackupError(`There is no store in ${dataDir}.`);
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
  const manifest = await readManifest(folder, options.key);
  if (manifest.faults.length === 0) prune(target, folder, options.keep);
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  writeLastBackup(dataDir, { at: manifest.createdAt, folder, bytes });
  return { folder, manifest };
}

function prune(target: string, made: string, keep: number | null): void {
  if (keep === null) return;
  const others = listBackups(target).filter((folder) => folder !== made);
  const surplus = Math.max(0, others.length - (keep - 1));
  for (const folder of others.slice(0, surplus)) rmSync(folder, { recursive: true });
}

export interface BackupVerdict {
  readonly manifest: BackupManifest;
  /** Differences from the manifest. */
  readonly damage: readonly string[];
  readonly faults: readonly string[];
}

/** @throws BackupError if unusable or forged. */
export async function verifyBackup(folder: string, trust: Trust): Promise<BackupVerdict> {
  const manifest = await readManifest(folder, trust);
  const added = addedFiles(folder, manifest).map((path) => `${path} is not in the manifest`);
  const { damage, faults } = await verifyFiles(folder, manifest);
  return { manifest, damage: [...added, ...damage], faults };
}

/** The caller must have authenticated the manifest. */
export async function verifyFiles(
  folder: string,
  manifest: BackupManifest,
): Promise<Pick<BackupVerdict, 'damage' | 'faults'>> {
  const damage: string[] = [];
  for (const { path, bytes, sha256 } of manifest.files) {
    try {
      const found = await describeFile(folder, path, bytes);
      if (found.bytes !== bytes) damage.push(`${path} has ${found.bytes} bytes, expected ${bytes}`);
      else if (found.sha256 !== sha256)
        damage.push(`${path} was altered: its SHA-256 does not match the manifest`);
    } catch (error) {
      damage.push(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  if (!manifest.files.some(({ path }) => path === STORE_FILE)) damage.push(`${STORE_FILE} is missing`);
  // LMDB does not validate files.
  if (damage.length > 0) return { damage, faults: [] };
  try {
    const { store, faults } = await inspectCopy(folder);
    return { damage: differences(manifest.store, store), faults };
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    return { damage: [`${STORE_FILE} is damaged`], faults: [] };
  }
}

function differences(said: StoreSummary, found: StoreSummary): string[] {
  return (Object.keys(found) as (keyof StoreSummary)[]).flatMap((name) => {
    const [before, now] = [JSON.stringify(said[name]), JSON.stringify(found[name])];
    if (before === undefined || before === now) return [];
    return [`the manifest says ${name} ${before}, but the store has ${now}`];
  });
}

export interface LastBackup {
  readonly at: string;
  readonly folder: string;
  /** Null from an earlier version. */
  readonly bytes: number | null;
}

const LAST_BACKUP_FILE = 'last-backup.json';

function writeLastBackup(dataDir: string, last: LastBackup): void {
  const file = join(dataDir, LAST_BACKUP_FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(last)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function readLastBackup(dataDir: string): LastBackup | null {
  try {
    const { at, folder, bytes } = JSON.parse(readFileSync(join(dataDir, LAST_BACKUP_FILE), 'utf8'));
    if (typeof at !== 'string' || typeof folder !== 'string') return null;
    return { at, folder, bytes: typeof bytes === 'number' ? bytes : null };
  } catch {
    return null;
  }
}
