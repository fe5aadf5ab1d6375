/**
 * What the store keeps, one interface a database. Times are milliseconds since 1970.
 */

/** `live` keys see only live collections, `test` keys only test collections. */
export type Environment = 'live' | 'test';

/** Whose collections: nothing crosses from one owner to another. */
export interface Owner {
  readonly accountId: string;
  readonly environment: Environment;
}

/** Somebody who changes what an owner has, perhaps with limits of their own. */
export interface Writer extends Owner {
  /**
   * Called inside each transaction before anything is written: throws to change nothing, such as for an API key that
   * has been revoked meanwhile.
   */
  readonly confirm?: () => void;
  /** External keys of the only faces that may be changed; every face may where it is null or absent. */
  readonly allowedExternalKeys?: readonly string[] | null;
}

export interface AccountRecord {
  readonly name: string;
  readonly createdAt: number;
}

export interface Account extends AccountRecord {
  readonly accountId: string;
}

/** What may be changed of an API key. */
export interface ApiKeySettings {
  readonly name: string;
  /** The only collection that the key may use; null for all of the account's. */
  readonly collectionId: string | null;
  readonly scopes: readonly string[];
  /** Requests a minute; null for the plan's limit. */
  readonly rateLimit: number | null;
  /** Addresses and networks from which the key may be used; empty for everywhere. */
  readonly allowedIps: readonly string[];
  /** External keys of the only faces that the key may use; null for every face. */
  readonly allowedExternalKeys: readonly string[] | null;
  /** The only model packs that the key may use; null for every one. */
  readonly allowedModels: readonly string[] | null;
  /** Most that the key may spend, micro-dollars; null for no limit. */
  readonly budget: number | null;
  readonly expiresAt: number | null;
  readonly frozen: boolean;
}

export interface ApiKeyRecord extends ApiKeySettings {
  readonly id: string;
  readonly accountId: string;
  /** Whose key it is; null for a key that the operator made. */
  readonly memberId: string | null;
  /** The key's first characters, for people to tell keys apart. */
  readonly prefix: string;
  readonly environment: Environment;
  /** Raised whenever the key gets a new value. */
  readonly generation: number;
  readonly createdAt: number;
}

/** Calls of one day (UTC), key and operation. */
export interface UsageRecord {
  readonly calls: number;
  /** Micro-dollars. */
  readonly charged: number;
}

/** Which model pack made a template; templates of two packs are never compared. */
export interface PackId {
  readonly pack: string;
  readonly packVersion: string;
}

export interface CollectionRecord extends PackId {
  /** The number under which the collection's faces are kept; a new one after each reset, never used twice. */
  readonly gallery: number;
  readonly description: string | null;
  /** Least quality, 0..100, of a face that is indexed; collections made before there was one have none, which is 0. */
  readonly minQuality?: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface Collection extends CollectionRecord {
  readonly collectionId: string;
}

/** How fit a face was for recognition: `score` 0..100, and what lowered it. */
export interface QualityRecord {
  readonly score: number;
  readonly reasons: readonly string[];
}

export interface FaceRecord extends PackId {
  readonly faceId: string;
  /** Whole pixels of the upright picture that the face was indexed from. */
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Detector's score, 0..1. */
  readonly confidence: number;
  /** Faces indexed before it was measured have none. */
  readonly quality?: QualityRecord;
  readonly createdAt: number;
  readonly externalKey: string | null;
}

/** What a face is made of when it is indexed. */
export type NewFace = Omit<FaceRecord, 'faceId' | 'externalKey'>;

/** An external key that a face gets as it is indexed. */
export interface NewExternalKey {
  readonly externalKey: string;
  /** Whether other faces may have the key already. */
  readonly allowDuplicates: boolean;
}

/** Where a face is: its gallery and its label, the number that grows with every face and is never used twice. */
export interface FacePlace {
  readonly gallery: number;
  readonly label: number;
}

/** Templates of one gallery, as many rows in `vectors` as there are labels. */
export interface TemplateBatch {
  readonly labels: BigInt64Array;
  readonly vectors: Float32Array;
}
