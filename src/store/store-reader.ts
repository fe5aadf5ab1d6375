import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { GENESIS } from './audit.ts';
import type { AuditMark } from './audit-records.ts';
import { checkConsistency, checkTemplates } from './consistency.ts';
import { type Databases, openDatabases, SCHEMA_VERSION } from './databases.ts';
import type { PackId } from './records.ts';

/** How much a store holds, for people and for comparing a copy with what it was copied from. */
export interface StoreSummary {
  readonly schema: number;
  readonly accounts: number;
  readonly members: number;
  readonly apiKeys: number;
  readonly collections: number;
  readonly faces: number;
  readonly externalKeys: number;
  readonly auditEntries: number;
  readonly auditHead: AuditMark;
  /** The model packs of the collections, by name. */
  readonly packs: readonly PackId[];
}

/** A collection as the operator sees it: of whichever account. */
export interface CollectionSummary {
  readonly collectionId: string;
  readonly accountId: string;
  readonly environment: string;
  readonly description: string | null;
  /** Name and version of its model pack. */
  readonly model: string;
  readonly faces: number;
  /** UTC, ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

/**
 * A store that is only read: a backup, or the store of a service that runs. Each call sees one state of it, whatever
 * is written meanwhile.
 */
export class StoreReader {
  readonly #root: RootDatabase;
  readonly #db: Databases;

  /** @throws Error in words for the operator, such as where there is no store. */
  static open(directory: string): StoreReader {
    if (!existsSync(join(directory, 'data.mdb'))) throw new Error(`There is no store in ${directory}.`);
    let root: RootDatabase;
    try {
      root = open(directory, { noSubdir: false, maxDbs: 32, readOnly: true });
    } catch (cause) {
      throw new Error(`The store in ${directory} cannot be opened: ${(cause as Error).message}.`, { cause });
    }
    return new StoreReader(root);
  }

  private constructor(root: RootDatabase) {
    this.#root = root;
    this.#db = openDatabases({
      openDB: ((name: string, options: object) => {
        try {
          return root.openDB(name, options as never);
        } catch (error) {
          // One that this version of Visage has added, and that the store's own version did not know.
          if ((error as Error).message === 'Database not found') return NOTHING;
          throw error;
        }
      }) as RootDatabase['openDB'],
    });
  }

  summary(): StoreSummary {
    const db = this.#db;
    const packs = new Map<string, PackId>();
    for (const { value } of db.collections.getRange()) {
      const { pack, packVersion } = value;
      packs.set(`${pack} ${packVersion}`, { pack, packVersion });
    }
    const count = (database: { getKeysCount(): number }) => database.getKeysCount();
    return {
      schema: db.meta.get('schema') ?? 0,
      accounts: count(db.accounts),
      members: count(db.members),
      apiKeys: count(db.apiKeys),
      collections: count(db.collections),
      faces: count(db.faces),
      externalKeys: count(db.externalKeys),
      auditEntries: count(db.audit),
      auditHead: db.auditMarks.get('head') ?? GENESIS,
      packs: Array.from(packs.keys())
        .sort()
        .map((name) => packs.get(name) as PackId),
    };
  }

  /** When the newest entry of the audit log was made, milliseconds since 1970; null where there is none. */
  newestEntry(): number | null {
    const { sequence } = this.#db.auditMarks.get('head') ?? { sequence: 0 };
    return this.#db.audit.get(sequence)?.at ?? null;
  }

  /** Every collection, by account, environment and id. */
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
   * Everything that does not fit together, in words without anybody's data; empty for a sound store. Reads all of it
   * without letting anything else run.
   */
  check(): string[] {
    const schema = this.#db.meta.get('schema') ?? 0;
    if (schema !== SCHEMA_VERSION) {
      return [`the store has schema ${schema}; this version of Visage knows schema ${SCHEMA_VERSION} only`];
    }
    return [...checkConsistency(this.#db), ...checkTemplates(this.#db)];
  }

  /**
   * Writes one state of the store, the newest, into `data.mdb` of a folder that is there, while others write on.
   * The file is not flushed. @throws Error of the system, such as for a full disk.
   */
  copyTo(directory: string): Promise<void> {
    return this.#root.backup(directory, false);
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

/** Stands for a database that a store does not have. */
const NOTHING = {
  get: () => undefined,
  doesExist: () => false,
  getRange: () => [],
  getKeys: () => [],
  getKeysCount: () => 0,
} as unknown as Database;
