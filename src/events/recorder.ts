import type { Caller } from '../api/caller.ts';
import type { Box } from '../native/pipeline-options.ts';
import type { Log } from '../ops/log.ts';
import type { EventRecord, EventResult, EventType, NewEventRecord } from '../store/event-records.ts';
import type { EventLog } from '../store/events.ts';
import { OrderedIdentifiers, type QualityRecord } from '../store/records.ts';

const BATCH_MS = 250;
/** Blocks the event loop for a few milliseconds. */
const MAX_BATCH = 200;
/** Queued events; an account gets at most half. */
const MAX_WAITING = 20_000;
const MAX_CROP_BYTES = 32 * 1024 * 1024;
const MAX_CROPS = 100_000;

const RETENTION_INTERVAL_MS = 60_000;
/** New events beyond this share of `maxEvents` trigger retention. */
const RETENTION_SHARE = 0.01;
const REPORT_MS = 60_000;
const DAY_MS = 86_400_000;

export interface RecognitionEvent {
  readonly type: EventType;
  readonly result: EventResult;
  readonly operation: string;
  readonly collectionId?: string | null | undefined;
  /** When the call began; `label` and `crop` need it. */
  readonly gallery?: number | undefined;
  readonly label?: number | null | undefined;
  readonly externalKey?: string | null | undefined;
  /** 0..100. */
  readonly similarity?: number | null | undefined;
  readonly threshold?: number | null | undefined;
  readonly quality?: QualityRecord | null | undefined;
  readonly refusal?: string | null | undefined;
  readonly source?: string | undefined;
  readonly box?: Box | null | undefined;
  /** JPEG of the probe. */
  readonly crop?: Buffer | null | undefined;
}

export interface EventLimitConfig {
  readonly days: number;
  readonly maxEvents: number;
  readonly cropDays: number;
}

export interface RecorderOptions {
  readonly now: () => number;
  readonly log: Log;
  readonly limits: EventLimitConfig;
}

export type WrittenListener = (events: readonly NewEventRecord[]) => void;

export class EventRecorder {
  readonly #store: EventLog;
  readonly #options: RecorderOptions;
  readonly #ids = new OrderedIdentifiers('evt_');
  readonly #listeners = new Set<WrittenListener>();
  readonly #dropListeners = new Set<(accountId: string) => void>();
  readonly #retention: NodeJS.Timeout;
  #waiting: NewEventRecord[] = [];
  readonly #waitingByAccount = new Map<string, number>();
  #cropBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #trimming: Promise<void> | null = null;
  #writtenSinceTrim = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #unreported = 0;
  #closed = false;
  recorded = 0;
  dropped = 0;

  constructor(store: EventLog, options: RecorderOptions) {
    this.#store = store;
    this.#options = options;
    this.#retention = setInterval(() => void this.trim(), RETENTION_INTERVAL_MS).unref();
  }

  get isOn(): boolean {
    return this.#options.limits.days > 0;
  }

  get keepsCrops(): boolean {
    return this.isOn && this.cropDays > 0;
  }

  /** Collections may keep crops for less. */
  get cropDays(): number {
    return this.#options.limits.cropDays;
  }

  /** Nothing is recorded if `days` is 0, even if `enabled`. */
  recordingOf(accountId: string): {
    readonly enabled: boolean;
    readonly days: number;
    readonly cropDays: number;
  } {
    const { days } = this.#options.limits;
    return { enabled: this.#store.isRecorded(accountId), days, cropDays: this.cropDays };
  }

  /**
   * Off also erases the account's events, crops and last matches.
   * @param check throws inside the transaction to change nothing.
   * @throws `ACCOUNT_NOT_FOUND`.
   */
  async setRecording(accountId: string, enabled: boolean, check?: () => void): Promise<void> {
    await this.#store.setRecorded(accountId, enabled, check);
    if (!enabled) this.limitsChanged();
  }

  limitsChanged(): void {
    // A run in progress may be past the account or collection.
    void Promise.resolve(this.#trimming).then(() => this.trim());
  }

  /** Drops the event if the queue is full. */
  record(caller: Caller, event: RecognitionEvent): void {
    if (!this.isOn || this.#closed) return;
    const { accountId, environment } = caller;
    if (!this.#store.isRecorded(accountId)) return;
    const own = this.#waitingByAccount.get(accountId) ?? 0;
    if (this.#waiting.length >= MAX_WAITING || own >= MAX_WAITING / 2) {
      this.#drop(accountId);
      return;
    }
    const at = this.#options.now();
    const crop = this.#cropOf(event);
    this.#cropBytes += crop?.length ?? 0;
    this.#waitingByAccount.set(accountId, own + 1);
    this.#waiting.push({
      id: this.#ids.next(at),
      accountId,
      environment,
      record: recordOf(caller, event, at),
      externalKey: event.externalKey ?? null,
      crop,
    });
    if (event.externalKey) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), BATCH_MS);
  }

  #cropOf({ crop, result }: RecognitionEvent): Buffer | null {
    // Readers show the added face's own crop.
    if (!crop || !this.keepsCrops || result === 'added') return null;
    return this.#cropBytes + crop.length <= MAX_CROP_BYTES ? crop : null;
  }

  #drop(accountId: string): void {
    this.dropped++;
    this.#unreported++;
    for (const listener of this.#dropListeners) listener(accountId);
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = now;
    this.#options.log.warn({ events: this.#unreported }, 'events dropped: the disk is too slow for them');
    this.#unreported = 0;
  }

  /** Also resolves after a failed write. */
  flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
      if (this.#waiting.length > 0 && !this.#closed) {
        this.#timer ??= setTimeout(() => void this.flush(), BATCH_MS);
      }
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      try {
        await this.#store.append(batch);
      } catch (error) {
        this.#options.log.error(
          { err: error, events: this.#waiting.length },
          'events could not be written; retrying',
        );
        return;
      }
      this.#forget(batch);
      for (const listener of this.#listeners) listener(batch);
    }
  }

  #forget(batch: readonly NewEventRecord[]): void {
    this.#waiting = this.#waiting.slice(batch.length);
    this.recorded += batch.length;
    for (const { accountId, crop } of batch) {
      this.#cropBytes -= crop?.length ?? 0;
      const left = (this.#waitingByAccount.get(accountId) ?? 0) - 1;
      if (left > 0) this.#waitingByAccount.set(accountId, left);
      else this.#waitingByAccount.delete(accountId);
    }
    this.#writtenSinceTrim += batch.length;
    if (this.#writtenSinceTrim > this.#options.limits.maxEvents * RETENTION_SHARE) void this.trim();
  }

  /** Events are durable and in the order of their ids. */
  onWritten(listener: WrittenListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onDropped(listener: (accountId: string) => void): () => void {
    this.#dropListeners.add(listener);
    return () => this.#dropListeners.delete(listener);
  }

  trim(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#trimming ??= this.#trim().finally(() => {
      this.#trimming = null;
    });
    return this.#trimming;
  }

  async #trim(): Promise<void> {
    const { now, log, limits } = this.#options;
    const before = (days: number) => (days === 0 ? Number.POSITIVE_INFINITY : now() - days * DAY_MS);
    this.#writtenSinceTrim = 0;
    try {
      await this.#store.trim({
        maxEvents: limits.maxEvents,
        maxCrops: MAX_CROPS,
        since: before(limits.days),
        cropsSince: before(limits.cropDays),
        cropsSinceOf: before,
        isStopped: () => this.#closed,
      });
    } catch (error) {
      log.error({ err: error }, 'retention of events failed');
    }
  }

  /** Writes the queue. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#retention);
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#trimming;
    await this.#writing;
    await this.#write();
  }
}

function recordOf({ key, member }: Caller, event: RecognitionEvent, at: number): EventRecord {
  const { collectionId, gallery, label, similarity, threshold, quality, refusal, source, box } = event;
  return {
    at,
    type: event.type,
    result: event.result,
    operation: event.operation,
    callerKind: key ? 'key' : 'member',
    callerId: key?.id ?? member?.id ?? '',
    ...(collectionId == null ? {} : { collectionId }),
    ...(gallery === undefined ? {} : { gallery }),
    ...(label == null ? {} : { label }),
    ...(similarity == null ? {} : { similarity }),
    ...(threshold == null ? {} : { threshold }),
    ...(quality == null ? {} : { quality }),
    ...(refusal == null ? {} : { refusal }),
    ...(source === undefined ? {} : { source }),
    ...(box == null ? {} : { box }),
  };
}
