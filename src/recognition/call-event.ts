import type { Caller } from '../api/caller.ts';
import { type ErrorCode, VisageError } from '../errors.ts';
import type { RecognitionEvent } from '../events/recorder.ts';
import { compared } from '../ops/match-counts.ts';
import type { Collection } from '../store/records.ts';
import type { Probe } from './face-analysis.ts';
import type { Matches } from './gallery-search.ts';
import type { RecognitionParts } from './requests.ts';

/** The image or the face is at fault, not the request. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_IMAGE',
  'IMAGE_TOO_LARGE',
  'UNSUPPORTED_IMAGE',
  'EXTERNAL_KEY_CONFLICT',
  'FACE_NOT_ALLOWED',
]);

type CallFacts = Pick<RecognitionEvent, 'type' | 'operation' | 'externalKey' | 'threshold' | 'source'> & {
  /** Null for a call without a collection. */
  readonly collection: Collection | null;
};

type Outcome = Partial<RecognitionEvent> & Pick<RecognitionEvent, 'result'>;

export class CallEvent {
  readonly #events: RecognitionParts['events'];
  readonly #caller: Caller;
  readonly #facts: CallFacts;
  #seen: Partial<RecognitionEvent> = {};

  constructor(events: RecognitionParts['events'], caller: Caller, facts: CallFacts) {
    this.#events = events;
    this.#caller = caller;
    this.#facts = facts;
  }

  see({ face, quality, crop }: Probe): void {
    this.#seen = { box: face.boundingBox, quality, crop };
  }

  end(outcome: Outcome): void {
    const { collection, ...facts } = this.#facts;
    const place = collection && { collectionId: collection.collectionId, gallery: collection.gallery };
    // `search-or-index` without a match ends as type `index`.
    if (outcome.result === 'match') compared(true);
    else if (outcome.result === 'no_match' || outcome.type === 'index') compared(false);
    this.#events.record(this.#caller, { ...facts, ...place, ...this.#seen, ...outcome });
  }

  endSearch({ matches: [match], threshold }: Matches): void {
    if (match) this.end({ result: 'match', label: match.label, similarity: match.similarity, threshold });
    else this.end({ result: 'no_match', threshold });
  }
}

export function keepsCrop(
  { events }: Pick<RecognitionParts, 'events'>,
  collection: Collection | null,
): boolean {
  return collection?.storeThumbnails === true && collection.eventCropDays !== 0 && events.keepsCrops;
}

export async function recorded<T>(
  { events }: Pick<RecognitionParts, 'events'>,
  caller: Caller,
  facts: CallFacts,
  call: (event: CallEvent) => Promise<T>,
): Promise<T> {
  const event = new CallEvent(events, caller, facts);
  try {
    return await call(event);
  } catch (error) {
    if (error instanceof VisageError && REFUSALS.has(error.code)) {
      event.end({ result: 'refused', refusal: error.code });
    }
    throw error;
  }
}
