import { resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { packageVersion } from '../ops/version.ts';
import { makeBackup, takeBackupsFolder } from '../store/backup.ts';
import { BackupError } from '../store/backup-manifest.ts';
import { command, DATA_OPTIONS, environmentOf, JSON_OPTION, print, usageError } from './command.ts';
import { becomeOwnerOf, makeFolderFor } from './privileges.ts';

/** Runs what fails with a sentence for the operator. @throws ExitError in place of BackupError. */
export async function withBackupErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BackupError) throw new ExitError(EXIT.data, error.message);
    const { code, path } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EROFS') throw error;
    throw new ExitError(
      EXIT.unavailable,
      `This user may not use ${path} (${code}). Run the command as root or as the service's user; a folder of backups must ` +
        "be writable for the service's user.",
    );
  }
}

function countOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,4}$/.test(text)) throw usageError('--keep is a whole number, 1 or more.');
  return Number(text);
}

export const backup = command({
  name: 'backup',
  summary: 'Make a backup, while the service runs or without it, and print its folder.',
  details: [
    'A backup is a folder with a copy of the store at one moment, the keys that sign tokens, and a manifest. It holds ' +
      'everything that was answered before the command began. It is written aside, flushed, opened and counted before it ' +
      'gets its name; whatever goes wrong, older backups stay. Model weights and settings are not in it.',
    'Run as root it works as the user who owns the data folder; the folder of the backups must be writable for that user.',
  ],
  examples: ['backup --to /var/backups/visage --keep 7'],
  options: {
    to: {
      type: 'string',
      value: 'DIR',
      required: true,
      completion: 'folder',
      about: 'the folder of the backups, made if missing',
    },
    keep: {
      type: 'string',
      value: 'N',
      about: 'remove the oldest backups beyond the N newest; all stay unless given',
    },
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values) {
    const keep = countOf(values.keep);
    const target = resolve(values.to);
    const { dataDir } = loadConfig(environmentOf(values));
    makeFolderFor(dataDir, target);
    becomeOwnerOf(dataDir);
    const options = { keep, version: packageVersion(), now: new Date() };
    const { folder, manifest } = await withBackupErrors(async () => {
      takeBackupsFolder(target);
      return makeBackup(dataDir, target, options);
    });
    print({ folder, ...manifest }, values.json, () => `${folder}\n`);
    const { faces, collections, auditHead } = manifest.store;
    const [first] = manifest.faults;
    if (first !== undefined) {
      throw new ExitError(
        EXIT.data,
        `The backup is made, but the store in it does not fit together; the first fault: ${first}. No older backup was ` +
          'removed. `visagectl verify` lists the faults.',
      );
    }
    if (values.json) return;
    process.stderr.write(
      `Faces ${faces}, collections ${collections}, audit log up to ${auditHead.sequence}:${auditHead.hash}.\n`,
    );
  },
});
