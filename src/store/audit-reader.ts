import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { type AuditVerdict, GENESIS, verifyAudit } from './audit.ts';
import type { AuditMark, AuditRecord, StoredAuditRecord } from './audit-records.ts';

/** The audit log of a folder, to read only: also while a service has the store open. */
export interface AuditReader {
  verify(): AuditVerdict;
  /** Hash of an entry, also of the last that retention removed; null where no hash of this number is known. */
  hashOf(sequence: number): string | null;
  /** Every entry, oldest first. */
  entries(): Iterable<AuditRecord>;
  close(): Promise<void>;
}

/** @throws Error in words for the operator, such as where there is no store. */
export function openAuditReader(directory: string): AuditReader {
  if (!existsSync(join(directory, 'data.mdb'))) throw new Error(`There is no store in ${directory}.`);
  const root = open(directory, { noSubdir: false, maxDbs: 32, readOnly: true });
  const audit = root.openDB<StoredAuditRecord, number>('audit', {});
  const auditMarks = root.openDB<AuditMark, 'head' | 'base'>('auditMarks', {});
  return {
    verify: () => verifyAudit({ audit, auditMarks }),
    hashOf: (sequence) => {
      if (sequence === GENESIS.sequence) return GENESIS.hash;
      const base = auditMarks.get('base');
      return (base?.sequence === sequence ? base.hash : audit.get(sequence)?.hash) ?? null;
    },
    *entries() {
      for (const { key, value } of audit.getRange()) yield { sequence: key, ...value };
    },
    close: () => root.close(),
  };
}
