import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { EXIT, ExitError, usageError } from '../ops/exit-codes.ts';
import { type BackupKey, checkKeyIsOutside, makeBackupKey, readBackupKey } from '../store/backup-key.ts';
import type { Trust } from '../store/backup-manifest.ts';
import type { Options, Values } from './command.ts';
import { tell } from './output.ts';

export const TRUST_OPTIONS = {
  key: {
    type: 'string',
    value: 'FILE',
    completion: 'file',
    about: 'Authenticate the backup with this backup key instead of the setting backup_key.',
  },
  unauthenticated: {
    type: 'boolean',
    about: 'Accept a backup without proof of origin, such as one of the first release.',
  },
} as const satisfies Options;

/** @throws ExitError, BackupError. */
export async function trustOf(values: Values<typeof TRUST_OPTIONS>, { backupKey }: Config): Promise<Trust> {
  if (values.unauthenticated) {
    if (values.key !== undefined) throw usageError('Expected --key or --unauthenticated, got both.');
    return 'unauthenticated';
  }
  const path = values.key === undefined ? backupKey : resolve(values.key);
  const key = await readBackupKey(path);
  if (key !== null) return key;
  throw new ExitError(
    EXIT.data,
    `No backup key at ${path}. Pass the key of the appliance that made the backup with --key FILE. Without the key ` +
      'Visage cannot detect an altered backup; --unauthenticated accepts that risk.',
  );
}

/**
 * Root grants access to the data folder owner's group, for scheduled backups.
 * @throws BackupError.
 */
export async function backupKeyFor({ backupKey, dataDir }: Config, target: string): Promise<BackupKey> {
  checkKeyIsOutside(backupKey, [dataDir, target]);
  const key = await readBackupKey(backupKey);
  if (key !== null) return key;
  const owner = statSync(dataDir, { throwIfNoEntry: false });
  const isForAnother = process.getuid?.() === 0 && owner !== undefined && owner.uid !== 0;
  const made = await makeBackupKey(backupKey, isForAnother ? owner.gid : null);
  tell`Created the backup key ${backupKey}. Keep a copy on another machine: you need it to restore a backup on new hardware.`;
  return made;
}
