import type { Database, Key } from 'lmdb';
import { BoundedMap } from '../base/bounded-map.ts';
import type { StoreContext } from './databases.ts';

const MAX_ENTRIES = 1_000;

interface CacheEntry<Value> {
  readonly version: number;
  readonly bytes: string;
  readonly value: Value;
}

/**
 * LMDB's reads set a timer that wakes the event loop. After a write, the cache decodes only changed records.
 * Callers must not change the shared values.
 */
export class RecordCache<Value, DatabaseKey extends Key> {
  readonly #context: Pick<StoreContext, 'version'>;
  readonly #db: Database<Value, DatabaseKey>;
  readonly #entries = new BoundedMap<string, CacheEntry<Value>>(MAX_ENTRIES);

  constructor(context: Pick<StoreContext, 'version'>, db: Database<Value, DatabaseKey>) {
    this.#context = context;
    this.#db = db;
  }

  get(key: DatabaseKey): Value | undefined {
    // Only a key's last part may hold a comma.
    const name = String(key);
    const version = this.#context.version();
    const cached = this.#entries.get(name);
    if (cached?.version === version) return cached.value;
    const value = this.#read(key, name, version, cached);
    if (value === undefined) this.#entries.delete(name);
    return value;
  }

  #read(
    key: DatabaseKey,
    name: string,
    version: number,
    cached: CacheEntry<Value> | undefined,
  ): Value | undefined {
    // LMDB reuses this buffer.
    const buffer = this.#db.getBinaryFast(key);
    if (buffer === undefined) return undefined;
    const bytes = buffer.toString('latin1', 0, buffer.length);
    const value = cached?.bytes === bytes ? cached.value : this.#db.get(key);
    if (value === undefined) return undefined;
    this.#entries.set(name, { version, bytes, value });
    return value;
  }
}
