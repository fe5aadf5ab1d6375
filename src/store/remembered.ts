import type { Database, Key } from 'lmdb';
import type { Session } from './databases.ts';

/** Values that are remembered of one database; beyond it all are forgotten. */
const MAX_KNOWN = 1_000;

/** What a read saw. */
interface Seen<Value> {
  /** The store's version then. */
  readonly version: number;
  /** The value's bytes, a character each. */
  readonly bytes: string;
  readonly value: Value;
}

/**
 * Reads values that nearly every request needs, such as its key and its collection, without asking LMDB as long as nothing
 * was written since: a read has LMDB set a timer to end its transaction, and that wakes the event loop once more. Where
 * something was written, the bytes are read again and taken apart where they have changed. So what a read sees is what
 * the database holds. Values are shared and must not be changed.
 */
export class Remembered<Value, DatabaseKey extends Key> {
  readonly #session: Pick<Session, 'version'>;
  readonly #db: Database<Value, DatabaseKey>;
  readonly #seen = new Map<string, Seen<Value>>();

  constructor(session: Pick<Session, 'version'>, db: Database<Value, DatabaseKey>) {
    this.#session = session;
    this.#db = db;
  }

  get(key: DatabaseKey): Value | undefined {
    // Of the parts of a key only the last may hold a comma, so no two keys have the same name.
    const name = String(key);
    const version = this.#session.version();
    const seen = this.#seen.get(name);
    if (seen?.version === version) return seen.value;
    const value = this.#read(key, name, version, seen);
    if (value === undefined) this.#seen.delete(name);
    return value;
  }

  #read(key: DatabaseKey, name: string, version: number, seen: Seen<Value> | undefined): Value | undefined {
    // LMDB's own buffer, which the next read overwrites; its `length` alone is that of the value.
    const buffer = this.#db.getBinaryFast(key);
    if (buffer === undefined) return undefined;
    const bytes = buffer.toString('latin1', 0, buffer.length);
    const value = seen?.bytes === bytes ? seen.value : this.#db.get(key);
    if (value === undefined) return undefined;
    if (this.#seen.size >= MAX_KNOWN) this.#seen.clear();
    this.#seen.set(name, { version, bytes, value });
    return value;
  }
}
