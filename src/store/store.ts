import { chmodSync, mkdirSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import { VisageError } from '../errors.ts';
import { stageTook } from '../ops/stage-times.ts';
import { Accounts } from './accounts.ts';
import { ApiKeys } from './api-keys.ts';
import { AuditLog } from './audit.ts';
import { Collections } from './collections.ts';
import { checkConsistency } from './consistency.ts';
import { Credits } from './credits.ts';
import { type Databases, openDatabases, SCHEMA_VERSION, type Session, storageError } from './databases.ts';
import { ExternalKeys } from './external-keys.ts';
import { Faces } from './faces.ts';
import { GarbageCollector } from './garbage.ts';
import { adoptGalleries, hasUnadopted, newWriter } from './generations.ts';
import { newIdentifier } from './identifiers.ts';
import { Members } from './members.ts';
import { Sessions } from './sessions.ts';

/**
 * The truth on disk. Reads are synchronous; a write's promise resolves when the write is on disk.
 *
 * One process has a store open at a time: the vector index of another would not see the writes.
 */
export class Store {
  readonly accounts: Accounts;
  readonly apiKeys: ApiKeys;
  readonly credits: Credits;
  readonly members: Members;
  readonly sessions: Sessions;
  readonly collections: Collections;
  readonly faces: Faces;
  readonly externalKeys: ExternalKeys;
  readonly audit: AuditLog;
  readonly #root: RootDatabase;
  readonly #db: Databases;
  readonly #garbage: GarbageCollector;
  #open = true;
  /** Transactions that are under way, and that have ended. */
  #writing = 0;
  #written = 0;

  /**
   * Opens the store in a folder, which is made (mode 0700) if missing. The first run makes one account, without any
   * credential.
   * @param now milliseconds since 1970.
   * @throws Error in words for the operator, such as for a store of a newer schema.
   */
  static open(directory: string, now: () => number = Date.now): Store {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
    const root = open(directory, {
      // A folder whose name has a dot would be taken for a file.
      noSubdir: false,
      maxDbs: 32,
      // So a commit resolves after it is flushed: with overlapping syncs it resolves once it is visible.
      overlappingSync: false,
      // With it the binding makes a promise of its own for each turn's batch, and nobody handles its rejection.
      eventTurnBatching: false,
    });
    try {
      return new Store(root, directory, now);
    } catch (error) {
      root.close().catch(() => {});
      throw error;
    }
  }

  private constructor(root: RootDatabase, directory: string, now: () => number) {
    this.#root = root;
    this.#db = openDatabases(root);
    this.#prepare(directory, now());
    const writer = newWriter();
    if (hasUnadopted(this.#db)) root.transactionSync(() => adoptGalleries(this.#db, writer));
    const session: Session = {
      db: this.#db,
      writer,
      version: () => (this.#writing === 0 ? this.#written : Number.NaN),
      write: (action) => this.#write(action),
    };
    this.#garbage = new GarbageCollector(session);
    this.accounts = new Accounts(session);
    this.apiKeys = new ApiKeys(session);
    this.credits = new Credits(session);
    this.members = new Members(session);
    this.sessions = new Sessions(session);
    this.collections = new Collections(session, () => this.#garbage.start());
    this.faces = new Faces(session);
    this.externalKeys = new ExternalKeys(session);
    this.audit = new AuditLog(session);
    this.#garbage.start();
  }

  #prepare(directory: string, now: number): void {
    const db = this.#db;
    const schema = db.meta.get('schema');
    if (schema === SCHEMA_VERSION) return;
    if (schema !== undefined) {
      throw new Error(
        `The store in ${directory} has schema ${schema}; this version of Visage knows schema ${SCHEMA_VERSION} only. ` +
          'Start it with the version of Visage that wrote it.',
      );
    }
    this.#root.transactionSync(() => {
      db.meta.put('schema', SCHEMA_VERSION);
      db.accounts.put(newIdentifier('acc_', now), { name: 'default', createdAt: now });
    });
  }

  async #write<T>(action: () => T): Promise<T> {
    if (!this.#open) throw new VisageError('NOT_READY', 'The appliance is stopping.');
    this.#writing++;
    try {
      // A child transaction, since one that throws is rolled back; a plain one would keep what it wrote before.
      const began = performance.now();
      const result = await this.#root.childTransaction(action);
      stageTook('store', performance.now() - began);
      return result;
    } catch (error) {
      throw storageError(error);
    } finally {
      this.#writing--;
      this.#written++;
    }
  }

  /** Everything that does not fit together, in words; empty for a sound store. Reads all of it. */
  check(): string[] {
    return checkConsistency(this.#db);
  }

  /** Resolves when the galleries of resets and deletes up to now have been removed, or could not be. */
  garbageCollected(): Promise<void> {
    return this.#garbage.settled();
  }

  /** Lets writes under way end, then closes. Nothing of the store may be used after. */
  async close(): Promise<void> {
    if (!this.#open) return;
    await this.#garbage.stop();
    this.#open = false;
    await this.#root.close();
  }
}
