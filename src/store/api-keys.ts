import type { Session } from './databases.ts';
import type { ApiKeyRecord } from './records.ts';

/** API keys by the SHA-256 of the key; the key itself is nowhere. */
export class ApiKeys {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** @param hash SHA-256 of the key, 64 hex digits. */
  byHash(hash: string): ApiKeyRecord | null {
    return this.#session.db.apiKeys.get(hash) ?? null;
  }

  /** Adds a key. Resolves when it is on disk. */
  add(hash: string, record: ApiKeyRecord): Promise<void> {
    const { db, write } = this.#session;
    return write(() => {
      db.apiKeys.put(hash, record);
      db.apiKeyIds.put(record.id, hash);
    });
  }

  /** Every key of every account, oldest first: ids sort by time. */
  list(): ApiKeyRecord[] {
    const { db } = this.#session;
    return [...db.apiKeyIds.getRange()].flatMap(({ value }) => db.apiKeys.get(value) ?? []);
  }

  /** Removes a key. Resolves when that is on disk. @returns false if there is no key of this id. */
  remove(id: string): Promise<boolean> {
    const { db, write } = this.#session;
    return write(() => {
      const hash = db.apiKeyIds.get(id);
      if (hash === undefined) return false;
      db.apiKeys.remove(hash);
      db.apiKeyIds.remove(id);
      return true;
    });
  }
}
