/** `manifest.json` lists the SHA-256 of a backup's files; `manifest.mac` authenticates it. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackupError, type BackupKey } from './backup-key.ts';
import { SCHEMA_VERSION } from './databases.ts';
import { openPlainFile, readPlainFile, unexpectedEntries } from './plain-files.ts';
import type { StoreSummary } from './store-reader.ts';

export const BACKUP_FORMAT = 2;

const MANIFEST_FILE = 'manifest.json';

const MAC_FILE = 'manifest.mac';

const MAC_LINE = /^hmac-sha256 ([0-9a-f]{16}) ([0-9a-f]{64})\n$/;

const MAX_MANIFEST_BYTES = 1024 * 1024;

const FILE = /^(?:data\.mdb|(?:signing-keys|tls)\/[\w-][\w.-]*\.pem)$/;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const VERSION = /^[\w.+-]{1,40}$/;

export interface BackupFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: number;
  readonly createdAt: string;
  readonly visage: string;
  readonly store: StoreSummary;
  readonly faults: readonly string[];
  readonly files: readonly BackupFile[];
}

export type Trust = BackupKey | 'unauthenticated';

/**
 * @param expected size; the hash is empty if it differs.
 * @throws as `openPlainFile`.
 */
export async function describeFile(folder: string, path: string, expected?: number): Promise<BackupFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await openPlainFile(folder, path);
  try {
    const { size } = await handle.stat();
    if (expected !== undefined && size !== expected) return { path, bytes: size, sha256: '' };
    const chunks = handle.createReadStream({
      start: 0,
      end: size,
      autoClose: false,
    }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } finally {
    await handle.close();
  }
  return { path, bytes, sha256: hash.digest('hex') };
}

function isFile(value: unknown): value is BackupFile {
  const { path, bytes, sha256 } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof path === 'string' &&
    FILE.test(path) &&
    Number.isSafeInteger(bytes) &&
    (bytes as number) >= 0 &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}

export async function writeManifest(folder: string, manifest: BackupManifest, key: BackupKey): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  const line = `hmac-sha256 ${key.id} ${key.sign(bytes)}\n`;
  await writeFile(join(folder, MANIFEST_FILE), bytes, { mode: 0o600, flush: true });
  await writeFile(join(folder, MAC_FILE), line, { mode: 0o600, flush: true });
}

async function readPart(folder: string, name: string): Promise<Buffer | null> {
  try {
    return await readPlainFile(folder, name, MAX_MANIFEST_BYTES);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new BackupError(`${folder} is not a backup: its ${name} cannot be read (${code ?? message}).`, {
      cause,
    });
  }
}

const ADVICE =
  'Whoever could write to this folder can have replaced faces and the keys that sign tokens. Use another backup, or ' +
  'give --unauthenticated where nobody else could write to it.';

async function authenticate(folder: string, bytes: Buffer, key: BackupKey): Promise<void> {
  const line = (await readPart(folder, MAC_FILE))?.toString('latin1');
  if (line === undefined) {
    throw new BackupError(
      `The backup ${folder} has no ${MAC_FILE}: the first release of Visage made it, or the file was removed. ${ADVICE}`,
    );
  }
  const [, keyId, code] = MAC_LINE.exec(line) ?? [];
  if (keyId === undefined || code === undefined) {
    throw new BackupError(
      `The backup ${folder} was altered: its ${MAC_FILE} holds no authentication code. ${ADVICE}`,
    );
  }
  if (keyId !== key.id) {
    throw new BackupError(
      `The backup ${folder} was made with the backup key ${keyId}, but the given key is ${key.id}. Pass the key of the ` +
        `appliance that made it with --key FILE. ${ADVICE}`,
    );
  }
  if (!key.verifies(bytes, code)) {
    throw new BackupError(
      `The backup ${folder} was altered: its ${MAC_FILE} does not match its ${MANIFEST_FILE}. ${ADVICE}`,
    );
  }
}

/** @throws BackupError for a missing, unsupported or forged manifest. */
export async function readManifest(folder: string, trust: Trust): Promise<BackupManifest> {
  const bytes = await readPart(folder, MANIFEST_FILE);
  if (bytes === null) throw new BackupError(`${folder} is not a backup: it has no ${MANIFEST_FILE}.`);
  if (trust !== 'unauthenticated') await authenticate(folder, bytes, trust);
  let manifest: Partial<BackupManifest>;
  try {
    manifest = (JSON.parse(bytes.toString('utf8')) ?? {}) as typeof manifest;
  } catch (cause) {
    const { message } = cause as Error;
    throw new BackupError(`${folder} is not a backup: its ${MANIFEST_FILE} cannot be read (${message}).`, {
      cause,
    });
  }
  const { format, createdAt, store, files, faults } = manifest;
  const visage = VERSION.test(manifest.visage ?? '') ? manifest.visage : 'of an unknown version';
  const schema = Number(store?.schema);
  if (typeof format === 'number' && (format > BACKUP_FORMAT || schema > SCHEMA_VERSION)) {
    throw new BackupError(
      `The backup ${folder} was made by Visage ${visage}, which is newer than this one (format ${format}, schema ` +
        `${schema}; this one supports ${BACKUP_FORMAT} and ${SCHEMA_VERSION}). Install that version, then restore.`,
    );
  }
  const isWhole = store && Array.isArray(faults) && Array.isArray(files) && files.every(isFile);
  const isKnown = (format === 1 || format === BACKUP_FORMAT) && TIME.test(createdAt ?? '');
  if (!isKnown || !isWhole || new Set(files.map(({ path }) => path)).size !== files.length) {
    throw new BackupError(`${folder} is not a backup: its ${MANIFEST_FILE} has missing or invalid fields.`);
  }
  return manifest as BackupManifest;
}

export function addedFiles(folder: string, { files }: BackupManifest): string[] {
  const paths = files.map(({ path }) => path);
  return unexpectedEntries(
    folder,
    new Set([MANIFEST_FILE, MAC_FILE, ...paths, ...paths.map((path) => dirname(path))]),
  );
}
