/** Live events as server-sent events (HTML standard, 9.2). */
import type { Owner } from '../api/caller.ts';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import type { EventView, NewEventRecord } from '../store/event-records.ts';
import { type EventFilter, type EventLog, matches } from '../store/events.ts';
import { answerOf } from './event-answer.ts';
import type { EventRecorder } from './recorder.ts';

const MAX_STREAMS = 64;
const MAX_STREAMS_OF_ACCOUNT = 8;

const KEEP_ALIVE_MS = 15_000;
const RETRY_MS = 2_000;

const MAX_WAITING = 1_000;
const MAX_REVIEWED = 1_000;
const CHUNK = 100;
const SCAN = 1_000;

/** Streams per turn of the event loop; each takes tenths of a millisecond. */
const AT_ONCE = 8;

const EVENT_ID = /^evt_[0-9A-HJKMNP-TV-Z]{26}$/;

/** All streams share its view and text until the store changes. */
class LiveEvent {
  readonly id: string;
  readonly #written: NewEventRecord;
  readonly #log: EventLog;
  #version = Number.NaN;
  #view: EventView | null = null;
  #text: string | null = null;

  constructor(log: EventLog, written: NewEventRecord) {
    this.id = written.id;
    this.#written = written;
    this.#log = log;
  }

  isOf({ accountId, environment }: Owner): boolean {
    return this.#written.accountId === accountId && this.#written.environment === environment;
  }

  get view(): EventView | null {
    const version = this.#log.version;
    if (version !== this.#version) {
      this.#version = version;
      this.#view = this.#log.get(this.#written, this.id);
      this.#text = null;
    }
    return this.#view;
  }

  get text(): string {
    const { view } = this;
    this.#text ??= view ? textOf(view) : '';
    return this.#text;
  }
}

/** Without an id, or a client would resume behind this event. */
function reviewText(view: EventView): string {
  return `event: review\ndata: ${JSON.stringify(answerOf(view))}\n\n`;
}

function textOf(view: EventView): string {
  return `id: ${view.id}\nevent: event\ndata: ${JSON.stringify(answerOf(view))}\n\n`;
}

export interface StreamRequest {
  readonly owner: Owner;
  readonly filter: EventFilter;
  /** Undefined to begin now. */
  readonly lastEventId: string | undefined;
  /** Throws if the caller may no longer read events. */
  readonly reauthorize: () => void;
}

class EventStream implements AsyncIterableIterator<string> {
  readonly #log: EventLog;
  readonly #request: StreamRequest;
  readonly #onEnd: (stream: EventStream) => void;
  #waiting: LiveEvent[] = [];
  readonly #reviewed = new Set<string>();
  #position: string | null;
  /** Reads the store instead of `#waiting`. */
  #isBehind: boolean;
  #hasGap = false;
  #isNew = true;
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(log: EventLog, request: StreamRequest, onEnd: (stream: EventStream) => void) {
    const { owner, lastEventId } = request;
    this.#log = log;
    this.#request = request;
    this.#onEnd = onEnd;
    const newest = log.newestId(owner);
    // A restored store may be older than the client's last event.
    this.#isBehind =
      newest !== null && lastEventId !== undefined && EVENT_ID.test(lastEventId) && lastEventId <= newest;
    this.#position = this.#isBehind ? (lastEventId as string) : newest;
    this.#hasGap = lastEventId !== undefined && !(this.#isBehind && log.has(owner, lastEventId));
  }

  get owner(): Owner {
    return this.#request.owner;
  }

  /** @param events in the order of their ids. */
  offer(events: readonly LiveEvent[]): void {
    if (this.#isBehind || this.#waiting.length + events.length > MAX_WAITING) {
      this.#waiting = [];
      this.#isBehind = true;
    } else this.#waiting.push(...events);
    this.#wakeUp();
  }

  review(id: string): void {
    // A later event comes with its review.
    if (this.#position === null || id > this.#position) return;
    this.#reviewed.delete(id);
    this.#reviewed.add(id);
    const [oldest] = this.#reviewed;
    if (oldest !== undefined && this.#reviewed.size > MAX_REVIEWED) this.#reviewed.delete(oldest);
    this.#wakeUp();
  }

  miss(): void {
    this.#hasGap = true;
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = null;
  }

  async next(): Promise<IteratorResult<string>> {
    const turn = new Turn();
    while (!this.#ended) {
      if (turn.isOver) await turn.next();
      const chunk = await this.#chunk();
      if (this.#ended) break;
      if (chunk === '') continue;
      try {
        this.#request.reauthorize();
      } catch {
        this.#end();
        break;
      }
      return { done: false, value: chunk };
    }
    return { done: true, value: undefined };
  }

  async #chunk(): Promise<string> {
    if (this.#isNew) {
      this.#isNew = false;
      return `retry: ${RETRY_MS}\n${this.#idLine()}\n`;
    }
    if (this.#hasGap) {
      this.#hasGap = false;
      return `event: gap\ndata: ${JSON.stringify({ after: this.#position })}\n\n`;
    }
    if (this.#reviewed.size > 0) return this.#reviews();
    if (this.#isBehind) return this.#stored();
    if (this.#waiting.length > 0) return this.#live();
    const isTimeOut = await this.#wait();
    return isTimeOut ? `: keep-alive\n${this.#idLine()}\n` : '';
  }

  #idLine(): string {
    return this.#position === null ? '' : `id: ${this.#position}\n`;
  }

  async #stored(): Promise<string> {
    const { owner, filter } = this.#request;
    // Without the bounds of time, `last` moves past events outside them.
    const isVisible = (event: EventView) => matches(event, filter);
    const bounds = { from: this.#position, limit: CHUNK, scan: SCAN };
    const { events, next, last } = await this.#log.pageAfter(owner, { isVisible }, bounds);
    this.#position = last ?? this.#position;
    this.#isBehind = next !== null || (this.#log.newestId(owner) ?? '') > (this.#position ?? '');
    return events.map(textOf).join('');
  }

  #reviews(): string {
    // The client knows whether its filter still matches.
    const { owner, filter } = this.#request;
    const others = { ...filter, review: undefined };
    const parts: string[] = [];
    for (const id of [...this.#reviewed].slice(0, CHUNK)) {
      this.#reviewed.delete(id);
      const view = this.#log.get(owner, id);
      if (view && matches(view, others)) parts.push(reviewText(view));
    }
    return parts.join('');
  }

  #live(): string {
    const { filter } = this.#request;
    const events = this.#waiting.splice(0, CHUNK);
    const parts: string[] = [];
    for (const event of events) {
      if (this.#position !== null && event.id <= this.#position) continue;
      this.#position = event.id;
      const { view } = event;
      if (view && matches(view, filter)) parts.push(event.text);
    }
    return parts.join('');
  }

  /** @returns true after `KEEP_ALIVE_MS`. */
  #wait(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#wake = null;
        resolve(true);
      }, KEEP_ALIVE_MS).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting = [];
    this.#reviewed.clear();
    this.#onEnd(this);
    this.#wakeUp();
  }

  async return(): Promise<IteratorResult<string>> {
    this.#end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<string> {
    return this;
  }
}

export class EventStreams {
  readonly #log: EventLog;
  readonly #streams = new Set<EventStream>();
  readonly #stopListening: () => void;
  #closed = false;
  #publishing: Promise<void> = Promise.resolve();

  constructor(log: EventLog, recorder: Pick<EventRecorder, 'onWritten' | 'onDropped'>) {
    this.#log = log;
    const stops = [
      recorder.onWritten((events) => this.#publish(events)),
      recorder.onDropped((accountId) => {
        for (const stream of this.#streams) if (stream.owner.accountId === accountId) stream.miss();
      }),
    ];
    this.#stopListening = () => {
      for (const stop of stops) stop();
    };
  }

  get open(): number {
    return this.#streams.size;
  }

  reviewed({ accountId, environment }: Owner, id: string): void {
    for (const stream of this.#streams) {
      const { owner } = stream;
      if (owner.accountId === accountId && owner.environment === environment) stream.review(id);
    }
  }

  #publish(written: readonly NewEventRecord[]): void {
    if (this.#streams.size === 0) return;
    const events = written.map((event) => new LiveEvent(this.#log, event));
    this.#publishing = this.#publishing.then(() => this.#offer(events));
  }

  async #offer(events: readonly LiveEvent[]): Promise<void> {
    const turn = new Turn();
    let count = 0;
    for (const stream of [...this.#streams]) {
      if (!this.#streams.has(stream)) continue;
      const own = events.filter((event) => event.isOf(stream.owner));
      if (own.length === 0) continue;
      stream.offer(own);
      if (++count % AT_ONCE === 0) await turn.next();
    }
  }

  /**
   * Read it to its end, or call `return`.
   * @throws `RATE_LIMIT_EXCEEDED`; `OVERLOADED` with too many open streams; `NOT_READY` during shutdown.
   */
  begin(request: StreamRequest): AsyncIterableIterator<string> {
    if (this.#closed) throw new VisageError('NOT_READY', 'The appliance is stopping.');
    const { accountId } = request.owner;
    let own = 0;
    for (const { owner } of this.#streams) if (owner.accountId === accountId) own++;
    if (own >= MAX_STREAMS_OF_ACCOUNT) {
      const detail = `The account has ${own} open event streams, the most that it may have. Close one.`;
      throw new VisageError('RATE_LIMIT_EXCEEDED', detail, undefined, RETRY_MS / 1000);
    }
    if (this.#streams.size >= MAX_STREAMS) {
      throw new VisageError('OVERLOADED', `All ${MAX_STREAMS} event streams of the appliance are in use.`);
    }
    const stream = new EventStream(this.#log, request, (ended) => this.#streams.delete(ended));
    this.#streams.add(stream);
    return stream;
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    for (const stream of [...this.#streams]) void stream.return();
  }
}
