/**
 * Retention from the chain's middle leaves gaps, with the last entry's number and hash.
 *
 * The newest truncation entry holds a homomorphic hash over all gaps, in constant time (LtHash: 1,024 sums
 * modulo 2^16; Bellare and Micciancio 1997, Lewi et al. 2019).
 */
import { createHash } from 'node:crypto';
import type { AuditMark, GapMark } from './audit-records.ts';
import type { Databases } from './databases.ts';

const SUM_BYTES = 2048;

export function noGaps(): GapMark {
  return markOf(0, Buffer.alloc(SUM_BYTES));
}

function markOf(sequence: number, sum: Buffer): GapMark {
  return { sequence, sum, hash: createHash('sha256').update(sum).digest('hex') };
}

export function withGap({ sequence, sum }: GapMark, first: number, last: AuditMark, sign: 1 | -1): GapMark {
  const text = JSON.stringify([first, last.sequence, last.hash]);
  const term = createHash('shake256', { outputLength: SUM_BYTES }).update(text).digest();
  const next = Buffer.alloc(SUM_BYTES);
  for (let at = 0; at < SUM_BYTES; at += 2) {
    next.writeUInt16LE((sum.readUInt16LE(at) + sign * term.readUInt16LE(at)) & 0xffff, at);
  }
  return markOf(sequence + sign, next);
}

type Chain = Pick<Databases, 'auditGaps' | 'auditMarks'>;

/** Append a truncation entry in the same transaction. */
export function removeFromChain(db: Chain, entry: AuditMark): void {
  let gaps = db.auditMarks.get('gaps') ?? noGaps();
  const forget = (first: number, last: AuditMark) => {
    db.auditGaps.remove(first);
    gaps = withGap(gaps, first, last, -1);
  };
  let last = entry;
  const behind = db.auditGaps.get(entry.sequence + 1);
  if (behind) {
    forget(entry.sequence + 1, behind);
    last = behind;
  }
  if ((db.auditMarks.get('base')?.sequence ?? 0) === entry.sequence - 1) {
    db.auditMarks.put('base', last);
  } else {
    let first = entry.sequence;
    for (const { key, value } of db.auditGaps.getRange({ start: entry.sequence, reverse: true, limit: 1 })) {
      if (value.sequence !== entry.sequence - 1) break;
      forget(key, value);
      first = key;
    }
    db.auditGaps.put(first, last);
    gaps = withGap(gaps, first, last, 1);
  }
  db.auditMarks.put('gaps', gaps);
}

export function isRemoved(db: Chain, sequence: number): boolean {
  if (sequence <= (db.auditMarks.get('base')?.sequence ?? 0)) return true;
  for (const { value } of db.auditGaps.getRange({ start: sequence, reverse: true, limit: 1 })) {
    return sequence <= value.sequence;
  }
  return false;
}
