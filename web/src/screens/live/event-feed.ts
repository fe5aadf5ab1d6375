import { OfflineError } from '../../api/problem.ts';
import type { EventFilter, FaceEvent } from './event.ts';
import { eventPage, followEvents } from './event-calls.ts';

const MAX_FOLLOWED = 500;
const MAX_LOADED = 5_000;
const MAX_HELD = 500;
const PAGE = 100;
const MAX_EMPTY_PAGES = 10;
const BATCH_MS = 200;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
const RATE_SECONDS = 5;

export type FeedState = 'loading' | 'open' | 'reconnecting' | 'past';

export interface FeedView {
  readonly events: readonly FaceEvent[];
  readonly state: FeedState;
  readonly error: unknown;
  readonly held: number;
  readonly isHeldFull: boolean;
  readonly hasGap: boolean;
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  readonly rate: number;
}

const EMPTY: FeedView = {
  events: [],
  state: 'loading',
  error: null,
  held: 0,
  isHeldFull: false,
  hasGap: false,
  hasOlder: false,
  isLoadingOlder: false,
  rate: 0,
};

function newestFirst(events: readonly FaceEvent[]): FaceEvent[] {
  return [...events].sort((a, b) => (a.id < b.id ? 1 : -1));
}

export class EventFeed {
  readonly #filter: EventFilter;
  readonly #listeners = new Set<() => void>();
  readonly #abort = new AbortController();
  #view = EMPTY;
  #known = new Set<string>();
  #incoming: FaceEvent[] = [];
  #isHeld = false;
  #isHeldFull = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #newestId: string | null = null;
  #cursor: string | null = null;
  #isCursorStale = false;
  #arrivals: number[] = [];

  constructor(filter: EventFilter) {
    this.#filter = filter;
  }

  get view(): FeedView {
    return this.#view;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #set(change: Partial<FeedView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }

  start(): void {
    if (this.#filter.until === undefined) void this.#follow();
    else void this.#loadFirst().then(() => this.#set({ state: 'past' }));
  }

  stop(): void {
    this.#abort.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  get #isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  async #loadFirst(): Promise<void> {
    try {
      const { events, cursor } = await this.#pages(null);
      const isApart = cursor !== null && !events.some(({ id }) => this.#known.has(id));
      // Events between the page and the list may be missing, so the list begins at the page.
      if (isApart) this.#clear();
      const read = new Map(events.map((event) => [event.id, event]));
      this.patch(
        ({ id }) => read.has(id),
        (event) => read.get(event.id) ?? event,
      );
      this.#take(events);
      const last = this.#view.events.at(-1);
      const reachesBack = last !== undefined && last.id < (events.at(-1)?.id ?? '');
      if (!reachesBack) this.#cursor = cursor;
      else if (this.#cursor === null && cursor !== null) this.#isCursorStale = true;
      this.#set({ error: null, hasOlder: this.#cursor !== null || this.#isCursorStale });
    } catch (error) {
      if (!this.#isStopped) this.#set({ error });
    }
  }

  #clear(): void {
    this.#known = new Set();
    this.#cursor = null;
    this.#isCursorStale = false;
    this.#set({ events: [] });
  }

  async #pages(cursor: string | null, filter = this.#filter) {
    let next = cursor;
    for (let tries = 0; ; tries++) {
      const page = await eventPage(filter, { cursor: next, limit: PAGE }, this.#abort.signal);
      next = page.nextCursor;
      if (page.events.length > 0 || next === null || tries === MAX_EMPTY_PAGES) {
        return { events: page.events, cursor: next };
      }
    }
  }

  /** Opens the stream before the first page, so that no event falls between the two. */
  async #follow(): Promise<void> {
    let delay = FIRST_RETRY_MS;
    while (!this.#isStopped) {
      let wait = delay;
      try {
        await followEvents(this.#filter, this.#newestId, this.#abort.signal, {
          onOpen: () => {
            delay = FIRST_RETRY_MS;
            wait = FIRST_RETRY_MS;
            this.#set({ state: 'open', error: null });
            // After a break too: the stream does not repeat reviews.
            void this.#loadFirst();
          },
          onEvent: (event) => this.#arrive(event),
          onReview: (event) => this.#review(event),
          onGap: () => {
            this.#set({ hasGap: true });
            void this.#loadFirst();
          },
        });
      } catch (error) {
        if (this.#isStopped) return;
        const isRefusal = error instanceof Error && 'status' in error;
        this.#set({ error: isRefusal ? error : null });
        if (isRefusal && 'retryAfter' in error && typeof error.retryAfter === 'number') {
          wait = Math.max(wait, error.retryAfter * 1000);
        }
        if (!(error instanceof OfflineError)) void this.#loadFirst();
      }
      if (this.#isStopped) return;
      this.#set({ state: 'reconnecting' });
      delay = Math.min(delay * 2, LONGEST_RETRY_MS);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  #arrive(event: FaceEvent): void {
    if (this.#newestId === null || event.id > this.#newestId) this.#newestId = event.id;
    this.#arrivals.push(Date.now());
    this.#incoming.push(event);
    if (this.#isHeld && this.#incoming.length > MAX_HELD) {
      this.#incoming.shift();
      this.#isHeldFull = true;
    }
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  /** Rows stay where they are, also if the filter no longer takes them. A correction renames the face in other events. */
  #review(event: FaceEvent): void {
    const { review: wanted } = this.#filter;
    if (wanted !== undefined && !this.#known.has(event.id) && (event.review?.state ?? 'none') === wanted) {
      this.#incoming.push(event);
      this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
    }
    const change = (each: FaceEvent): FaceEvent => {
      if (each.id === event.id) return event;
      const isSameFace = each.faceId !== null && each.faceId === event.faceId;
      return isSameFace && each.externalKey !== event.externalKey
        ? { ...each, externalKey: event.externalKey }
        : each;
    };
    this.#incoming = this.#incoming.map(change);
    this.#set({ events: this.#view.events.map(change) });
  }

  #measure(): number {
    const since = Date.now() - RATE_SECONDS * 1000;
    this.#arrivals = this.#arrivals.filter((time) => time > since);
    return this.#arrivals.length / RATE_SECONDS;
  }

  #flush(): void {
    this.#timer = null;
    const rate = this.#measure();
    // Asks again while the rate falls, so that it ends at zero.
    if (rate > 0) this.#timer = setTimeout(() => this.#flush(), this.#incoming.length > 0 ? BATCH_MS : 1000);
    if (this.#isHeld) {
      this.#set({ rate, held: this.#incoming.length, isHeldFull: this.#isHeldFull });
      return;
    }
    const events = this.#incoming;
    this.#incoming = [];
    if (events.length > 0) this.#take(events, { rate });
    else if (rate !== this.#view.rate) this.#set({ rate });
  }

  #take(events: readonly FaceEvent[], change: Partial<FeedView> = {}): void {
    const fresh = events.filter(({ id }) => !this.#known.has(id));
    for (const { id } of fresh) {
      this.#known.add(id);
      if (this.#newestId === null || id > this.#newestId) this.#newestId = id;
    }
    if (fresh.length === 0) {
      this.#set({ ...change, held: 0 });
      return;
    }
    const newest = this.#view.events[0];
    const sorted = newestFirst(fresh);
    const oldestFresh = sorted.at(-1);
    const isAhead = !newest || (oldestFresh && oldestFresh.id > newest.id);
    const all = isAhead ? [...sorted, ...this.#view.events] : newestFirst([...sorted, ...this.#view.events]);
    const kept = all.slice(0, MAX_FOLLOWED);
    if (kept.length < all.length) {
      for (const { id } of all.slice(MAX_FOLLOWED)) this.#known.delete(id);
      this.#isCursorStale = true;
    }
    this.#set({
      ...change,
      events: kept,
      held: 0,
      hasOlder: this.#cursor !== null || this.#isCursorStale,
    });
  }

  hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) return;
    if (!this.#isHeldFull) {
      this.#flush();
      return;
    }
    this.#isHeldFull = false;
    this.#clear();
    const waiting = this.#incoming;
    this.#incoming = [];
    this.#take(waiting, { isHeldFull: false });
    void this.#loadFirst();
  }

  async loadOlder(): Promise<void> {
    const { isLoadingOlder, hasOlder, events } = this.#view;
    if (isLoadingOlder || !hasOlder || events.length >= MAX_LOADED) return;
    this.#set({ isLoadingOlder: true });
    try {
      const oldest = events.at(-1);
      const filter = this.#isCursorStale && oldest ? { ...this.#filter, until: oldest.time } : this.#filter;
      const page = await this.#pages(this.#isCursorStale ? null : this.#cursor, filter);
      this.#cursor = page.cursor;
      this.#isCursorStale = false;
      const fresh = page.events.filter(({ id }) => !this.#known.has(id));
      for (const { id } of fresh) this.#known.add(id);
      this.#set({ events: newestFirst([...this.#view.events, ...fresh]), hasOlder: page.cursor !== null });
    } catch (error) {
      if (!this.#isStopped) this.#set({ error });
    } finally {
      this.#set({ isLoadingOlder: false });
    }
  }

  patch(matches: (event: FaceEvent) => boolean, change: (event: FaceEvent) => FaceEvent): void {
    this.#set({ events: this.#view.events.map((event) => (matches(event) ? change(event) : event)) });
  }
}
