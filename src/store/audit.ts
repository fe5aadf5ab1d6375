import { createHmac } from 'node:crypto';
import { Turn } from '../base/turns.ts';
import { appendAudit, GENESIS } from './audit-chain.ts';
import type { AuditMark, AuditRecord, NewAuditRecord } from './audit-records.ts';
import { type AuditLimits, truncateAudit } from './audit-retention.ts';
import type { StoreContext } from './databases.ts';

const PAGE = 256;

export interface AuditFilter {
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly target?: string | undefined;
  /** Both inclusive. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly isVisible?: (record: NewAuditRecord) => boolean;
}

export interface AuditPage {
  readonly entries: readonly AuditRecord[];
  readonly next: number | null;
}

export class AuditLog {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  append(records: readonly NewAuditRecord[]): Promise<void> {
    const { db, write } = this.#context;
    return write(() => appendAudit(db, records));
  }

  head(): AuditMark {
    return this.#context.db.auditMarks.get('head') ?? GENESIS;
  }

  /** Only the store's secret links it to the key. */
  pseudonym(accountId: string, externalKey: string): string {
    const secret = this.#context.db.secrets.get('externalKeys');
    if (!secret) throw new Error('The store has no secret for external keys');
    const text = JSON.stringify([accountId, externalKey]);
    return `external-key:${createHmac('sha256', secret).update(text).digest('hex').slice(0, 32)}`;
  }

  /**
   * Newest first.
   * @param scan most entries to read. A page cut short still has `next`.
   */
  async page(
    accountId: string,
    filter: AuditFilter,
    { before, limit, scan }: { before: number | null; limit: number; scan: number },
  ): Promise<AuditPage> {
    const { db } = this.#context;
    const entries: AuditRecord[] = [];
    const { target } = filter;
    const targets = target === undefined ? null : [target, this.pseudonym(accountId, target)];
    const turn = new Turn();
    let seen = 0;
    for (let last = before; ; ) {
      const sequences = this.#sequencesOf(accountId, last);
      for (const sequence of sequences) {
        if (entries.length === limit || seen === scan) return { entries, next: sequence + 1 };
        seen++;
        const value = db.audit.get(sequence);
        if (value && matches(value, filter, targets)) entries.push({ sequence, ...value });
        if (turn.isOver) await turn.next();
      }
      if (sequences.length < PAGE) return { entries, next: null };
      last = sequences.at(-1) as number;
    }
  }

  #sequencesOf(accountId: string, before: number | null): number[] {
    const range = this.#context.db.auditByAccount.getKeys({
      start: [accountId, before ?? Number.MAX_SAFE_INTEGER],
      end: [accountId, 0],
      reverse: true,
      exclusiveStart: before !== null,
      limit: PAGE,
    });
    return Array.from(range, ([, sequence]) => sequence);
  }

  truncate(limits: AuditLimits): Promise<void> {
    return truncateAudit(this.#context, limits);
  }
}

function matches(
  record: NewAuditRecord,
  { action, actor, since, until, isVisible = () => true }: AuditFilter,
  targets: readonly (string | null)[] | null,
): boolean {
  return (
    (action === undefined || record.action === action) &&
    (actor === undefined || record.actor.id === actor) &&
    (since === undefined || record.at >= since) &&
    (until === undefined || record.at <= until) &&
    (targets === null || targets.includes(record.target)) &&
    isVisible(record)
  );
}
