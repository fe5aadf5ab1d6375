import type { Database, Key } from 'lmdb';

/** Values that are remembered of one database; beyond it all are forgotten. */
const MAX_KNOWN = 1_000;

/**
 * Reads values that nearly every request needs, such as its key and its collection. Taking one apart costs more than
 * reading its bytes, so that is done once for the same bytes. The bytes are read each time: what a read sees is what the
 * database holds. Values are shared and must not be changed.
 */
export class DecodedOnce<Value, DatabaseKey extends Key> {
  readonly #db: Database<Value, DatabaseKey>;
  readonly #known = new Map<string, Value>();

  constructor(db: Database<Value, DatabaseKey>) {
    this.#db = db;
  }

  get(key: DatabaseKey): Value | undefined {
    // LMDB's own buffer, which the next read overwrites; its `length` alone is that of the value.
    const bytes = this.#db.getBinaryFast(key);
    if (bytes === undefined) return undefined;
    const text = bytes.toString('latin1', 0, bytes.length);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const value = this.#db.get(key);
    if (value === undefined) return undefined;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(text, value);
    return value;
  }
}
