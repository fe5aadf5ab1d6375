import { relative, resolve } from 'node:path';
import { parseWhole } from '../base/decimal.ts';
import { loadConfig } from '../config/load.ts';
import { EXIT, ExitError, usageError } from '../ops/exit-codes.ts';
import { packageVersion } from '../ops/version.ts';
import { lockBackupsFolder, makeBackup } from '../store/backup.ts';
import { BackupError } from '../store/backup-key.ts';
import { backupKeyFor } from './backup-trust.ts';
import { command, DATA_OPTIONS, environmentOf, JSON_OPTION, print } from './command.ts';
import { line, tell } from './output.ts';
import { becomeOwnerOf, makeFolderFor } from './privileges.ts';

export async function withBackupErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BackupError) throw new ExitError(EXIT.data, error.message);
    const { code, path } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EROFS') throw error;
    throw new ExitError(
      EXIT.unavailable,
      `No permission to use ${path} (${code}). Run the command as root or as the service's user. The service's user ` +
        'must be able to write to the backup folder.',
    );
  }
}

const MAX_KEPT = 99_999;

function countOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const count = parseWhole(text);
  if (count === null || count < 1 || count > MAX_KEPT) {
    throw usageError(`--keep: expected a whole number from 1 to ${MAX_KEPT}, got ${JSON.stringify(text)}.`);
  }
  return count;
}

function checkIsOutside(target: string, dataDir: string): void {
  if (relative(dataDir, target).startsWith('..')) return;
  throw new ExitError(
    EXIT.usage,
    `--to: expected a folder outside the data folder ${dataDir}, got ${target}. Backups there would be lost with it.`,
  );
}

export const backup = command({
  name: 'backup',
  summary: 'Create a backup and print its folder. Works with and without a running service.',
  details: [
    'A backup is a folder with a consistent copy of the store, the token signing keys and a manifest. It holds every ' +
      'change acknowledged before the command began, and nothing that was deleted. The command flushes and checks the ' +
      'copy before it renames it into place; if anything fails, older backups stay. Model weights and settings are not ' +
      'included.',
    'The backup key authenticates the manifest. The first backup creates this file: /etc/visage/backup.key in the ' +
      'package, else the setting backup_key. Keep a copy on another machine, apart from the backups.',
    "As root, the command switches to the data folder's owner, who must be able to write to the backup folder.",
  ],
  examples: ['backup --to /var/backups/visage --keep 7'],
  options: {
    to: {
      type: 'string',
      value: 'DIR',
      required: true,
      completion: 'folder',
      about: 'Write the backup into this folder; create it if missing.',
    },
    keep: {
      type: 'string',
      value: 'N',
      about: 'Keep the N newest backups and delete older ones. Default: keep all.',
    },
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values) {
    const keep = countOf(values.keep);
    const target = resolve(values.to);
    const config = loadConfig(environmentOf(values));
    const { dataDir } = config;
    checkIsOutside(target, dataDir);
    const { folder, manifest } = await withBackupErrors(async () => {
      makeFolderFor(dataDir, target);
      const key = await backupKeyFor(config, target);
      becomeOwnerOf(dataDir);
      const options = { keep, key, version: packageVersion(), now: new Date() };
      lockBackupsFolder(target);
      return makeBackup(dataDir, target, options);
    });
    print({ folder, ...manifest }, values.json, () => line`${folder}`);
    const { faces, collections, auditHead } = manifest.store;
    const [first] = manifest.faults;
    if (first !== undefined) {
      throw new ExitError(
        EXIT.data,
        `The backup is complete, but its store is inconsistent. First fault: ${first}. No older backup was deleted. ` +
          'Run `visagectl verify` to list all faults.',
      );
    }
    if (values.json) return;
    tell`Faces ${faces}, collections ${collections}, audit log up to ${auditHead.sequence}:${auditHead.hash}.`;
  },
});
