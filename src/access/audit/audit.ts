import type { AuditActor, Environment } from '../../api/caller.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Log } from '../../ops/log.ts';
import type { AuditLog } from '../../store/audit.ts';
import type { NewAuditRecord } from '../../store/audit-records.ts';
import { Refusals } from './refusals.ts';

export type { AuditActor };

const BATCH_MS = 1_000;
const REPEAT_MS = 60_000;

/** Blocks the event loop for a few milliseconds. */
const MAX_BATCH = 200;

const RETENTION_INTERVAL_MS = 3_600_000;
const RETENTION_SHARE = 0.01;
const DAY_MS = 86_400_000;

const MAX_TARGET_LENGTH = 256;

export interface AuditEntry {
  readonly actor: AuditActor;
  readonly action: string;
  readonly accountId?: string | null | undefined;
  readonly target?: string | null | undefined;
  /** The log stores only its pseudonym. */
  readonly externalKey?: string | undefined;
  readonly environment?: Environment | null | undefined;
  readonly collectionId?: string | null | undefined;
  readonly result?: 'ok' | ErrorCode | undefined;
  readonly address?: string | null | undefined;
  readonly requestId?: string | null | undefined;
}

export interface AuditRetention {
  readonly maxEntries: number;
  readonly maxDays: number;
}

export interface AuditOptions {
  readonly now: () => number;
  readonly log: Log;
  readonly retention: AuditRetention;
}

/**
 * A kind's first refusal is durable within two seconds; repetitions become one entry a minute, which a crash
 * can lose.
 */
export class Audit {
  readonly #store: AuditLog;
  readonly #options: AuditOptions;
  readonly #refusals = new Refusals();
  readonly #timers: NodeJS.Timeout[];
  #writing: Promise<void> = Promise.resolve();
  #truncating: Promise<void> | null = null;
  #written = 0;
  #closed = false;

  constructor(store: AuditLog, options: AuditOptions) {
    this.#store = store;
    this.#options = options;
    this.#timers = [
      setInterval(() => void this.flush(), BATCH_MS).unref(),
      setInterval(() => void this.truncate(), RETENTION_INTERVAL_MS).unref(),
    ];
  }

  /** Await it before answering. */
  async record(...entries: readonly AuditEntry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += MAX_BATCH) {
      await this.#append(entries.slice(at, at + MAX_BATCH).map((entry) => this.#complete(entry)));
    }
  }

  async #append(records: readonly NewAuditRecord[]): Promise<void> {
    await this.#store.append(records);
    this.#written += records.length;
    const isTimeToLook = this.#written > this.#options.retention.maxEntries * RETENTION_SHARE;
    if (isTimeToLook && !this.#closed) void this.truncate();
  }

  refuse(entry: AuditEntry & { readonly result: ErrorCode }): void {
    this.#refusals.add(this.#complete(entry));
  }

  #complete({ accountId = null, externalKey, ...entry }: AuditEntry): NewAuditRecord {
    const pseudonym = externalKey === undefined ? null : this.#store.pseudonym(accountId ?? '', externalKey);
    return {
      at: this.#options.now(),
      accountId,
      actor: entry.actor,
      action: entry.action,
      target: pseudonym ?? entry.target?.slice(0, MAX_TARGET_LENGTH) ?? null,
      result: entry.result ?? 'ok',
      address: entry.address ?? null,
      requestId: entry.requestId ?? null,
      count: 1,
      environment: entry.environment ?? null,
      collectionId: entry.collectionId ?? null,
    };
  }

  flush(): Promise<void> {
    return this.#write(this.#options.now());
  }

  #write(until: number): Promise<void> {
    const taken = this.#refusals.take(until, this.#options.now() + REPEAT_MS);
    for (let at = 0; at < taken.length; at += MAX_BATCH) {
      const batch = taken.slice(at, at + MAX_BATCH);
      this.#writing = this.#writing
        .then(() => this.#append(batch.map(({ record }) => record)))
        .catch((error: unknown) => {
          this.#options.log.error(
            { err: error, entries: batch.length },
            'audit entries could not be written; retrying',
          );
          this.#refusals.giveBack(batch);
        });
    }
    return this.#writing;
  }

  truncate(): Promise<void> {
    this.#truncating ??= this.#truncate().finally(() => {
      this.#truncating = null;
    });
    return this.#truncating;
  }

  async #truncate(): Promise<void> {
    const { now, log, retention } = this.#options;
    this.#written = 0;
    const since = now() - retention.maxDays * DAY_MS;
    const isStopped = () => this.#closed;
    try {
      await this.#store.truncate({ keep: retention.maxEntries, since, now: now(), isStopped });
    } catch (error) {
      log.error({ err: error }, 'audit retention failed');
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#truncating;
    await this.#write(Number.POSITIVE_INFINITY);
  }
}
