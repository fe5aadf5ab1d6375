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

export const REVIEW_STATES = ['confirmed', 'corrected'] as const;
export type ReviewState = (typeof REVIEW_STATES)[number];

export interface EventReview {
  readonly state: ReviewState;
  readonly at: number;
  readonly memberId: string;
}

/** Holds no face id or external key, so both disappear with the face. */
export interface EventRecord {
  readonly at: number;
  readonly type: EventType;
  readonly result: EventResult;
  readonly operation: string;
  readonly callerKind: 'key' | 'member';
  readonly callerId: string;
  readonly collectionId?: string;
  /** Absent without a collection, and after the face's deletion. */
  readonly gallery?: number;
  /** Absent without a face, and after its deletion. */
  readonly label?: number;
  readonly similarity?: number;
  readonly threshold?: number;
  readonly quality?: QualityRecord;
  readonly refusal?: string;
  readonly source?: string;
  readonly box?: Box;
  readonly hasName?: true;
  /** `eventCrops` may have dropped it. */
  readonly hasCrop?: true;
  /** Absent without a review, and after the face's deletion. */
  readonly review?: EventReview;
}

export interface NewEventRecord {
  readonly id: string;
  readonly accountId: string;
  readonly environment: Environment;
  readonly record: EventRecord;
  readonly externalKey: string | null;
  readonly crop: Buffer | null;
}

export interface EventView {
  readonly id: string;
  readonly at: number;
  readonly type: EventType;
  readonly result: EventResult;
  readonly operation: string;
  readonly collectionId: string | null;
  /** Null if the caller is gone or unnamed. */
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
  readonly review: EventReview | null;
}
