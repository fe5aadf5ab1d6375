/**
 * The databases inside the LMDB environment, and the one way to write to them. Reads are direct and synchronous: LMDB
 * is a memory map, and a read sees everything that was committed before this turn of the event loop.
 */
import type { Database, RootDatabase } from 'lmdb';
import { VisageError } from '../errors.ts';
import type { AuditMark, StoredAuditRecord } from './audit-records.ts';
import type { MemberRecord } from './members.ts';
import type {
  AccountRecord,
  ApiKeyRecord,
  CollectionRecord,
  FaceRecord,
  UsageRecord,
  Writer,
} from './records.ts';
import type { SessionRecord } from './sessions.ts';

export type UsageKey = [accountId: string, day: string, keyId: string, operation: string];
export type MemberKey = [accountId: string, memberId: string];
export type CollectionKey = [accountId: string, environment: string, collectionId: string];
export type FaceKey = [gallery: number, label: number];
export type FaceIdKey = [gallery: number, faceId: string];
export type AuditAccountKey = [accountId: string, sequence: number];
export type ExternalKeyKey = [gallery: number, externalKey: string, label: number];

/** Every database by name; `docs/architecture.md` has the table of keys and values. */
export interface Databases {
  readonly meta: Database<number, string>;
  readonly accounts: Database<AccountRecord, string>;
  readonly apiKeys: Database<ApiKeyRecord, string>;
  readonly apiKeyIds: Database<string, string>;
  readonly apiKeysByAccount: Database<true, [accountId: string, keyId: string]>;
  readonly apiKeyUses: Database<number, string>;
  readonly spends: Database<number, string>;
  readonly balances: Database<number, string>;
  readonly usage: Database<UsageRecord, UsageKey>;
  readonly members: Database<MemberRecord, MemberKey>;
  readonly memberEmails: Database<MemberKey, string>;
  readonly invitations: Database<MemberKey, string>;
  readonly sessions: Database<SessionRecord, [memberId: string, sessionId: string]>;
  readonly collections: Database<CollectionRecord, CollectionKey>;
  readonly faces: Database<FaceRecord, FaceKey>;
  readonly templates: Database<Buffer, FaceKey>;
  readonly faceLabels: Database<number, FaceIdKey>;
  readonly externalKeys: Database<true, ExternalKeyKey>;
  /** A gallery's generation by its number; see `generations.ts`. */
  readonly generations: Database<number, number>;
  /** Which opening of the store wrote a gallery from a generation on. */
  readonly writers: Database<string, [gallery: number, generation: number]>;
  readonly garbage: Database<true, number>;
  readonly audit: Database<StoredAuditRecord, number>;
  readonly auditByAccount: Database<true, AuditAccountKey>;
  readonly auditMarks: Database<AuditMark, 'head' | 'base'>;
}

/** The layout of keys and values that this program reads and writes. */
export const SCHEMA_VERSION = 1;

/** Opens the databases; `root` decides what becomes of one that is not there yet. */
export function openDatabases(root: Pick<RootDatabase, 'openDB'>): Databases {
  return {
    meta: root.openDB('meta', {}),
    accounts: root.openDB('accounts', {}),
    apiKeys: root.openDB('apiKeys', {}),
    apiKeyIds: root.openDB('apiKeyIds', {}),
    apiKeysByAccount: root.openDB('apiKeysByAccount', {}),
    apiKeyUses: root.openDB('apiKeyUses', {}),
    spends: root.openDB('spends', {}),
    balances: root.openDB('balances', {}),
    usage: root.openDB('usage', {}),
    members: root.openDB('members', {}),
    memberEmails: root.openDB('memberEmails', {}),
    invitations: root.openDB('invitations', {}),
    sessions: root.openDB('sessions', {}),
    collections: root.openDB('collections', {}),
    faces: root.openDB('faces', {}),
    templates: root.openDB('templates', { encoding: 'binary' }),
    faceLabels: root.openDB('faceLabels', {}),
    externalKeys: root.openDB('externalKeys', {}),
    generations: root.openDB('generations', {}),
    writers: root.openDB('writers', {}),
    garbage: root.openDB('garbage', {}),
    audit: root.openDB('audit', {}),
    auditByAccount: root.openDB('auditByAccount', {}),
    auditMarks: root.openDB('auditMarks', {}),
  };
}

/** Everything that a part of the store works with. */
export interface Session {
  readonly db: Databases;
  /** The name of this opening of the store, which its generations are marked with. */
  readonly writer: string;
  /** Goes up with every transaction that has ended; NaN, so that it equals nothing, while one is under way. */
  version(): number;
  /**
   * Runs `action` as one transaction: all of its writes or, where it throws, none. Resolves when they are on disk.
   * @throws what `action` throws; VisageError `STORAGE_READ_ONLY` where the disk takes no write, `NOT_READY` when
   * the store is closing.
   */
  write<T>(action: () => T): Promise<T>;
}

/** A transaction in the name of somebody who must still be allowed to write when it runs. */
export function writeAs<T>({ write }: Session, { confirm }: Writer, action: () => T): Promise<T> {
  return write(() => {
    confirm?.();
    return action();
  });
}

/** The value of a counter before it is raised by one; inside a transaction. */
export function takeNumber(db: Databases, counter: 'nextGallery' | 'nextLabel'): number {
  const value = db.meta.get(counter) ?? 1;
  db.meta.put(counter, value + 1);
  return value;
}

/** Failures of LMDB as the one error that a caller may see; the real reason is its `cause`. */
export function storageError(error: unknown): unknown {
  if (error instanceof VisageError || !(error instanceof Error)) return error;
  const { commitError, code } = error as { commitError?: Promise<never>; code?: unknown };
  // LMDB's binding rejects this promise after the transaction's own: unhandled, it would end the process.
  commitError?.catch(() => {});
  if (commitError === undefined && typeof code !== 'number') return error;
  const refused = new VisageError(
    'STORAGE_READ_ONLY',
    'The store could not write to its disk; nothing was changed.',
  );
  refused.cause = error;
  return refused;
}
