import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { type AuditVerdict, GENESIS, verifyAudit } from './audit-chain.ts';
import { isRemoved } from './audit-gaps.ts';
import type { AuditMark, AuditRecord, StoredAuditRecord } from './audit-records.ts';
import { type AuditMarks, OPEN_OPTIONS } from './databases.ts';

export interface AuditReader {
  verify(): AuditVerdict;
  hashOf(sequence: number): string | null;
  isRemoved(sequence: number): boolean;
  entries(): Iterable<AuditRecord>;
  close(): Promise<void>;
}

/** Null if the store is too old. */
function openIfThere<Value>(root: RootDatabase, name: string): Database<Value, number> | null {
  try {
    return root.openDB<Value, number>(name, {});
  } catch (error) {
    if ((error as Error).message === 'Database not found') return null;
    throw error;
  }
}

/** @throws Error. */
export function openAuditReader(directory: string): AuditReader {
  if (!existsSync(join(directory, 'data.mdb'))) throw new Error(`There is no store in ${directory}.`);
  const root = open(directory, { ...OPEN_OPTIONS, readOnly: true });
  const audit = root.openDB<StoredAuditRecord, number>('audit', {});
  const auditMarks = root.openDB('auditMarks', {}) as AuditMarks;
  const gaps = openIfThere<AuditMark>(root, 'auditGaps');
  const auditGaps =
    gaps ?? ({ get: () => undefined, getRange: () => [] } as unknown as Database<AuditMark, number>);
  return {
    verify: () => {
      // LMDB's binding keeps a snapshot until the turn ends.
      root.resetReadTxn();
      return verifyAudit({ audit, auditMarks, auditGaps });
    },
    hashOf: (sequence) => {
      if (sequence === GENESIS.sequence) return GENESIS.hash;
      const base = auditMarks.get('base');
      return (base?.sequence === sequence ? base.hash : audit.get(sequence)?.hash) ?? null;
    },
    isRemoved: (sequence) => isRemoved({ auditGaps, auditMarks }, sequence),
    *entries() {
      for (const { key, value } of audit.getRange()) yield { sequence: key, ...value };
    },
    close: () => root.close(),
  };
}
