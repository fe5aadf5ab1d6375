import { compactStore } from '../store/compact.ts';
import { replacedFolders } from '../store/restore.ts';
import { withBackupErrors } from './backup.ts';
import { command, configOf, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';
import { line, tell } from './output.ts';
import { recordAct, takeStoppedFolder } from './stopped-store.ts';

const mebibytes = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

export const compact = command({
  name: 'compact',
  summary: 'Rewrite the store without deleted records. The service must be stopped.',
  details: [
    'The database file keeps the bytes of deleted faces and external keys until it reuses their space. This command ' +
      'copies every record into a new file, checks the copy and replaces the old file. It also removes the index ' +
      'snapshots, so the next start builds the index from the store.',
    'If the command is killed, either the old or the new store remains intact; run it again. It needs as much free space ' +
      'as the store takes. The bytes of the old file stay on the disk until the file system reuses them: encrypt the disk.',
  ],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const config = configOf(values);
    const { dataDir } = config;
    takeStoppedFolder(dataDir, 'run `visagectl compact`');
    const compaction = await withBackupErrors(() => compactStore(dataDir));
    await recordAct(config, { action: 'store.compact', target: null });
    print({ folder: dataDir, ...compaction }, values.json, ({ before, after }) => {
      return line`Compacted ${dataDir} from ${mebibytes(before)} to ${mebibytes(after)}.`;
    });
    const replaced = replacedFolders(dataDir);
    if (values.json || replaced.length === 0) return;
    tell`Stores that a restore replaced still contain deleted records: ${replaced.join(', ')}. Delete them when you no longer need them.`;
  },
});
