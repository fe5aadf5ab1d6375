import { resolve } from 'node:path';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { verifyBackup } from '../store/backup.ts';
import { StoreReader, type StoreSummary } from '../store/store-reader.ts';
import { withBackupErrors } from './backup.ts';
import { command, configOf, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';

interface Verdict {
  readonly of: string;
  readonly store: StoreSummary;
  readonly faults: readonly string[];
}

async function verdictOn(folder: string): Promise<Verdict> {
  const { manifest, damage, faults } = await withBackupErrors(() => verifyBackup(folder));
  return { of: folder, store: manifest.store, faults: [...damage, ...faults] };
}

async function verdictOnStore(dataDir: string): Promise<Verdict> {
  const reader = StoreReader.open(dataDir);
  try {
    return { of: dataDir, store: reader.summary(), faults: reader.check() };
  } finally {
    await reader.close();
  }
}

export const verify = command({
  name: 'verify',
  summary: "Check the service's store, or a backup, from one end to the other.",
  details: [
    'Checks that every face has its template, id and external key, that templates are unit vectors of one length, that keys, ' +
      'members and sessions belong together, and the chain of the audit log; of a backup also the SHA-256 of every file. ' +
      'The service may run meanwhile.',
  ],
  operands: [
    {
      name: 'BACKUP',
      optional: true,
      completion: 'folder',
      about: "a backup's folder; the service's own store unless given",
    },
  ],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values, [folder]) {
    const verdict =
      folder === undefined
        ? await verdictOnStore(configOf(values).dataDir)
        : await verdictOn(resolve(folder));
    const { faces, collections, auditEntries } = verdict.store;
    const [what, faults] = [verdict.of, verdict.faults];
    print({ ok: faults.length === 0, ...verdict }, values.json, () =>
      faults.length === 0
        ? `${what} is sound: ${faces} faces, ${collections} collections, ${auditEntries} audit entries.\n`
        : faults.map((fault) => `${fault}\n`).join(''),
    );
    if (faults.length > 0) {
      const sound = 'Restore the newest backup that `visagectl verify BACKUP` finds sound.';
      throw new ExitError(EXIT.data, `${what} has ${faults.length} faults. ${sound}`);
    }
  },
});
