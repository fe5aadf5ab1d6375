import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import { VisageError } from '../errors.ts';
import { stageTook } from '../ops/stage-times.ts';
import { ApiKeys, rebuildMemberIndex } from './api-keys.ts';
import { AuditLog } from './audit.ts';
import { Collections } from './collections.ts';
import { checkConsistency } from './consistency.ts';
import { Credits } from './credits.ts';
import {
  type Databases,
  OLDEST_SCHEMA,
  OPEN_OPTIONS,
  openDatabases,
  SCHEMA_VERSION,
  type StoreContext,
  storageError,
} from './databases.ts';
import { Dismissals } from './dismissals.ts';
import { EventLog } from './events.ts';
import { ExternalKeys } from './external-keys.ts';
import { adoptCounts } from './face-counts.ts';
import { Faces } from './faces.ts';
import { GarbageCollector } from './garbage.ts';
import { adoptGalleries, hasUnadopted, newEpochId } from './generations.ts';
import { History } from './history.ts';
import { IdempotentCalls } from './idempotent-calls.ts';
import { Accounts, Members } from './members.ts';
import { Migrations } from './migrations.ts';
import { People } from './people.ts';
import { Proposals } from './proposals.ts';
import { newIdentifier } from './records.ts';
import { Sessions } from './sessions.ts';
import { Thumbnails } from './thumbnails.ts';

const SECRET_BYTES = 32;

type ChangedPerson = [gallery: number, externalKey: string];

/** The vector index misses other processes' writes, so one process may open a store. */
export class Store {
  readonly accounts: Accounts;
  readonly apiKeys: ApiKeys;
  readonly credits: Credits;
  readonly members: Members;
  readonly sessions: Sessions;
  readonly collections: Collections;
  readonly faces: Faces;
  readonly thumbnails: Thumbnails;
  readonly migrations: Migrations;
  readonly externalKeys: ExternalKeys;
  readonly history: History;
  readonly proposals: Proposals;
  readonly dismissals: Dismissals;
  readonly people: People;
  readonly audit: AuditLog;
  readonly events: EventLog;
  readonly calls: IdempotentCalls;
  readonly #root: RootDatabase;
  readonly #db: Databases;
  readonly #garbage: GarbageCollector;
  #open = true;
  #writing = 0;
  #lastStep: Promise<unknown> = Promise.resolve();
  #written = 0;
  #changedPeople: ChangedPerson[] = [];

  /**
   * Creates a missing store with one account.
   * @throws Error, for example for a newer schema.
   */
  static open(directory: string, now: () => number = Date.now): Store {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
    const root = open(directory, {
      ...OPEN_OPTIONS,
      // With overlapping syncs, a commit resolves before its flush.
      overlappingSync: false,
      // Otherwise each batch has a promise whose rejection stays unhandled.
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
    const epochId = newEpochId();
    for (const name of ['externalKeys', 'idempotency'] as const) {
      if (this.#db.secrets.doesExist(name)) continue;
      root.transactionSync(() => this.#db.secrets.put(name, randomBytes(SECRET_BYTES)));
    }
    rebuildMemberIndex(root, this.#db);
    if (hasUnadopted(this.#db)) root.transactionSync(() => adoptGalleries(this.#db, epochId));
    adoptCounts(root, this.#db);
    const context: StoreContext = {
      db: this.#db,
      epochId,
      version: () => (this.#writing === 0 ? this.#written : Number.NaN),
      write: (action) => this.#write(action),
      writeStep: (action) => this.#writeStep(action),
      collectGarbage: () => this.#garbage.start(),
      personChanged: (gallery, externalKey) => this.#changedPeople.push([gallery, externalKey]),
      forgetPeople: (gallery) => this.people.forget(gallery),
    };
    this.#garbage = new GarbageCollector(context);
    this.accounts = new Accounts(context);
    this.apiKeys = new ApiKeys(context);
    this.credits = new Credits(context);
    this.members = new Members(context);
    this.sessions = new Sessions(context);
    this.collections = new Collections(context);
    this.people = new People(context);
    this.faces = new Faces(context);
    this.thumbnails = new Thumbnails(context);
    this.migrations = new Migrations(context);
    this.externalKeys = new ExternalKeys(context);
    this.history = new History(context);
    this.proposals = new Proposals(context);
    this.dismissals = new Dismissals(context);
    this.audit = new AuditLog(context);
    this.events = new EventLog(context);
    this.calls = new IdempotentCalls(context);
    this.#garbage.start();
  }

  #prepare(directory: string, now: number): void {
    const db = this.#db;
    const schema = db.meta.get('schema');
    if (schema === SCHEMA_VERSION) return;
    if (schema !== undefined && schema >= OLDEST_SCHEMA && schema < SCHEMA_VERSION) {
      // Older versions would misread these.
      this.#root.transactionSync(() => {
        for (const { value } of [...db.collections.getRange()]) db.unconverted.put(value.gallery, 0);
        db.meta.put('schema', SCHEMA_VERSION);
      });
      return;
    }
    if (schema !== undefined) {
      throw new Error(
        `The store in ${directory} has schema ${schema}; this version of Visage supports schemas ${OLDEST_SCHEMA} to ${SCHEMA_VERSION}. ` +
          'Start the version of Visage that wrote it.',
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
    const changed: ChangedPerson[] = [];
    try {
      // A child transaction rolls back when it throws; a plain one keeps its writes.
      const began = performance.now();
      const result = await this.#root.childTransaction(() => {
        this.#changedPeople = changed;
        return action();
      });
      stageTook('store', performance.now() - began);
      return result;
    } catch (error) {
      throw storageError(error);
    } finally {
      this.#writing--;
      this.#written++;
      for (const [gallery, externalKey] of changed) this.people.changed(gallery, externalKey);
    }
  }

  #writeStep<T>(action: () => T): Promise<T> {
    const written = this.#lastStep.then(() => this.#write(action));
    this.#lastStep = written.catch(() => {});
    return written;
  }

  counts(): { readonly schema: number; readonly accounts: number; readonly collections: number } {
    const entries = (database: Pick<Databases['accounts'], 'getStats'>) =>
      (database.getStats() as { entryCount: number }).entryCount;
    const { accounts, collections } = this.#db;
    return {
      schema: SCHEMA_VERSION,
      accounts: entries(accounts),
      collections: entries(collections),
    };
  }

  get isOpen(): boolean {
    return this.#open;
  }

  check(): string[] {
    return checkConsistency(this.#db);
  }

  garbageCollected(): Promise<void> {
    return this.#garbage.settled();
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    await this.#garbage.stop();
    this.#open = false;
    await this.#root.close();
  }
}
