import { resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { verifyBackup } from '../store/backup.ts';
import type { Trust } from '../store/backup-manifest.ts';
import { DamagedStoreError, inspectStore } from '../store/isolated-store.ts';
import type { StoreSummary } from '../store/store-reader.ts';
import { withBackupErrors } from './backup.ts';
import { TRUST_OPTIONS, trustOf } from './backup-trust.ts';
import {
  command,
  configOf,
  DATA_OPTIONS,
  environmentOf,
  JSON_OPTION,
  print,
  type Values,
} from './command.ts';
import { line } from './output.ts';
import { becomeOwnerOf } from './privileges.ts';

interface Verdict {
  readonly of: string;
  readonly createdAt?: string;
  /** Backups only: the key proves the origin. */
  readonly authenticated?: boolean;
  readonly store: StoreSummary | null;
  readonly faults: readonly string[];
}

async function verdictOn(folder: string, trust: Trust): Promise<Verdict> {
  const { manifest, damage, faults } = await verifyBackup(folder, trust);
  const { store, createdAt } = manifest;
  const authenticated = trust !== 'unauthenticated';
  return { of: folder, createdAt, authenticated, store, faults: [...damage, ...faults] };
}

async function verdictOnStore(dataDir: string): Promise<Verdict> {
  try {
    return { of: dataDir, ...(await inspectStore(dataDir)) };
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    return { of: dataDir, store: null, faults: [`${error.message}.`] };
  }
}

const OPTIONS = { ...TRUST_OPTIONS, ...JSON_OPTION, ...DATA_OPTIONS };

async function verdictOf(values: Values<typeof OPTIONS>, folder: string | undefined): Promise<Verdict> {
  if (folder === undefined) return verdictOnStore(configOf(values).dataDir);
  const trust = await trustOf(values, loadConfig(environmentOf(values)));
  // Drops root's rights before reading a hostile file.
  becomeOwnerOf(resolve(folder));
  return verdictOn(resolve(folder), trust);
}

function soundness({ of, createdAt, authenticated, store }: Verdict): string {
  const { faces, collections, auditEntries } = store as StoreSummary;
  const as = createdAt === undefined ? '' : ` as of ${createdAt}`;
  const proof = authenticated === false ? ' It was not authenticated, so its origin is unknown.' : '';
  return line`${of} is sound: ${faces} faces, ${collections} collections, ${auditEntries} audit entries${as}.${proof}`;
}

export const verify = command({
  name: 'verify',
  summary: "Verify the service's store or a backup completely.",
  details: [
    'Checks that every record is readable, every face has its template, id and external key, templates are unit vectors ' +
      'of one length, keys, members and sessions are consistent, and the audit log is intact. The service may run. A ' +
      'store has no checksums: a changed byte inside a value, such as a box, stays undetected.',
    'For a backup, also authenticates its origin with the backup key and checks the SHA-256 of every file, which detects ' +
      'any changed byte.',
  ],
  operands: [
    {
      name: 'BACKUP',
      optional: true,
      completion: 'folder',
      about: "A backup's folder. Default: the service's store.",
    },
  ],
  options: OPTIONS,
  async run(values, [folder]) {
    const verdict = await withBackupErrors(() => verdictOf(values, folder));
    const { of: what, faults } = verdict;
    print({ ok: faults.length === 0, ...verdict }, values.json, () =>
      faults.length === 0 ? soundness(verdict) : faults.map((fault) => line`${fault}`).join(''),
    );
    if (faults.length > 0) {
      const sound = 'Restore the newest backup that passes `visagectl verify BACKUP`.';
      throw new ExitError(EXIT.data, `Found ${faults.length} faults in ${what}. ${sound}`);
    }
  },
});
