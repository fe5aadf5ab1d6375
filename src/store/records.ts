/**
 * In `store`, times are milliseconds since 1970, money is whole micro-dollars, sizes are bytes, quality and
 * similarity are 0..100, crops are JPEGs. Old records lack optional fields.
 */

import { randomBytes } from 'node:crypto';
import type { Environment } from '../api/caller.ts';
import type { Role } from '../api/roles.ts';
import type { Durations } from '../base/durations.ts';

export interface AccountRecord {
  readonly name: string;
  readonly createdAt: number;
  /** Absent: calls leave events. */
  readonly recordsNoEvents?: true;
}

export interface Account extends AccountRecord {
  readonly accountId: string;
}

export interface ApiKeySettings {
  readonly name: string;
  /** Null: all. */
  readonly collectionId: string | null;
  readonly scopes: readonly string[];
  /** Per minute; null: the plan's limit. */
  readonly rateLimit: number | null;
  /** IP addresses and CIDR ranges; empty: any. */
  readonly allowedIps: readonly string[];
  /** Null: every face. */
  readonly allowedExternalKeys: readonly string[] | null;
  /** Model packs; null: all. */
  readonly allowedModels: readonly string[] | null;
  /** Null: no limit. */
  readonly budget: number | null;
  readonly expiresAt: number | null;
  readonly frozen: boolean;
}

export interface ApiKeyRecord extends ApiKeySettings {
  readonly id: string;
  readonly accountId: string;
  /** Null for an operator's key. */
  readonly memberId: string | null;
  readonly prefix: string;
  readonly environment: Environment;
  readonly generation: number;
  readonly createdAt: number;
}

/** One day or hour (UTC), key and operation. */
export interface UsageRecord {
  readonly calls: number;
  readonly failures?: number;
  readonly latency?: Durations;
  readonly charged: number;
  readonly environment?: Environment;
}

/** The appliance in one time step. */
export interface HistoryRecord {
  readonly requests: number;
  readonly errors: number;
  readonly refusals: number;
  readonly matches: number;
  readonly noMatches: number;
  readonly latency: Durations;
  readonly stages: Readonly<Record<string, { readonly count: number; readonly sum: number }>>;
  readonly queueLength: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** Visage never compares templates of different packs. */
export interface PackId {
  readonly pack: string;
  readonly packVersion: string;
}

export interface CollectionRecord extends PackId {
  readonly gallery: number;
  readonly description: string | null;
  readonly minQuality?: number;
  readonly storeThumbnails?: boolean;
  /** Null: the default of calls. */
  readonly faceMatchThreshold?: number | null;
  /** Instead of a threshold: of searches, and of comparisons with one target. */
  readonly maxFalsePositiveRate?: number | null;
  readonly maxFalseMatchRate?: number | null;
  /** Of crops of events; absent or null: the appliance's. */
  readonly eventCropDays?: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface Collection extends CollectionRecord {
  readonly collectionId: string;
}

/** `moved`: rows of the former version, kept until the operator finishes. */
export type MigrationState = 'moving' | 'paused' | 'moved';

export interface SecondRows extends PackId {
  readonly gallery: number;
  readonly state: MigrationState;
  /** Whether searches may add rows. */
  readonly sightings: boolean;
  readonly faces: number;
  readonly startedAt: number;
}

export interface RowGalleries {
  /** Row gallery that answers calls. */
  readonly current: number;
  readonly second?: SecondRows;
}

/** A row of `SecondRows` from a call's image. */
export interface SightingRecord {
  /** Embedding of the first image, until a second confirms it. */
  readonly template?: Buffer;
  readonly at: number;
  /** API key or member of the first call, and of the confirming one. */
  readonly by: readonly string[];
}

export interface QualityRecord {
  readonly score: number;
  readonly reasons: readonly string[];
}

export interface FaceRecord extends PackId {
  readonly faceId: string;
  /** Pixels of the upright image. */
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Detector's score, 0..1. */
  readonly confidence: number;
  readonly quality?: QualityRecord;
  /** Never matches another doubtful face. */
  readonly isDoubtful?: boolean;
  readonly createdAt: number;
  readonly externalKey: string | null;
}

export interface FaceCounts {
  readonly faces: number;
  readonly named: number;
  readonly people: number;
}

export interface NewFace extends Omit<FaceRecord, 'faceId' | 'externalKey'> {
  /** The store drops it unless the collection keeps crops. */
  readonly thumbnail?: Buffer | null;
}

export interface NewExternalKey {
  readonly externalKey: string;
  readonly allowDuplicates: boolean;
}

/** Labels increase; the store never reuses one. */
export interface FacePlace {
  readonly gallery: number;
  readonly label: number;
}

/** Rows, or templates of an older store, one after another. */
export interface RowBatch {
  readonly labels: BigInt64Array;
  readonly rows: Uint8Array;
}

export interface KeyedLabels {
  readonly externalKey: string;
  readonly labels: readonly number[];
}

export interface Move {
  readonly label: number;
  readonly from: string | null;
  readonly to: string | null;
}

export interface SetAside {
  readonly label: number;
  readonly face: FaceRecord;
  readonly rows: readonly (PackId & { readonly row: Uint8Array })[];
  readonly thumbnail: Buffer | null;
  readonly lastSeen: number | null;
}

/** An applied proposal of an examination. */
export interface ProposalRecord {
  readonly kind: string;
  readonly appliedAt: number;
  readonly moves: readonly Move[];
  readonly removed: readonly SetAside[];
  readonly keys: readonly KeyedLabels[];
}

/** No password: a pending invitation. */
export interface MemberRecord {
  /** Lower case; unique in the account. */
  readonly email: string;
  readonly name: string | null;
  readonly username: string | null;
  readonly role: Role;
  /** PHC string of Argon2id. */
  readonly passwordHash: string | null;
  /** Null after registration. */
  readonly invitation: InvitationRecord | null;
  readonly createdAt: number;
}

export interface InvitationRecord {
  readonly hash: string;
  readonly expiresAt: number;
  readonly by?: string;
}

export interface Member extends MemberRecord {
  readonly accountId: string;
  readonly memberId: string;
}

export type ActiveMemberRecord = MemberRecord & { readonly passwordHash: string; readonly invitation: null };

/** A browser's cookie session, or a program's refresh tokens. */
export interface SessionRecord {
  readonly accountId: string;
  readonly kind: 'cookie' | 'token';
  /** SHA-256 of the newest cookie or refresh token. */
  readonly secretHash: string;
  /** Tags refresh tokens; absent in cookie sessions and those of releases before 0.4. */
  readonly tagKey?: string;
  /** Other valid refresh tokens, newest first: a repeated token gets several successors. */
  readonly siblings?: readonly string[];
  readonly used?: readonly { readonly hash: string; readonly at: number }[];
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Last use of a cookie session; absent: `createdAt`. */
  readonly usedAt?: number;
  /** Last confirmation of the password; absent: `createdAt`. */
  readonly confirmedAt?: number;
}

/** Crockford's base32. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function base32(value: bigint, length: number): string {
  let text = '';
  for (let rest = value, i = 0; i < length; i++, rest >>= 5n) text = ALPHABET[Number(rest & 31n)] + text;
  return text;
}

type Prefix = 'face_' | 'key_' | 'acc_' | 'mem_' | 'ses_' | 'evt_' | 'fnd_';

/** A ULID. */
export function newIdentifier(prefix: Prefix, time: number): string {
  return prefix + base32(BigInt(time), 10) + base32(randomBits(), 16);
}

/** Sorts before every id of this or a later time. */
export function firstIdentifierAt(prefix: Prefix, time: number): string {
  return prefix + base32(BigInt(Math.min(Math.max(Math.ceil(time), 0), 2 ** 48 - 1)), 10);
}

function randomBits(): bigint {
  return BigInt(`0x${randomBytes(10).toString('hex')}`);
}

const HALF = 1n << 79n;

/** Each id exceeds the previous one, even if the clock is set back. */
export class OrderedIdentifiers {
  readonly #prefix: Prefix;
  #time = 0;
  #random = 0n;

  constructor(prefix: Prefix) {
    this.#prefix = prefix;
  }

  next(time: number): string {
    if (time > this.#time) {
      this.#time = time;
      this.#random = randomBits() % HALF;
    } else this.#random++;
    return this.#prefix + base32(BigInt(this.#time), 10) + base32(this.#random, 16);
  }
}
