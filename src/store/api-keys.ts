import type { Database, RootDatabase } from 'lmdb';
import { VisageError } from '../errors.ts';
import type { Databases, MemberKeyKey, StoreContext } from './databases.ts';
import { RecordCache } from './record-cache.ts';
import type { ApiKeyRecord } from './records.ts';

/** SHA-256 (64 hex digits) and displayed prefix. */
export interface NewKeyValue {
  readonly hash: string;
  readonly prefix: string;
}

export type KeyDecision = (record: ApiKeyRecord) => ApiKeyRecord;

function notFound(): VisageError {
  return new VisageError('NOT_FOUND', 'No API key has this id.');
}

function recordOf(db: Databases, id: string): ApiKeyRecord | null {
  const hash = db.apiKeyIds.get(id);
  return hash === undefined ? null : (db.apiKeys.get(hash) ?? null);
}

export class ApiKeys {
  readonly #context: StoreContext;
  readonly #records: RecordCache<ApiKeyRecord, string>;
  readonly #hashes: RecordCache<string, string>;
  #changes = 0;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#records = new RecordCache(context, context.db.apiKeys);
    this.#hashes = new RecordCache(context, context.db.apiKeyIds);
  }

  /** Increases before a change settles; caches compare it. */
  get changes(): number {
    return this.#changes;
  }

  async #changing<T>(action: () => T): Promise<T> {
    try {
      return await this.#context.write(action);
    } finally {
      this.#changes++;
    }
  }

  byHash(hash: string): ApiKeyRecord | null {
    return this.#records.get(hash) ?? null;
  }

  byId(id: string): ApiKeyRecord | null {
    const hash = this.#hashes.get(id);
    return hash === undefined ? null : this.byHash(hash);
  }

  /**
   * @param most keys per member; ignored for an operator's key.
   * @throws `VALIDATION_FAILED` beyond `most`.
   */
  add(
    hash: string,
    record: ApiKeyRecord,
    most = Number.POSITIVE_INFINITY,
    confirm: () => void = () => {},
  ): Promise<void> {
    const { db, write } = this.#context;
    return write(() => {
      confirm();
      this.checkCount(record, most);
      db.apiKeys.put(hash, record);
      db.apiKeyIds.put(record.id, hash);
      db.apiKeysByAccount.put([record.accountId, record.id], true);
      db.apiKeysByMember.put(memberKeyOf(record), true);
    });
  }

  checkCount({ accountId, memberId }: Pick<ApiKeyRecord, 'accountId' | 'memberId'>, most: number): void {
    if (memberId === null || most === Number.POSITIVE_INFINITY) return;
    if (countMemberKeys(this.#context.db, accountId, memberId, most) < most) return;
    throw new VisageError(
      'VALIDATION_FAILED',
      `The plan allows each member at most ${most} API keys. Revoke one first.`,
    );
  }

  count(accountId: string, memberId: string): number {
    const range = { start: [accountId, memberId, ''], end: [accountId, memberId, '\uffff'] };
    return this.#context.db.apiKeysByMember.getKeysCount(range as never);
  }

  *all(): Generator<ApiKeyRecord> {
    const { db } = this.#context;
    for (const { value } of db.apiKeyIds.getRange()) {
      const record = db.apiKeys.get(value);
      if (record) yield record;
    }
  }

  *ofAccount(accountId: string, after: string | null): Generator<ApiKeyRecord> {
    const { db } = this.#context;
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

  /** @throws `NOT_FOUND`. */
  change(id: string, decide: KeyDecision, value?: NewKeyValue): Promise<ApiKeyRecord> {
    const { db } = this.#context;
    return this.#changing(() => {
      const hash = db.apiKeyIds.get(id);
      const record = recordOf(db, id);
      if (hash === undefined || !record) throw notFound();
      const decided = decide(record);
      if (decided.memberId !== record.memberId) {
        db.apiKeysByMember.remove(memberKeyOf(record));
        db.apiKeysByMember.put(memberKeyOf(decided), true);
      }
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

  remove(id: string, confirm: (record: ApiKeyRecord) => void = () => {}): Promise<boolean> {
    const { db } = this.#context;
    return this.#changing(() => {
      const hash = db.apiKeyIds.get(id);
      const record = recordOf(db, id);
      if (hash === undefined || !record) return false;
      confirm(record);
      db.apiKeys.remove(hash);
      db.apiKeyIds.remove(id);
      db.apiKeysByAccount.remove([record.accountId, id]);
      db.apiKeysByMember.remove(memberKeyOf(record));
      db.apiKeyUses.remove(id);
      db.spends.remove(id);
      return true;
    });
  }

  lastUsed(id: string): number | null {
    return this.#context.db.apiKeyUses.get(id) ?? null;
  }

  recordUses(uses: ReadonlyMap<string, number>): Promise<void> {
    const { db, write } = this.#context;
    return write(() => {
      for (const [id, time] of uses) if (db.apiKeyIds.doesExist(id)) db.apiKeyUses.put(id, time);
    });
  }
}

const STEP = 1_000;

const OPERATOR = '';

type Place = Pick<ApiKeyRecord, 'accountId' | 'memberId' | 'id'>;

function memberKeyOf({ accountId, memberId, id }: Place): MemberKeyKey {
  return [accountId, memberId ?? OPERATOR, id];
}

function countMemberKeys(
  { apiKeysByMember }: Databases,
  accountId: string,
  memberId: string,
  most: number,
): number {
  const range = { start: [accountId, memberId, ''], end: [accountId, memberId, '\uffff'], limit: most };
  return Array.from(apiKeysByMember.getKeys(range as never)).length;
}

function entriesOf(db: Pick<Database, 'getStats'>): number {
  return (db.getStats() as { entryCount: number }).entryCount;
}

/** For stores of an older Visage. The caller must prevent other writes. */
export function rebuildMemberIndex(root: Pick<RootDatabase, 'transactionSync'>, db: Databases): void {
  if (entriesOf(db.apiKeysByMember) === entriesOf(db.apiKeyIds)) return;
  root.transactionSync(() => db.apiKeysByMember.clearSync());
  for (let last: string | null = null; ; ) {
    const start: string = last ?? '';
    const range = db.apiKeyIds.getRange({ start, exclusiveStart: last !== null, limit: STEP });
    const page = Array.from(range);
    root.transactionSync(() => {
      for (const { value } of page) {
        const record = db.apiKeys.get(value);
        if (record) db.apiKeysByMember.put(memberKeyOf(record), true);
      }
    });
    if (page.length < STEP) return;
    last = page.at(-1)?.key ?? null;
  }
}
