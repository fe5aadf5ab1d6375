import { resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { hasContent, openBackup, restoreBackup } from '../store/restore.ts';
import { withBackupErrors } from './backup.ts';
import { TRUST_OPTIONS, trustOf } from './backup-trust.ts';
import { command, DATA_OPTIONS, environmentOf, JSON_OPTION, print } from './command.ts';
import { tell } from './output.ts';
import { becomeOwnerOf } from './privileges.ts';
import { recordAct, takeStoppedFolder } from './stopped-store.ts';

export const restore = command({
  name: 'restore',
  summary: 'Replace the store with a backup. The service must be stopped.',
  details: [
    'The command authenticates the backup with the backup key, copies it and verifies the copy before it replaces the ' +
      'store. It keeps the old store in the data folder and prints its path. The old store holds all changes since the ' +
      'backup, including faces: delete it when you no longer need it.',
    'On new hardware, pass the backup key of the old appliance with --key FILE. --unauthenticated accepts a backup without ' +
      'proof of origin: anyone with write access to its folder may have planted faces, API keys and token signing keys.',
    'A restore undoes all changes since the backup: revoked keys and deleted faces return. Run ' +
      '`visagectl audit export --data-dir REPLACED` to see which changes to repeat.',
  ],
  examples: ['restore /var/backups/visage/visage-20260115T103000.000Z --replace'],
  operands: [{ name: 'BACKUP', completion: 'folder', about: "The backup's folder." }],
  options: {
    replace: { type: 'boolean', about: 'Replace a store that is not empty.' },
    ...TRUST_OPTIONS,
    'accept-faults': { type: 'boolean', about: 'Restore a store even if it is inconsistent.' },
    ...JSON_OPTION,
    ...DATA_OPTIONS,
  },
  async run(values, [given]) {
    const folder = resolve(given);
    const config = loadConfig(environmentOf(values));
    const { dataDir } = config;
    await withBackupErrors(async () => {
      const trust = await trustOf(values, config);
      const backup = await openBackup(folder, trust);
      becomeOwnerOf(dataDir);
      takeStoppedFolder(dataDir, 'run `visagectl restore`');
      if (!values.replace && (await hasContent(dataDir))) {
        throw new ExitError(
          EXIT.data,
          `The store in ${dataDir} is not empty. Add --replace to replace it; the old store is kept in the data folder.`,
        );
      }
      const replaced = await restoreBackup(backup, dataDir, {
        acceptFaults: values['accept-faults'],
        now: new Date(),
      });
      await backup.close();
      const { store, createdAt } = backup.manifest;
      const isAuthenticated = trust !== 'unauthenticated';
      const as = `as of ${createdAt}, audit log up to ${store.auditHead.sequence}`;
      await recordAct(config, {
        action: 'store.restore',
        target: `${folder} ${as}${isAuthenticated ? '' : ', not authenticated'}`,
      });
      const answer = { folder: dataDir, from: folder, createdAt, authenticated: isAuthenticated, replaced };
      print({ ...answer, ...store }, values.json, () => '');
      if (values.json) return;
      tell`Restored ${store.faces} faces in ${store.collections} collections ${as}.`;
      if (!isAuthenticated) tell`The backup was not authenticated, so its origin is unknown.`;
      if (replaced !== null) tell`The old store is in ${replaced}. Delete it when you no longer need it.`;
      tell`Start the service with \`systemctl start visage\`.`;
    });
  },
});
