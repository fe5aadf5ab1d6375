import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { GENESIS } from './audit-chain.ts';
import type { AuditMark } from './audit-records.ts';
import { packsOf } from './collections.ts';
import { checkConsistency, checkTemplates } from './consistency.ts';
import { type Databases, OLDEST_SCHEMA, OPEN_OPTIONS, openDatabases, SCHEMA_VERSION } from './databases.ts';
import type { PackId } from './records.ts';

export interface StoreSummary {
  readonly schema: number;
  readonly accounts: number;
  readonly members: number;
  readonly apiKeys: number;
  readonly collections: number;
  readonly faces: number;
  readonly externalKeys: number;
  readonly thumbnails: number;
  readonly auditEntries: number;
  readonly auditHead: AuditMark;
  readonly packs: readonly PackId[];
}

export interface CollectionSummary {
  readonly collectionId: string;
  readonly accountId: string;
  readonly environment: string;
  readonly description: string | null;
  readonly model: string;
  readonly faces: number;
  /** UTC, ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Each call reads one consistent state. */
export class StoreReader {
  readonly #root: RootDatabase;
  readonly #db: Databases;

  /** @throws Error. */
  static open(directory: string): StoreReader {
    if (!existsSync(join(directory, 'data.mdb'))) throw new Error(`There is no store in ${directory}.`);
    let root: RootDatabase;
    try {
      root = open(directory, { ...OPEN_OPTIONS, readOnly: true });
    } catch (cause) {
      throw new Error(`The store in ${directory} cannot be opened: ${(cause as Error).message}.`, { cause });
    }
    return new StoreReader(root);
  }

  private constructor(root: RootDatabase) {
    this.#root = root;
    this.#db = openDatabases({
      // The binding returns undefined for databases that older stores lack.
      openDB: ((name: string, options: object) =>
        root.openDB(name, options as never) ?? EMPTY_DATABASE) as RootDatabase['openDB'],
    });
  }

  summary(): StoreSummary {
    const db = this.#db;
    const count = (database: { getKeysCount(): number }) => database.getKeysCount();
    const deleted = Array.from(db.garbage.getKeys());
    const countLiving = (database: typeof db.faces | typeof db.externalKeys | typeof db.thumbnails) => {
      const gone = deleted.map((gallery) =>
        (database as typeof db.faces).getKeysCount({
          start: [gallery] as never,
          end: [gallery + 1] as never,
        }),
      );
      return gone.reduce((left, number) => left - number, count(database));
    };
    return {
      schema: db.meta.get('schema') ?? 0,
      accounts: count(db.accounts),
      members: count(db.members),
      apiKeys: count(db.apiKeys),
      collections: count(db.collections),
      faces: countLiving(db.faces),
      externalKeys: countLiving(db.externalKeys),
      thumbnails: countLiving(db.thumbnails),
      auditEntries: count(db.audit),
      auditHead: db.auditMarks.get('head') ?? GENESIS,
      packs: packsOf(db),
    };
  }

  newestEntry(): number | null {
    const { sequence } = this.#db.auditMarks.get('head') ?? { sequence: 0 };
    return this.#db.audit.get(sequence)?.at ?? null;
  }

  collections(): CollectionSummary[] {
    const db = this.#db;
    return Array.from(db.collections.getRange(), ({ key, value }) => {
      const { gallery, description, pack, packVersion, createdAt, updatedAt } = value;
      return {
        collectionId: key[2],
        accountId: key[0],
        environment: key[1],
        description,
        model: `${pack} ${packVersion}`,
        faces: db.faces.getKeysCount({ start: [gallery], end: [gallery + 1] }),
        createdAt: new Date(createdAt).toISOString(),
        updatedAt: new Date(updatedAt).toISOString(),
      };
    });
  }

  /**
   * Blocks the event loop.
   * @throws Error for undecodable records.
   */
  check(): string[] {
    const schema = this.#db.meta.get('schema') ?? 0;
    if (schema < OLDEST_SCHEMA || schema > SCHEMA_VERSION) {
      return [
        `the store has schema ${schema}; this version of Visage supports schemas ${OLDEST_SCHEMA} to ${SCHEMA_VERSION}`,
      ];
    }
    for (const database of Object.values(this.#db) as Database[]) {
      for (const _ of database.getRange());
    }
    return [...checkConsistency(this.#db), ...checkTemplates(this.#db)];
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

const EMPTY_DATABASE = {
  get: () => undefined,
  doesExist: () => false,
  getRange: () => [],
  getKeys: () => [],
  getKeysCount: () => 0,
} as unknown as Database;
