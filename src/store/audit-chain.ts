/**
 * The hash chain reveals edits, the head record a truncated end. The newest truncation entry commits to
 * retention's marks. Only a head hash kept elsewhere reveals a rebuilt chain.
 */
import { createHash } from 'node:crypto';
import { noGaps, withGap } from './audit-gaps.ts';
import type { AuditMark, NewAuditRecord } from './audit-records.ts';
import type { Databases } from './databases.ts';

export const GENESIS: AuditMark = { sequence: 0, hash: '0'.repeat(64) };

export const TRUNCATE_ACTION = 'audit.truncate';

export const TRUNCATE_ANONYMOUS_ACTION = 'audit.truncate-anonymous';

const TRUNCATIONS: ReadonlySet<string> = new Set([TRUNCATE_ACTION, TRUNCATE_ANONYMOUS_ACTION]);

export function groupOf({ accountId, actor, action }: NewAuditRecord): string {
  if (accountId !== null) return accountId;
  const isAnonymous = actor.kind === 'anonymous' || action === TRUNCATE_ANONYMOUS_ACTION;
  return isAnonymous ? 'anonymous' : 'appliance';
}

/** First-release entries lack `environment` and `collectionId`. */
export function auditHash(previous: string, sequence: number, record: NewAuditRecord): string {
  const { at, accountId, actor, action, target, result, address, requestId, count } = record;
  const { environment, collectionId } = record;
  const isOfFirstRelease = environment === undefined && collectionId === undefined;
  const fields = [
    previous,
    sequence,
    at,
    accountId,
    actor.kind,
    actor.id,
    action,
    target,
    result,
    address,
    requestId,
    count,
    ...(isOfFirstRelease ? [] : [environment ?? null, collectionId ?? null]),
  ];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

export function markText(base: AuditMark = GENESIS, gaps: AuditMark | undefined): string {
  return `${base.sequence}:${base.hash}${gaps && gaps.sequence > 0 ? `;${gaps.hash}` : ''}`;
}

export function appendAudit(db: Databases, records: readonly NewAuditRecord[]): void {
  let head = db.auditMarks.get('head') ?? GENESIS;
  for (const record of records) {
    const sequence = head.sequence + 1;
    head = { sequence, hash: auditHash(head.hash, sequence, record) };
    db.audit.put(sequence, { ...record, hash: head.hash });
    db.auditByAccount.put([groupOf(record), sequence], true);
  }
  db.auditMarks.put('head', head);
}

export interface AuditVerdict {
  readonly entries: number;
  readonly removed: number;
  readonly head: AuditMark;
  /** A sentence; null if sound. */
  readonly fault: string | null;
}

export function verifyAudit(db: Pick<Databases, 'audit' | 'auditMarks' | 'auditGaps'>): AuditVerdict {
  const head = db.auditMarks.get('head') ?? GENESIS;
  const base = db.auditMarks.get('base') ?? GENESIS;
  let { sequence: last, hash: previous } = base;
  let gaps = noGaps();
  let entries = 0;
  let removed = last;
  let named: string | null = null;
  const verdict = (fault: string | null): AuditVerdict => ({ entries, removed, head, fault });
  for (const { key: sequence, value } of db.audit.getRange()) {
    if (sequence !== last + 1) {
      const gap = db.auditGaps.get(last + 1);
      if (gap?.sequence !== sequence - 1) return verdict(`entry ${last + 1} is missing`);
      gaps = withGap(gaps, last + 1, gap, 1);
      removed += gap.sequence - last;
      previous = gap.hash;
    }
    const { hash, ...record } = value;
    if (auditHash(previous, sequence, record) !== hash) {
      return verdict(`entry ${sequence} does not match its hash`);
    }
    if (TRUNCATIONS.has(record.action)) named = record.target;
    [last, previous] = [sequence, hash];
    entries++;
  }
  if (last !== head.sequence) {
    return verdict(`the chain ends with entry ${last}, but its head is entry ${head.sequence}`);
  }
  if (previous !== head.hash) return verdict(`the head record does not hold the hash of entry ${last}`);
  if (named !== (base.sequence + gaps.sequence === 0 ? null : markText(base, gaps))) {
    return verdict('entries were removed, but no truncation entry records it');
  }
  return verdict(null);
}
