/**
 * The audit log on disk: one hash chain for the whole appliance. Each entry's hash covers the hash before it, so an
 * entry that is changed, taken out, put in or moved breaks the chain there; the head record shows a missing end.
 * Whoever can rewrite the whole file can also build a new chain: only a head hash kept elsewhere shows that.
 */
import { createHash } from 'node:crypto';
import type { AuditMark, AuditRecord, NewAuditRecord } from './audit-records.ts';
import type { Databases, Session } from './databases.ts';

/** What the first entry of a chain covers in place of a hash before it. */
export const GENESIS: AuditMark = { sequence: 0, hash: '0'.repeat(64) };

/** Action of the entry that stands for entries that were removed because of their age or number. */
export const TRUNCATE_ACTION = 'audit.truncate';

/** Entries removed in one transaction. */
const TRUNCATE_STEP = 1000;

/** SHA-256, hex, of the hash before and every field in a fixed order. */
export function auditHash(previous: string, sequence: number, record: NewAuditRecord): string {
  const { at, accountId, actor, action, target, result, address, requestId, count } = record;
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
  ];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/** What a truncation's entry says in its `target`: the last entry removed and its hash. */
function markText({ sequence, hash }: AuditMark): string {
  return `${sequence}:${hash}`;
}

/** Adds entries at the end of the chain; inside a transaction. */
export function appendAudit(db: Databases, records: readonly NewAuditRecord[]): void {
  let head = db.auditMarks.get('head') ?? GENESIS;
  for (const record of records) {
    const sequence = head.sequence + 1;
    head = { sequence, hash: auditHash(head.hash, sequence, record) };
    db.audit.put(sequence, { ...record, hash: head.hash });
    if (record.accountId !== null) db.auditByAccount.put([record.accountId, sequence], true);
  }
  db.auditMarks.put('head', head);
}

/** What a check of the chain found. */
export interface AuditVerdict {
  readonly entries: number;
  /** The end of the chain; keep it elsewhere to see later that nothing up to here was rewritten. */
  readonly head: AuditMark;
  /** The first fault in words, null for a sound chain. */
  readonly fault: string | null;
}

/** Checks the chain from its first entry to its head. Reads all of it. */
export function verifyAudit(db: Pick<Databases, 'audit' | 'auditMarks'>): AuditVerdict {
  const head = db.auditMarks.get('head') ?? GENESIS;
  const base = db.auditMarks.get('base') ?? GENESIS;
  let { sequence: last, hash: previous } = base;
  let entries = 0;
  let named: string | null = null;
  const verdict = (fault: string | null): AuditVerdict => ({ entries, head, fault });
  for (const { key: sequence, value } of db.audit.getRange()) {
    if (sequence !== last + 1) return verdict(`entry ${last + 1} is missing`);
    const { hash, ...record } = value;
    if (auditHash(previous, sequence, record) !== hash) {
      return verdict(`entry ${sequence} does not follow from the one before it`);
    }
    if (record.action === TRUNCATE_ACTION) named = record.target;
    [last, previous] = [sequence, hash];
    entries++;
  }
  if (last !== head.sequence || previous !== head.hash) {
    return verdict(`the chain ends with entry ${last}, but its head is entry ${head.sequence}`);
  }
  if (named !== (base.sequence === 0 ? null : markText(base))) {
    return verdict('the beginning was removed without an entry that says so');
  }
  return verdict(null);
}

/** Which entries of an account are asked for. */
export interface AuditFilter {
  readonly action?: string | undefined;
  /** Id of a key or a member. */
  readonly actor?: string | undefined;
  /** Milliseconds since 1970, both inclusive. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

export interface AuditPage {
  readonly entries: readonly AuditRecord[];
  /** Where the next page begins; null where nothing is left. */
  readonly next: number | null;
}

/** The audit log. */
export class AuditLog {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Adds entries. Resolves when they are on disk. */
  append(records: readonly NewAuditRecord[]): Promise<void> {
    const { db, write } = this.#session;
    return write(() => appendAudit(db, records));
  }

  /** @returns the newest entry's number and hash. */
  head(): AuditMark {
    return this.#session.db.auditMarks.get('head') ?? GENESIS;
  }

  /**
   * An account's own entries, newest first.
   * @param before only entries with a smaller number; null for the newest.
   * @param limit entries in the page at most.
   * @param scan entries looked at, at most: a page may be short, or empty, though more are left.
   */
  page(
    accountId: string,
    filter: AuditFilter,
    { before, limit, scan }: { before: number | null; limit: number; scan: number },
  ): AuditPage {
    const { db } = this.#session;
    const entries: AuditRecord[] = [];
    let seen = 0;
    const range = db.auditByAccount.getKeys({
      start: [accountId, before ?? Number.MAX_SAFE_INTEGER],
      end: [accountId, 0],
      reverse: true,
      exclusiveStart: before !== null,
    });
    for (const [, sequence] of range) {
      if (entries.length === limit || seen === scan) {
        return { entries, next: sequence + 1 };
      }
      seen++;
      const value = db.audit.get(sequence);
      if (value && matches(value, filter)) entries.push({ sequence, ...value });
    }
    return { entries, next: null };
  }

  /**
   * Removes the oldest entries, as many as one step takes, and adds an entry that says up to where and with which
   * hash, so that what is left can still be checked.
   * @param keep entries that stay at most. @param since older entries go.
   * @returns whether there may be more to remove.
   */
  async truncate({ keep, since, now }: { keep: number; since: number; now: number }): Promise<boolean> {
    const { db, write } = this.#session;
    const end = this.head().sequence - keep;
    const isOver = (sequence: number, at: number) => sequence <= end || at < since;
    for (const { key, value } of db.audit.getRange({ limit: 1 })) {
      if (!isOver(key, value.at)) return false;
    }
    return write(() => {
      let base: AuditMark | null = null;
      let removed = 0;
      for (const { key, value } of Array.from(db.audit.getRange({ limit: TRUNCATE_STEP }))) {
        if (!isOver(key, value.at)) break;
        db.audit.remove(key);
        if (value.accountId !== null) db.auditByAccount.remove([value.accountId, key]);
        base = { sequence: key, hash: value.hash };
        removed++;
      }
      if (base === null) return false;
      db.auditMarks.put('base', base);
      appendAudit(db, [
        {
          at: now,
          accountId: null,
          actor: { kind: 'system', id: null },
          action: TRUNCATE_ACTION,
          target: markText(base),
          result: 'ok',
          address: null,
          requestId: null,
          count: removed,
        },
      ]);
      return removed === TRUNCATE_STEP;
    });
  }
}

function matches(record: NewAuditRecord, { action, actor, since, until }: AuditFilter): boolean {
  return (
    (action === undefined || record.action === action) &&
    (actor === undefined || record.actor.id === actor) &&
    (since === undefined || record.at >= since) &&
    (until === undefined || record.at <= until)
  );
}
