import type { Actor, Owner } from '../api/caller.ts';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import { type EventKey, type EventOwner, type StoreContext, writeAs } from './databases.ts';
import { type EventTarget, NO_FACE } from './event-erasure.ts';
import { eraseUnrecorded, recordsEvents, setRecording } from './event-recording.ts';
import type {
  EventRecord,
  EventResult,
  EventReview,
  EventType,
  EventView,
  NewEventRecord,
  ReviewState,
} from './event-records.ts';
import { type EventLimits, entriesOf, trimEvents } from './event-retention.ts';
import { labelsOfKey } from './key-steps.ts';
import { RecordCache } from './record-cache.ts';
import { type AccountRecord, type CollectionRecord, firstIdentifierAt } from './records.ts';
import { Thumbnails } from './thumbnails.ts';

const PAGE = 128;
const FACE_PAGE = 32;
const MAX_FACES = 64;

const AFTER_IDS = '\uffff';

/** All conditions must hold. */
export interface EventFilter {
  readonly collectionId?: string | undefined;
  readonly type?: EventType | undefined;
  readonly result?: EventResult | undefined;
  readonly externalKey?: string | undefined;
  readonly faceId?: string | undefined;
  readonly source?: string | undefined;
  readonly review?: ReviewState | 'none' | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly isVisible?: ((event: EventView) => boolean) | undefined;
}

export interface EventPage {
  readonly events: readonly EventView[];
  /** The next page's `from`; null at the end. */
  readonly next: string | null;
  /** The last event read, even if filtered out. */
  readonly last: string | null;
}

interface PageBounds {
  /** Exclusive event id; null: from the end or beginning. */
  readonly from: string | null;
  readonly limit: number;
  /** Most events to read. A page cut short still has `next`. */
  readonly scan: number;
}

export class EventLog {
  readonly #context: StoreContext;
  readonly #thumbnails: Thumbnails;
  readonly #accounts: RecordCache<AccountRecord, string>;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#thumbnails = new Thumbnails(context);
    this.#accounts = new RecordCache(context, context.db.accounts);
  }

  get version(): number {
    return this.#context.version();
  }

  get count(): number {
    return entriesOf(this.#context.db.events);
  }

  get crops(): number {
    return entriesOf(this.#context.db.eventCrops);
  }

  isRecorded(accountId: string): boolean {
    return this.#accounts.get(accountId)?.recordsNoEvents !== true;
  }

  /**
   * `trim` erases the events of an account that records none.
   * @throws `ACCOUNT_NOT_FOUND`.
   */
  setRecorded(accountId: string, isOn: boolean, check: () => void = () => {}): Promise<void> {
    const { db, write } = this.#context;
    return write(() => {
      check();
      setRecording(db, accountId, isOn);
    });
  }

  append(events: readonly NewEventRecord[]): Promise<void> {
    const { db, write } = this.#context;
    return write(() => {
      const counts = new Map<string, { readonly owner: EventOwner; count: number }>();
      const collections = new Map<string, CollectionRecord | undefined>();
      const accounts = new Map<string, boolean>();
      for (const event of events) {
        const { accountId, environment, record } = event;
        if (!accounts.has(accountId)) accounts.set(accountId, recordsEvents(db, accountId));
        if (!accounts.get(accountId)) continue;
        const name = `${accountId}/${environment}`;
        const own = counts.get(name) ?? { owner: [accountId, environment], count: 0 };
        own.count++;
        counts.set(name, own);
        const place = `${name}/${record.collectionId}`;
        if (record.collectionId !== undefined && !collections.has(place)) {
          collections.set(place, db.collections.get([accountId, environment, record.collectionId]));
        }
        this.#put(event, collections.get(place));
      }
      for (const { owner, count } of counts.values()) {
        db.eventCounts.put(owner, (db.eventCounts.get(owner) ?? 0) + count);
      }
    });
  }

  #put(
    { id, accountId, environment, record, externalKey, ...event }: NewEventRecord,
    collection: CollectionRecord | undefined,
  ): void {
    const { db } = this.#context;
    const crop = collection?.storeThumbnails && collection.eventCropDays !== 0 ? event.crop : null;
    const { gallery, label, ...rest } = record;
    const place: EventKey = [accountId, environment, id];
    const isCurrent = gallery !== undefined && gallery === collection?.gallery;
    const isThere = isCurrent && label !== undefined && db.faces.doesExist([gallery, label]);
    // An event keeps nothing about a face that is gone.
    if (!isCurrent || (label !== undefined && !isThere)) {
      db.events.put(place, rest);
      return;
    }
    const name = isThere ? null : externalKey;
    const target: EventTarget | null = label ?? name ?? (crop ? NO_FACE : null);
    if (target !== null) db.eventsByFace.put([gallery, target, id], [accountId, environment]);
    if (name !== null) db.eventNames.put([gallery, id], name);
    if (crop) {
      db.eventCrops.put([gallery, id], crop);
      db.eventCropQueue.put(id, gallery);
    }
    db.events.put(place, {
      ...record,
      ...(name === null ? {} : { hasName: true }),
      ...(crop ? { hasCrop: true } : {}),
    });
    if (isThere && record.result === 'match') this.#see(gallery, label, record.at);
  }

  #see(gallery: number, label: number, at: number): void {
    const { faces, lastSeen } = this.#context.db;
    if (at <= (lastSeen.get([gallery, label]) ?? 0)) return;
    lastSeen.put([gallery, label], at);
    const externalKey = faces.get([gallery, label])?.externalKey;
    if (externalKey) this.#context.personChanged(gallery, externalKey);
  }

  /** Up to a second late. */
  lastSeenOf(gallery: number, label: number): number | null {
    return this.#context.db.lastSeen.get([gallery, label]) ?? null;
  }

  get(owner: Owner, id: string): EventView | null {
    const record = this.#context.db.events.get([owner.accountId, owner.environment, id]);
    return record ? this.#view(id, record) : null;
  }

  /**
   * Null removes the review.
   * @throws `NOT_FOUND`.
   */
  review(owner: Actor, id: string, review: EventReview | null): Promise<EventView> {
    const { events } = this.#context.db;
    const place: EventKey = [owner.accountId, owner.environment, id];
    return writeAs(this.#context, owner, () => {
      const record = events.get(place);
      if (!record) throw new VisageError('NOT_FOUND', 'There is no event of this id.');
      const { review: _, ...rest } = record;
      const changed = review ? { ...rest, review } : rest;
      events.put(place, changed);
      return this.#view(id, changed);
    });
  }

  has({ accountId, environment }: Owner, id: string): boolean {
    return this.#context.db.events.doesExist([accountId, environment, id]);
  }

  newestId({ accountId, environment }: Owner): string | null {
    const range = {
      start: [accountId, environment, AFTER_IDS],
      end: [accountId, environment, ''],
      reverse: true,
      limit: 1,
    };
    for (const [, , id] of this.#context.db.events.getKeys(range as never)) return id;
    return null;
  }

  crop(owner: Owner, id: string): Buffer | null {
    const { db } = this.#context;
    const record = db.events.get([owner.accountId, owner.environment, id]);
    if (record?.gallery === undefined || !this.#view(id, record).hasCrop) return null;
    const { gallery, label } = record;
    if (record.result === 'added' && label !== undefined) return this.#thumbnails.get({ gallery, label });
    return db.eventCrops.get([gallery, id]) ?? null;
  }

  #view(id: string, record: EventRecord): EventView {
    const { db } = this.#context;
    const { gallery, label, quality, box } = record;
    const isKept = gallery !== undefined && !db.garbage.doesExist(gallery);
    const face = isKept && label !== undefined ? db.faces.get([gallery, label]) : undefined;
    const name = isKept && record.hasName ? db.eventNames.get([gallery, id]) : undefined;
    const isErased = name !== undefined && db.eventGarbage.doesExist([gallery as number, name]);
    const isWhole = isKept && !isErased && (label === undefined || face !== undefined);
    return {
      id,
      at: record.at,
      type: record.type,
      result: record.result,
      operation: record.operation,
      collectionId: record.collectionId ?? null,
      caller: { kind: record.callerKind, id: record.callerId, name: this.#nameOf(record) },
      faceId: face?.faceId ?? null,
      externalKey: face ? face.externalKey : isErased ? null : (name ?? null),
      similarity: record.similarity ?? null,
      threshold: record.threshold ?? null,
      quality: quality?.score ?? null,
      qualityReasons: quality?.reasons ?? [],
      refusal: record.refusal ?? null,
      source: record.source ?? null,
      box: box ?? null,
      hasCrop: isWhole && this.#hasCrop(gallery, id, record),
      review: (isWhole || gallery === undefined) && record.review ? record.review : null,
    };
  }

  /** The event of an added face shows the face's crop. */
  #hasCrop(gallery: number, id: string, { label, result, hasCrop }: EventRecord): boolean {
    if (result === 'added') return label !== undefined && this.#thumbnails.has({ gallery, label });
    const { eventCrops } = this.#context.db;
    return hasCrop === true && eventCrops.doesExist([gallery, id]) && !this.#thumbnails.isErasing(gallery);
  }

  #nameOf({ callerKind, callerId }: EventRecord): string | null {
    if (callerKind === 'member') return null;
    const { apiKeyIds, apiKeys } = this.#context.db;
    return apiKeys.get(apiKeyIds.get(callerId) ?? '')?.name ?? null;
  }

  /** Newest first. */
  page(owner: Owner, filter: EventFilter, bounds: PageBounds): Promise<EventPage> {
    return this.#read(owner, filter, bounds, true);
  }

  /** Oldest first. */
  pageAfter(owner: Owner, filter: EventFilter, bounds: PageBounds): Promise<EventPage> {
    return this.#read(owner, filter, bounds, false);
  }

  async #read(
    owner: Owner,
    filter: EventFilter,
    { from, limit, scan }: PageBounds,
    isReverse: boolean,
  ): Promise<EventPage> {
    const turn = new Turn();
    const events: EventView[] = [];
    let seen = 0;
    let last: string | null = null;
    for (;;) {
      const { entries, isLast } = this.#entries(owner, filter, last ?? from, isReverse);
      for (const { key, value } of entries) {
        if (events.length === limit || seen === scan) return { events, next: last, last };
        seen++;
        last = key[2];
        const event = this.#view(last, value);
        if (matches(event, filter)) events.push(event);
        if (turn.isOver) await turn.next();
      }
      if (isLast) return { events, next: null, last };
    }
  }

  #entries(owner: Owner, filter: EventFilter, last: string | null, isReverse: boolean): Entries {
    const { events, eventsByFace } = this.#context.db;
    const place: EventOwner = [owner.accountId, owner.environment];
    const range = rangeOf(filter, last, isReverse);
    const listed = this.#targetsOf(place, filter);
    if (listed === null) {
      const entries = Array.from(events.getRange(range(place, PAGE) as never));
      return { entries: entries as Entries['entries'], isLast: entries.length < PAGE };
    }
    const ids = listed.targets.flatMap((target) =>
      Array.from(eventsByFace.getKeys(range([listed.gallery, target], FACE_PAGE) as never), ([, , id]) => id),
    );
    ids.sort((a, b) => (a < b ? -1 : 1));
    if (isReverse) ids.reverse();
    const entries = ids.slice(0, FACE_PAGE).flatMap((id) => {
      const value = events.get([...place, id]);
      return value ? [{ key: [...place, id] as EventKey, value }] : [];
    });
    return { entries, isLast: ids.length < FACE_PAGE || entries.length === 0 };
  }

  /** A person's faces and names; null if only a scan finds them. */
  #targetsOf(
    [accountId, environment]: EventOwner,
    { collectionId, externalKey, faceId }: EventFilter,
  ): { readonly gallery: number; readonly targets: readonly EventTarget[] } | null {
    const { db } = this.#context;
    if (collectionId === undefined || (externalKey === undefined && faceId === undefined)) return null;
    const gallery = db.collections.get([accountId, environment, collectionId])?.gallery;
    if (gallery === undefined) return null;
    if (faceId !== undefined) {
      const label = db.faceLabels.get([gallery, faceId]);
      return { gallery, targets: label === undefined ? [] : [label] };
    }
    const labels = labelsOfKey(db, gallery, externalKey ?? '', 0, MAX_FACES + 1);
    return labels.length > MAX_FACES ? null : { gallery, targets: [...labels, externalKey ?? ''] };
  }

  async trim(limits: EventLimits): Promise<void> {
    const isOn = limits.since < Number.POSITIVE_INFINITY;
    const isRecorded = (accountId: string) => isOn && this.isRecorded(accountId);
    await eraseUnrecorded(this.#context, isRecorded, limits.isStopped ?? (() => false));
    await trimEvents(this.#context, limits);
  }
}

interface Entries {
  readonly entries: readonly { readonly key: EventKey; readonly value: EventRecord }[];
  readonly isLast: boolean;
}

function rangeOf({ since, until }: EventFilter, last: string | null, isReverse: boolean) {
  return (prefix: readonly unknown[], limit: number) => {
    // After the clock is set back, ids and event times differ; `matches` decides.
    const lowest = since === undefined ? '' : firstIdentifierAt('evt_', since);
    const highest = until === undefined ? AFTER_IDS : firstIdentifierAt('evt_', until + 1);
    const key = (id: string) => [...prefix, id];
    const start = isReverse
      ? key(last !== null && last < highest ? last : highest)
      : key(last !== null && last > lowest ? last : lowest);
    return {
      start,
      end: key(isReverse ? lowest : highest),
      reverse: isReverse,
      exclusiveStart: last !== null && start.at(-1) === last,
      limit,
    };
  };
}

export function matches(event: EventView, filter: EventFilter): boolean {
  const { since, until, isVisible = () => true } = filter;
  return (
    (filter.collectionId === undefined || event.collectionId === filter.collectionId) &&
    (filter.type === undefined || event.type === filter.type) &&
    (filter.result === undefined || event.result === filter.result) &&
    (filter.source === undefined || event.source === filter.source) &&
    (filter.review === undefined || (event.review?.state ?? 'none') === filter.review) &&
    (filter.externalKey === undefined || event.externalKey === filter.externalKey) &&
    (filter.faceId === undefined || event.faceId === filter.faceId) &&
    (since === undefined || event.at >= since) &&
    (until === undefined || event.at <= until) &&
    isVisible(event)
  );
}
