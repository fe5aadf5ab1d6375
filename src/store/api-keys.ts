import { VisageError } from '../errors.ts';
import type { Databases, Session } from './databases.ts';
import type { ApiKeyRecord } from './records.ts';
import { Remembered } from './remembered.ts';

/** A key's new value: its SHA-256 (64 hex digits) and the characters of it that may be shown. */
export interface NewKeyValue {
  readonly hash: string;
  readonly prefix: string;
}

/**
 * Decides on a key inside a transaction, by what it is then: the record to keep. It throws to change nothing.
 */
export type KeyDecision = (record: ApiKeyRecord) => ApiKeyRecord;

function notFound(): VisageError {
  return new VisageError('NOT_FOUND', 'There is no API key of this id.');
}

function recordOf(db: Databases, id: string): ApiKeyRecord | null {
  const hash = db.apiKeyIds.get(id);
  return hash === undefined ? null : (db.apiKeys.get(hash) ?? null);
}

/** API keys by the SHA-256 of the key; the key itself is nowhere. */
export class ApiKeys {
  readonly #session: Session;
  readonly #records: Remembered<ApiKeyRecord, string>;
  readonly #hashes: Remembered<string, string>;
  #changes = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#records = new Remembered(session, session.db.apiKeys);
    this.#hashes = new Remembered(session, session.db.apiKeyIds);
  }

  /** Goes up before any change or removal of a key is told to have happened. */
  get changes(): number {
    return this.#changes;
  }

  /** Runs a transaction that changes a key. */
  async #changing<T>(action: () => T): Promise<T> {
    try {
      return await this.#session.write(action);
    } finally {
      this.#changes++;
    }
  }

  /** @param hash SHA-256 of the key, 64 hex digits. */
  byHash(hash: string): ApiKeyRecord | null {
    return this.#records.get(hash) ?? null;
  }

  byId(id: string): ApiKeyRecord | null {
    const hash = this.#hashes.get(id);
    return hash === undefined ? null : this.byHash(hash);
  }

  /**
   * Adds a key. Resolves when it is on disk.
   * @param most keys that its member may have with this one; without a member nothing is counted.
   * @param confirm called inside the transaction; throws to change nothing.
   * @throws VisageError `VALIDATION_FAILED` where the member has that many.
   */
  add(
    hash: string,
    record: ApiKeyRecord,
    most = Number.POSITIVE_INFINITY,
    confirm: () => void = () => {},
  ): Promise<void> {
    const { db, write } = this.#session;
    return write(() => {
      confirm();
      if (record.memberId !== null && this.#countOf(record.accountId, record.memberId) >= most) {
        throw new VisageError(
          'VALIDATION_FAILED',
          `The plan allows a member ${most} API keys. Revoke one first.`,
        );
      }
      db.apiKeys.put(hash, record);
      db.apiKeyIds.put(record.id, hash);
      db.apiKeysByAccount.put([record.accountId, record.id], true);
    });
  }

  #countOf(accountId: string, memberId: string): number {
    let count = 0;
    for (const record of this.ofAccount(accountId, null)) if (record.memberId === memberId) count++;
    return count;
  }

  /** Every key of every account, oldest first: ids sort by time. */
  list(): ApiKeyRecord[] {
    const { db } = this.#session;
    return [...db.apiKeyIds.getRange()].flatMap(({ value }) => db.apiKeys.get(value) ?? []);
  }

  /** The keys of an account, oldest first, beginning behind the id `after` (null: with the first). */
  *ofAccount(accountId: string, after: string | null): Generator<ApiKeyRecord> {
    const { db } = this.#session;
    const range = db.apiKeysByAccount.getKeys({
      start: [accountId, after ?? ''],
      end: [accountId, '\uffff'],
      exclusiveStart: after !== null,
    });
    for (const [, id] of range) {
      const record = recordOf(db, id);
      if (record) yield record;
    }
  }

  /**
   * Changes a key. Resolves with what it is then, when that is on disk.
   * @param value the key's new value; undefined keeps the old one.
   * @throws what `decide` throws; VisageError `NOT_FOUND`.
   */
  change(id: string, decide: KeyDecision, value?: NewKeyValue): Promise<ApiKeyRecord> {
    const { db } = this.#session;
    return this.#changing(() => {
      const hash = db.apiKeyIds.get(id);
      const record = recordOf(db, id);
      if (hash === undefined || !record) throw notFound();
      const decided = decide(record);
      if (!value) {
        db.apiKeys.put(hash, decided);
        return decided;
      }
      const renewed = { ...decided, prefix: value.prefix, generation: record.generation + 1 };
      db.apiKeys.remove(hash);
      db.apiKeys.put(value.hash, renewed);
      db.apiKeyIds.put(id, value.hash);
      return renewed;
    });
  }

  /**
   * Removes a key. Resolves when that is on disk. @returns false if there is no key of this id.
   * @param confirm called inside the transaction with the key; throws to change nothing.
   */
  remove(id: string, confirm: (record: ApiKeyRecord) => void = () => {}): Promise<boolean> {
    const { db } = this.#session;
    return this.#changing(() => {
      const hash = db.apiKeyIds.get(id);
      const record = recordOf(db, id);
      if (hash === undefined || !record) return false;
      confirm(record);
      db.apiKeys.remove(hash);
      db.apiKeyIds.remove(id);
      db.apiKeysByAccount.remove([record.accountId, id]);
      db.apiKeyUses.remove(id);
      db.spends.remove(id);
      return true;
    });
  }

  /** When a key was last used, milliseconds since 1970; null where nothing is known of it. */
  lastUsed(id: string): number | null {
    return this.#session.db.apiKeyUses.get(id) ?? null;
  }

  /** Writes when keys were last used; those that are gone are passed over. */
  recordUses(uses: ReadonlyMap<string, number>): Promise<void> {
    const { db, write } = this.#session;
    return write(() => {
      for (const [id, time] of uses) if (db.apiKeyIds.doesExist(id)) db.apiKeyUses.put(id, time);
    });
  }
}
