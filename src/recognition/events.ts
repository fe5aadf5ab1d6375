import type { Caller } from '../api/caller.ts';
import { decodeCursor, encodeCursor } from '../api/paging.ts';
import { mapInTurns } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import { answerOf } from '../events/event-answer.ts';
import type { EventView, ReviewState } from '../store/event-records.ts';
import { type EventFilter, matches } from '../store/events.ts';
import { collectionOf } from './collection-access.ts';
import { mayUse } from './model-choice.ts';
import type { RecognitionParts } from './requests.ts';

const EVENT_ID = /^evt_[0-9A-HJKMNP-TV-Z]{26}$/;

/** Limits a call to some milliseconds. */
const MAX_SCAN = 2_000;

type Filter = Omit<EventFilter, 'isVisible'>;

/** All methods throw `COLLECTION_NOT_FOUND`, `COLLECTION_NOT_ALLOWED`, `MODEL_NOT_ALLOWED`. */
export class EventService {
  readonly #parts: RecognitionParts;

  constructor(parts: RecognitionParts) {
    this.#parts = parts;
  }

  /** Newest first. @throws `VALIDATION_FAILED`. */
  async list(caller: Caller, filter: Filter, cursor: string | undefined, limit: number) {
    const { store } = this.#parts;
    const from = decodeCursor(cursor, EVENT_ID);
    const bounds = { from, limit, scan: MAX_SCAN };
    const { events, next } = await store.events.page(caller, this.#visible(caller, filter), bounds);
    const answers = await mapInTurns(events, answerOf);
    return { events: answers, nextCursor: next === null ? null : encodeCursor(next) };
  }

  /** JPEG. @throws `NOT_FOUND`, also if the caller may not see the event. */
  crop(caller: Caller, eventId: string): Buffer {
    const { events } = this.#parts.store;
    const event = events.get(caller, eventId);
    const isVisible = event !== null && matches(event, this.#visible(caller, {}));
    const jpeg = isVisible ? events.crop(caller, eventId) : null;
    if (jpeg) return jpeg;
    throw new VisageError(
      'NOT_FOUND',
      'There is no image of an event of this id. Collections with storeThumbnails keep one for their eventCropDays.',
    );
  }

  /** Null removes the review. @throws `NOT_FOUND`. */
  async review(caller: Caller, eventId: string, state: ReviewState | null) {
    const { store, now } = this.#parts;
    const review = state && { state, at: now(), memberId: caller.member?.id ?? '' };
    const view = await store.events.review(caller, eventId, review);
    this.#parts.eventStreams.reviewed(caller, eventId);
    return answerOf(view);
  }

  /** @throws as `EventStreams.begin`. */
  stream(caller: Caller, filter: Filter, lastEventId: string | undefined, reauthorize: () => void) {
    const visible = this.#visible(caller, filter);
    return this.#parts.eventStreams.begin({ owner: caller, filter: visible, lastEventId, reauthorize });
  }

  recording({ accountId }: Caller) {
    return this.#parts.events.recordingOf(accountId);
  }

  async setRecording({ accountId, confirm }: Caller, enabled: boolean) {
    await this.#parts.events.setRecording(accountId, enabled, confirm);
    return this.#parts.events.recordingOf(accountId);
  }

  #visible(caller: Caller, filter: Filter): EventFilter {
    const { store } = this.#parts;
    if (filter.collectionId !== undefined) collectionOf(store, caller, filter.collectionId);
    const { collectionId, allowedExternalKeys, allowedModels } = caller;
    const isOfModel = (id: string | null) => {
      const pack = id === null ? undefined : store.collections.get(caller, id)?.pack;
      return pack !== undefined && mayUse(caller, pack);
    };
    const isVisible = (event: EventView) =>
      (collectionId === null || event.collectionId === collectionId) &&
      (allowedExternalKeys === null ||
        (event.externalKey !== null && allowedExternalKeys.includes(event.externalKey))) &&
      (allowedModels === null || isOfModel(event.collectionId));
    return { ...filter, isVisible };
  }
}
