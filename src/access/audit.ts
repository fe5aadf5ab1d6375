/** What was done and what was refused, on its way to the audit log. */
import type { ErrorCode } from '../errors.ts';
import type { Log } from '../ops/log.ts';
import type { AuditLog } from '../store/audit.ts';
import type { AuditActor, NewAuditRecord } from '../store/audit-records.ts';

export type { AuditActor };

/** How often refusals are written, and how long repetitions of one are only counted. */
const BATCH_MS = 1_000;
const REPEAT_MS = 60_000;

/** Refusals told apart at a time; beyond them they are counted by their code alone. */
const MAX_GROUPS = 100;

const RETENTION_INTERVAL_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** No id is longer; what a client sends may be. */
const MAX_TARGET_LENGTH = 256;

/** What to record. The time, and `ok` as the result, are filled in. */
export interface AuditEntry {
  readonly actor: AuditActor;
  /** What was done, such as `api-key.create`. */
  readonly action: string;
  readonly accountId?: string | null | undefined;
  /** Id of what it was done to. */
  readonly target?: string | null | undefined;
  /** `ok`, or the code with which it was refused. */
  readonly result?: 'ok' | ErrorCode | undefined;
  /** IP address of the client. */
  readonly address?: string | null | undefined;
  readonly requestId?: string | null | undefined;
}

/** How much of the log stays. */
export interface AuditRetention {
  readonly maxEntries: number;
  readonly maxDays: number;
}

/** Repetitions of one refusal. */
interface Group {
  /** The first of those. */
  first: NewAuditRecord;
  /** Those not yet written. */
  count: number;
  /** When they are written, or the group is forgotten if there were none. */
  due: number;
}

export interface AuditOptions {
  readonly now: () => number;
  readonly log: Log;
  readonly retention: AuditRetention;
}

/**
 * Records acts and refusals. An act is on disk when its promise resolves. Refusals cost no more than a count in
 * memory: the first of a kind (same account, actor, address, action and code) is on disk within a second or two, and
 * its repetitions as one entry with their number after each minute. So a flood writes at most about a hundred entries
 * a minute, and a kill loses the refusals of the last second and the count of repetitions of the last minute.
 */
export class Audit {
  readonly #store: AuditLog;
  readonly #options: AuditOptions;
  readonly #groups = new Map<string, Group>();
  readonly #timers: NodeJS.Timeout[];
  #writing: Promise<void> = Promise.resolve();
  #truncating: Promise<void> | null = null;
  #closed = false;

  constructor(store: AuditLog, options: AuditOptions) {
    this.#store = store;
    this.#options = options;
    this.#timers = [
      setInterval(() => void this.flush(), BATCH_MS).unref(),
      setInterval(() => void this.truncate(), RETENTION_INTERVAL_MS).unref(),
    ];
  }

  /** Records an act; resolves when it is on disk. Await it before the act is answered. */
  record(entry: AuditEntry): Promise<void> {
    return this.#store.append([this.#complete(entry)]);
  }

  /** Records a refusal, soon; returns at once. */
  refuse(entry: AuditEntry & { readonly result: ErrorCode }): void {
    const record = this.#complete(entry);
    const { accountId, actor, action, result, address } = record;
    const key = JSON.stringify([accountId, actor.kind, actor.id, action, result, address]);
    const isKnown = this.#groups.has(key);
    if (isKnown || this.#groups.size < MAX_GROUPS) this.#count(key, record);
    else this.#count(result, withoutNames(record));
  }

  #count(key: string, record: NewAuditRecord): void {
    let group = this.#groups.get(key);
    if (!group) {
      group = { first: record, count: 0, due: record.at };
      this.#groups.set(key, group);
    }
    if (group.count === 0) group.first = record;
    group.count++;
  }

  #complete(entry: AuditEntry): NewAuditRecord {
    return {
      at: this.#options.now(),
      accountId: entry.accountId ?? null,
      actor: entry.actor,
      action: entry.action,
      target: entry.target?.slice(0, MAX_TARGET_LENGTH) ?? null,
      result: entry.result ?? 'ok',
      address: entry.address ?? null,
      requestId: entry.requestId ?? null,
      count: 1,
    };
  }

  /** Writes the refusals that are due. A failure is logged, and they are tried again. */
  flush(): Promise<void> {
    return this.#write(this.#options.now());
  }

  #write(until: number): Promise<void> {
    const due: [string, Group][] = [];
    for (const [key, group] of this.#groups) {
      if (group.due > until) continue;
      if (group.count > 0) due.push([key, group]);
      else this.#groups.delete(key);
    }
    if (due.length === 0) return this.#writing;
    const records = due.map(([, { first, count }]) => ({ ...first, count }));
    const next = this.#options.now() + REPEAT_MS;
    for (const [, group] of due) Object.assign(group, { count: 0, due: next });
    this.#writing = this.#writing
      .then(() => this.#store.append(records))
      .catch((error: unknown) => {
        this.#options.log.error({ err: error, entries: records.length }, 'the audit log takes no entries');
        for (const [at, [key, group]] of due.entries()) {
          const { count, ...first } = records[at] as NewAuditRecord;
          this.#groups.set(key, group);
          Object.assign(group, { first: { ...first, count: 1 }, count: group.count + count, due: 0 });
        }
      });
    return this.#writing;
  }

  /** Removes what is older or more than the retention allows; done by itself every hour. */
  truncate(): Promise<void> {
    this.#truncating ??= this.#truncate().finally(() => {
      this.#truncating = null;
    });
    return this.#truncating;
  }

  async #truncate(): Promise<void> {
    const { now, log, retention } = this.#options;
    const limits = { keep: retention.maxEntries, since: now() - retention.maxDays * DAY_MS, now: now() };
    try {
      while (!this.#closed && (await this.#store.truncate(limits)));
    } catch (error) {
      log.error({ err: error }, 'the audit log could not be shortened');
    }
  }

  /** Writes every refusal that is still only counted, and ends. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#truncating;
    await this.#write(Number.POSITIVE_INFINITY);
  }
}

function withoutNames(record: NewAuditRecord): NewAuditRecord {
  return {
    ...record,
    accountId: null,
    actor: { kind: 'anonymous', id: null },
    action: 'several',
    target: null,
    address: null,
    requestId: null,
  };
}
