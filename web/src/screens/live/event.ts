import type { components } from '../../api/schema.d.ts';

export const EVENT_TYPES = [
  'search',
  'identify',
  'verify',
  'recognize',
  'liveness',
  'enroll',
  'index',
  'assign',
  'delete',
] as const satisfies readonly FaceEvent['type'][];
export type EventType = FaceEvent['type'];

export const EVENT_RESULTS = [
  'match',
  'no_match',
  'no_face',
  'refused',
  'added',
  'assigned',
  'deleted',
  'live',
  'not_live',
] as const satisfies readonly FaceEvent['result'][];
export type EventResult = FaceEvent['result'];

export type FaceEvent = components['schemas']['Event'];

export const REVIEWS = ['none', 'confirmed', 'corrected'] as const;
export type ReviewState = NonNullable<FaceEvent['review']>['state'];

export interface EventFilter {
  readonly collectionId?: string;
  readonly type?: EventType;
  readonly result?: EventResult;
  readonly externalKey?: string;
  readonly source?: string;
  readonly review?: (typeof REVIEWS)[number];
  readonly since?: string;
  readonly until?: string;
}

export type EventPage = components['schemas']['EventPage'];
