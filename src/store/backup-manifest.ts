/** What a backup says of itself: `manifest.json`, beside its files. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { SCHEMA_VERSION } from './databases.ts';
import type { StoreSummary } from './store-reader.ts';

/** Raised when what a manifest means changes. */
export const BACKUP_FORMAT = 1;

export const MANIFEST_FILE = 'manifest.json';

/** One file of a backup. */
export interface BackupFile {
  /** Relative to the backup's folder. */
  readonly path: string;
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: number;
  /** UTC, ISO 8601. */
  readonly createdAt: string;
  /** Version of Visage that made the backup. */
  readonly visage: string;
  readonly store: StoreSummary;
  /** What did not fit together in the store when it was copied, in words, the first of them; usually none. */
  readonly faults: readonly string[];
  readonly files: readonly BackupFile[];
}

/** A backup that cannot be used, in words for the operator. */
export class BackupError extends Error {}

/** Size and SHA-256 of a file. */
export async function describeFile(folder: string, path: string): Promise<BackupFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(join(folder, path)) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { path, bytes, sha256: hash.digest('hex') };
}

function isFile(value: unknown): value is BackupFile {
  const { path, bytes, sha256 } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof path === 'string' &&
    // It names a file below the backup's folder, whoever wrote it.
    /^[\w.-]+(\/[\w.-]+)*$/.test(path) &&
    normalize(path) === path &&
    !path.startsWith('..') &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}

/**
 * Reads a backup's manifest.
 * @throws BackupError where there is none, or none that this version of Visage can use.
 */
export async function readManifest(folder: string): Promise<BackupManifest> {
  let manifest: Partial<BackupManifest>;
  try {
    manifest = (JSON.parse(await readFile(join(folder, MANIFEST_FILE), 'utf8')) ?? {}) as typeof manifest;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? `it has no ${MANIFEST_FILE}` : `its ${MANIFEST_FILE} cannot be read`;
    throw new BackupError(
      `${folder} is no backup: ${why}${code === 'ENOENT' ? '' : ` (${code ?? message})`}.`,
      { cause },
    );
  }
  const { format, visage, store, files, faults } = manifest;
  const schema = store?.schema;
  if (typeof format === 'number' && (format > BACKUP_FORMAT || Number(schema) > SCHEMA_VERSION)) {
    throw new BackupError(
      `The backup ${folder} was made by Visage ${visage}, which is newer than this one (format ${format}, schema ` +
        `${schema}; this one knows ${BACKUP_FORMAT} and ${SCHEMA_VERSION}). Install that version, then restore.`,
    );
  }
  const isWhole = store && Array.isArray(faults) && Array.isArray(files) && files.every(isFile);
  if (format !== BACKUP_FORMAT || !isWhole) {
    throw new BackupError(`${folder} is no backup: its ${MANIFEST_FILE} does not say what one must say.`);
  }
  return manifest as BackupManifest;
}
