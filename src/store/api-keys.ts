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
}
