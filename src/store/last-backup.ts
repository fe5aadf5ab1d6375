/** When a data folder was backed up last: written into it by each backup, so that status and metrics can tell. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LastBackup {
  /** UTC, ISO 8601. */
  readonly at: string;
  /** Path of the backup's folder, as it was then. */
  readonly folder: string;
}

const FILE = 'last-backup.json';

/** @throws the system's error. */
export function writeLastBackup(dataDir: string, last: LastBackup): void {
  const file = join(dataDir, FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify(last)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Null where none is known. */
export function readLastBackup(dataDir: string): LastBackup | null {
  try {
    const { at, folder } = JSON.parse(readFileSync(join(dataDir, FILE), 'utf8'));
    return typeof at === 'string' && typeof folder === 'string' ? { at, folder } : null;
  } catch {
    return null;
  }
}
