import { resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { takeDataFolder } from '../ops/data-folder.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { hasContent, openBackup, restoreBackup } from '../store/restore.ts';
import { Store } from '../store/store.ts';
import { auditOf } from './admin-access.ts';
import { withBackupErrors } from './backup.ts';
import { command, DATA_OPTIONS, environmentOf, JSON_OPTION, print } from './command.ts';
import { becomeOwnerOf } from './privileges.ts';

function takeStoppedFolder(dataDir: string): void {
  try {
    takeDataFolder(dataDir);
  } catch (error) {
    if (!(error instanceof ExitError && error.exitCode === EXIT.locked)) throw error;
    throw new ExitError(
      EXIT.locked,
      `The service is running on ${dataDir}. Stop it (\`systemctl stop visage\`), restore, and start it again.`,
    );
  }
}

export const restore = command({
  name: 'restore',
  summary: 'Put a backup in the place of the store, while the service is stopped.',
  details: [
    'The backup is copied, and the copy is verified, before anything is replaced. What is replaced is kept aside in the ' +
      'data folder, and its place is printed: it holds what was written since the backup. Remove it when it is not needed ' +
      'any more, since it holds faces.',
    'What happened after the backup is undone: keys that were revoked and faces that were deleted since then are back. ' +
      '`visagectl audit export --data-dir REPLACED` lists what to do again.',
  ],
  examples: ['restore /var/backups/visage/visage-20260115T103000.000Z --replace'],
  operands: [{ name: 'BACKUP', completion: 'folder', about: "the backup's folder" }],
  options: {
    replace: { type: 'boolean', about: 'replace a store that is not empty' },
    'accept-faults': { type: 'boolean', about: 'restore also a store that does not fit together' },
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values, [given]) {
    const folder = resolve(given);
    const config = loadConfig(environmentOf(values));
    const { dataDir } = config;
    await withBackupErrors(async () => {
      // Opened first: root may read a backup that the data folder's owner may not.
      const backup = await openBackup(folder);
      becomeOwnerOf(dataDir);
      takeStoppedFolder(dataDir);
      if (!values.replace && (await hasContent(dataDir))) {
        throw new ExitError(
          EXIT.data,
          `${dataDir} has a store that is not empty. With --replace it is kept aside and the backup takes its place.`,
        );
      }
      const replaced = await restoreBackup(backup, dataDir, {
        acceptFaults: values['accept-faults'],
        now: new Date(),
      });
      await backup.close();
      await recordRestore(config, folder);
      print({ folder: dataDir, from: folder, replaced, ...backup.manifest.store }, values.json, () => '');
      if (values.json) return;
      const { store, createdAt } = backup.manifest;
      process.stderr.write(
        `Restored ${store.faces} faces in ${store.collections} collections as of ${createdAt}.\n` +
          (replaced === null ? '' : `What was there is in ${replaced}; remove it when you are sure.\n`) +
          'Start the service now: `systemctl start visage`.\n',
      );
    });
  },
});

/** An entry behind those of the backup: the first thing that happened since. */
async function recordRestore(config: Parameters<typeof auditOf>[1], folder: string): Promise<void> {
  const store = Store.open(config.dataDir);
  try {
    const audit = auditOf(store, config);
    const actor = { kind: 'operator', id: null } as const;
    await audit.record({ actor, action: 'store.restore', target: folder });
    await audit.close();
  } finally {
    await store.close();
  }
}
