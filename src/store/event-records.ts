import type { Environment } from '../api/caller.ts';
import type { Box } from '../native/pipeline-options.ts';
import type { QualityRecord } from './records.ts';

export const EVENT_TYPES = [
  'search',
  'identify',
  'verify',
  'recognize',
  'liveness',
  'enroll',
  'index',
  'delete',
  'assign',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export const EVENT_RESULTS = [
  'match',
  'no_match',
  'no_face',
  'added',
  'refused',
  'deleted',
  'live',
  'not_live',
  'assigned',
] as const;
export type EventResult = (typeof EVENT_RESULTS)[number];

/** Holds no face id and no external key: readers look both up by the label, so they disappear with the face. */
export interface EventRecord {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly type: EventType;
  readonly result: EventResult;
  /** `operationId` of the call. */
  readonly operation: string;
  readonly callerKind: 'key' | 'member';
  readonly callerId: string;
  readonly collectionId?: string;
  /** Absent without a collection, and after the face's deletion. */
  readonly gallery?: number;
  /** Absent without a face of the gallery, and after the face's deletion. */
  readonly label?: number;
  /** 0..100. */
  readonly similarity?: number;
  readonly threshold?: number;
  readonly quality?: QualityRecord;
  /** Code of the refusal. */
  readonly refusal?: string;
  /** Camera label. */
  readonly source?: string;
  readonly box?: Box;
  /** `eventNames` has the external key of a call that found no face. */
  readonly hasName?: true;
  /** The event had a crop; `eventCrops` may have dropped it. */
  readonly hasCrop?: true;
}

export interface NewEventRecord {
  readonly id: string;
  readonly accountId: string;
  readonly environment: Environment;
  readonly record: EventRecord;
  /** External key that the call named, if no face has it; null otherwise. */
  readonly externalKey: string | null;
  /** JPEG. */
  readonly crop: Buffer | null;
}

/** An event as readers see it now. */
export interface EventView {
  readonly id: string;
  readonly at: number;
  readonly type: EventType;
  readonly result: EventResult;
  readonly operation: string;
  readonly collectionId: string | null;
  /** Null if the caller no longer exists, or has no name. */
  readonly caller: { readonly kind: 'key' | 'member'; readonly id: string; readonly name: string | null };
  readonly faceId: string | null;
  readonly externalKey: string | null;
  readonly similarity: number | null;
  readonly threshold: number | null;
  readonly quality: number | null;
  readonly qualityReasons: readonly string[];
  readonly refusal: string | null;
  readonly source: string | null;
  readonly box: Box | null;
  readonly hasCrop: boolean;
}
