/**
 * Reads are synchronous and see every earlier commit.
 *
 * In `store`, write methods resolve when durable. Functions that write to `Databases` run inside a
 * transaction; so do `confirm`, `check` and `decide` callbacks, which roll it back by throwing. Lists start
 * after `after`, oldest first. Async reads yield to the event loop.
 */

import type { Database, RootDatabase } from 'lmdb';
import type { Actor, Environment } from '../api/caller.ts';
import { VisageError } from '../errors.ts';
import type { AuditMark, GapMark, StoredAuditRecord } from './audit-records.ts';
import type { EventRecord } from './event-records.ts';
import type {
  AccountRecord,
  ApiKeyRecord,
  CollectionRecord,
  FaceCounts,
  FaceRecord,
  HistoryRecord,
  MemberRecord,
  ProposalRecord,
  RowGalleries,
  SessionRecord,
  SightingRecord,
  UsageRecord,
} from './records.ts';

export type UsageKey = [accountId: string, day: string, keyId: string, operation: string];
export type UsageHourKey = [hour: string, accountId: string, keyId: string, operation: string];
export type MemberKey = [accountId: string, memberId: string];
export type MemberKeyKey = [accountId: string, memberId: string, keyId: string];
export type CollectionKey = [accountId: string, environment: string, collectionId: string];
export type FaceKey = [gallery: number, label: number];
export type FaceIdKey = [gallery: number, faceId: string];
/** `step` in milliseconds; `slot` in steps since 1970. */
export type HistoryKey = [step: number, slot: number];
export type AuditAccountKey = [group: string, sequence: number];
export type AuditMarks = Database<AuditMark, 'head' | 'base'> & Database<GapMark, 'gaps'>;
export type EventOwner = [accountId: string, environment: Environment];
export type EventKey = [...owner: EventOwner, eventId: string];
export type EventFaceKey = [gallery: number, target: string | number, eventId: string];
export type ExternalKeyKey = [gallery: number, externalKey: string, label: number];

export type CallKey = [accountId: string, callerId: string, mac: string];
export type AnswerKey = [gallery: number, ...CallKey];

export interface CallRecord {
  readonly at: number;
  /** `unfinished`: wrote, no answer yet. `unkept`: succeeded, answer too large. */
  readonly state: 'unfinished' | 'answered' | 'unkept' | 'secret' | 'erased';
  /** Keyed hash; absent for a call with a secret. */
  readonly fingerprint?: string;
  readonly bounds: string;
  readonly size: number;
  /** Of the faces in the answer. */
  readonly gallery?: number;
}

export interface AnswerRecord {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** JSON; empty for none. */
  readonly body: string;
  readonly faceIds: readonly string[];
  readonly externalKeys: readonly string[];
}

export interface Databases {
  readonly meta: Database<number, string>;
  readonly accounts: Database<AccountRecord, string>;
  readonly apiKeys: Database<ApiKeyRecord, string>;
  readonly apiKeyIds: Database<string, string>;
  readonly apiKeysByAccount: Database<true, [accountId: string, keyId: string]>;
  readonly apiKeysByMember: Database<true, MemberKeyKey>;
  readonly apiKeyUses: Database<number, string>;
  readonly spends: Database<number, string>;
  readonly balances: Database<number, string>;
  readonly usage: Database<UsageRecord, UsageKey>;
  readonly usageHours: Database<UsageRecord, UsageHourKey>;
  readonly members: Database<MemberRecord, MemberKey>;
  readonly memberEmails: Database<MemberKey | readonly MemberKey[], string>;
  readonly invitations: Database<MemberKey, string>;
  readonly sessions: Database<SessionRecord, [memberId: string, sessionId: string]>;
  readonly collections: Database<CollectionRecord, CollectionKey>;
  readonly faces: Database<FaceRecord, FaceKey>;
  readonly templates: Database<Uint8Array, FaceKey>;
  readonly unconverted: Database<number, number>;
  readonly rowGalleries: Database<RowGalleries, number>;
  readonly rowGarbage: Database<true, number>;
  readonly sightings: Database<SightingRecord, FaceKey>;
  readonly thumbnails: Database<Buffer, FaceKey>;
  readonly thumbnailGarbage: Database<number, number>;
  readonly faceLabels: Database<number, FaceIdKey>;
  readonly externalKeys: Database<true, ExternalKeyKey>;
  readonly faceCounts: Database<FaceCounts, number>;
  /** See `generations.ts`. */
  readonly generations: Database<number, number>;
  readonly epochs: Database<string, [gallery: number, generation: number]>;
  readonly garbage: Database<true, number>;
  readonly history: Database<HistoryRecord, HistoryKey>;
  readonly audit: Database<StoredAuditRecord, number>;
  readonly auditByAccount: Database<true, AuditAccountKey>;
  readonly auditMarks: AuditMarks;
  /** Maps a gap's first sequence number to its last entry. */
  readonly auditGaps: Database<AuditMark, number>;
  readonly events: Database<EventRecord, EventKey>;
  readonly eventCounts: Database<number, EventOwner>;
  readonly eventsByFace: Database<EventOwner, EventFaceKey>;
  readonly eventNames: Database<string, [gallery: number, eventId: string]>;
  readonly eventCrops: Database<Buffer, [gallery: number, eventId: string]>;
  readonly eventCropQueue: Database<number, string>;
  readonly eventGarbage: Database<true, [gallery: number, target: string | number]>;
  readonly lastSeen: Database<number, FaceKey>;
  readonly proposals: Database<ProposalRecord, [gallery: number, findingId: string]>;
  readonly proposalsByTarget: Database<true, [gallery: number, target: string | number, findingId: string]>;
  readonly dismissals: Database<string, [gallery: number, target: string | number, id: string]>;
  readonly calls: Database<CallRecord, CallKey>;
  readonly callQueue: Database<true, [accountId: string, at: number, callerId: string, mac: string]>;
  readonly callSizes: Database<number, string>;
  readonly answers: Database<AnswerRecord, AnswerKey>;
  readonly answersByFace: Database<true, [gallery: number, name: string, ...CallKey]>;
  readonly answerGarbage: Database<true, [gallery: number, name: string]>;
  /** Must never leave the store. */
  readonly secrets: Database<Buffer, 'externalKeys' | 'idempotency'>;
}

export const SCHEMA_VERSION = 4;
export const OLDEST_SCHEMA = 1;

export const OPEN_OPTIONS = {
  // Otherwise a name with a dot means a file.
  noSubdir: false,
  maxDbs: 64,
  permissionsMode: 0o600,
} as const;

export function openDatabases(root: Pick<RootDatabase, 'openDB'>): Databases {
  return {
    meta: root.openDB('meta', {}),
    accounts: root.openDB('accounts', {}),
    apiKeys: root.openDB('apiKeys', {}),
    apiKeyIds: root.openDB('apiKeyIds', {}),
    apiKeysByAccount: root.openDB('apiKeysByAccount', {}),
    apiKeysByMember: root.openDB('apiKeysByMember', {}),
    apiKeyUses: root.openDB('apiKeyUses', {}),
    spends: root.openDB('spends', {}),
    balances: root.openDB('balances', {}),
    usage: root.openDB('usage', {}),
    usageHours: root.openDB('usageHours', {}),
    members: root.openDB('members', {}),
    memberEmails: root.openDB('memberEmails', {}),
    invitations: root.openDB('invitations', {}),
    sessions: root.openDB('sessions', {}),
    collections: root.openDB('collections', {}),
    faces: root.openDB('faces', {}),
    templates: root.openDB('templates', { encoding: 'binary' }),
    rowGalleries: root.openDB('rowGalleries', {}),
    rowGarbage: root.openDB('rowGarbage', {}),
    sightings: root.openDB('sightings', {}),
    unconverted: root.openDB('unconverted', {}),
    thumbnails: root.openDB('thumbnails', { encoding: 'binary' }),
    thumbnailGarbage: root.openDB('thumbnailGarbage', {}),
    faceLabels: root.openDB('faceLabels', {}),
    externalKeys: root.openDB('externalKeys', {}),
    faceCounts: root.openDB('faceCounts', {}),
    generations: root.openDB('generations', {}),
    epochs: root.openDB('writers', {}),
    garbage: root.openDB('garbage', {}),
    history: root.openDB('history', {}),
    audit: root.openDB('audit', {}),
    auditByAccount: root.openDB('auditByAccount', {}),
    auditMarks: root.openDB('auditMarks', {}) as AuditMarks,
    auditGaps: root.openDB('auditGaps', {}),
    events: root.openDB('events', {}),
    eventCounts: root.openDB('eventCounts', {}),
    eventsByFace: root.openDB('eventsByFace', {}),
    eventNames: root.openDB('eventNames', {}),
    eventCrops: root.openDB('eventCrops', { encoding: 'binary' }),
    eventCropQueue: root.openDB('eventCropQueue', {}),
    eventGarbage: root.openDB('eventGarbage', {}),
    lastSeen: root.openDB('lastSeen', {}),
    proposals: root.openDB('proposals', {}),
    proposalsByTarget: root.openDB('proposalsByTarget', {}),
    dismissals: root.openDB('dismissals', {}),
    calls: root.openDB('calls', {}),
    callQueue: root.openDB('callQueue', {}),
    callSizes: root.openDB('callSizes', {}),
    answers: root.openDB('answers', {}),
    answersByFace: root.openDB('answersByFace', {}),
    answerGarbage: root.openDB('answerGarbage', {}),
    secrets: root.openDB('secrets', { encoding: 'binary' }),
  };
}

export interface StoreContext {
  readonly db: Databases;
  readonly epochId: string;
  /** NaN during a transaction, so it equals nothing. */
  version(): number;
  /**
   * Atomic.
   * @throws errors of `action`; `STORAGE_READ_ONLY` if the disk fails; `NOT_READY` during shutdown.
   */
  write<T>(action: () => T): Promise<T>;
  /** Queued transactions share one turn of the event loop. */
  writeStep<T>(action: () => T): Promise<T>;
  collectGarbage(): void;
  /** Call inside a transaction; notifies lists after the commit. */
  personChanged(gallery: number, externalKey: string): void;
  forgetPeople(gallery: number): void;
}

export function writeAs<T>({ write }: StoreContext, { confirm }: Actor, action: () => T): Promise<T> {
  return write(() => {
    confirm?.();
    return action();
  });
}

export function allocateNumber(db: Databases, counter: 'nextGallery' | 'nextLabel'): number {
  const value = db.meta.get(counter) ?? 1;
  db.meta.put(counter, value + 1);
  return value;
}

export function storageError(error: unknown): unknown {
  if (error instanceof VisageError || !(error instanceof Error)) return error;
  const { commitError, code } = error as { commitError?: Promise<never>; code?: unknown };
  // Unhandled, the binding's second rejection would end the process.
  commitError?.catch(() => {});
  if (commitError === undefined && typeof code !== 'number') return error;
  const refused = new VisageError(
    'STORAGE_READ_ONLY',
    'The store could not write to its disk. Nothing was changed.',
  );
  refused.cause = error;
  return refused;
}
