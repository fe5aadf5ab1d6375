import { DurationCounter, meanOf, percentileOf } from '../base/durations.ts';
import type { Log, RequestRecord } from '../ops/log.ts';
import { onCompared } from '../ops/match-counts.ts';
import { onStage } from '../ops/stage-times.ts';
import { addedHistory, type History, type HistoryStep } from '../store/history.ts';
import type { HistoryRecord } from '../store/records.ts';

const MINUTE_MS = 60_000;

export const PERIODS = {
  hour: { step: MINUTE_MS, kept: 60 },
  day: { step: 15 * MINUTE_MS, kept: 96 },
  month: { step: 1440 * MINUTE_MS, kept: 31 },
} as const;

export type Period = keyof typeof PERIODS;
export const PERIOD_NAMES = Object.keys(PERIODS) as Period[];

const KEPT = new Map<number, number>(Object.values(PERIODS).map(({ step, kept }) => [step, kept]));

export const STAGES = ['queue', 'decode', 'detect', 'align', 'embed', 'search'] as const;

const SAMPLE_MS = 5_000;

/** Health probes, and the dashboard's polling. */
const NOT_COUNTED =
  /^\/(livez|readyz|v1\/(healthz|setup|settings|system|events|auth\/me|face\/thumbnail)(\/|$))/;

export interface HistorySources {
  readonly history: History;
  readonly queueLength: () => number;
  readonly memoryBytes: () => number;
  readonly diskBytes: () => number;
  readonly now: () => number;
  readonly log: Log;
}

export interface HistoryPoint extends Omit<HistoryRecord, 'latency' | 'stages'> {
  /** Begin: UTC, ISO 8601. */
  readonly time: string;
  readonly latency: { readonly p50: number | null; readonly p95: number | null };
  /** Means; null where the stage did not run. */
  readonly stages: Readonly<Record<(typeof STAGES)[number], number | null>>;
}

class Minute {
  requests = 0;
  errors = 0;
  refusals = 0;
  matches = 0;
  noMatches = 0;
  queueLength = 0;
  readonly latency = new DurationCounter();
  readonly stages = new Map<string, { count: number; sum: number }>(
    STAGES.map((stage) => [stage, { count: 0, sum: 0 }]),
  );
  readonly slot: number;

  constructor(slot: number) {
    this.slot = slot;
  }
}

export class HistoryRecorder {
  readonly #sources: HistorySources;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: readonly (() => void)[];
  #minute: Minute;

  constructor(sources: HistorySources) {
    this.#sources = sources;
    this.#minute = this.#begin();
    this.#timer = setInterval(() => this.sample(), SAMPLE_MS).unref();
    this.#unsubscribe = [
      onStage(({ stage, seconds }) => {
        const counts = this.#minute.stages.get(stage);
        if (!counts) return;
        counts.count++;
        counts.sum += seconds * 1000;
      }),
      onCompared((isMatch) => {
        if (isMatch) this.#minute.matches++;
        else this.#minute.noMatches++;
      }),
    ];
  }

  #begin(): Minute {
    return new Minute(Math.floor(this.#sources.now() / MINUTE_MS));
  }

  /** Call after each answer. */
  requestEnded({ method, route, status, ms, aborted }: RequestRecord): void {
    if (route === null || NOT_COUNTED.test(route)) return;
    const minute = this.#minute;
    minute.requests++;
    if (status >= 500) minute.errors++;
    else if (status >= 400 && !aborted) minute.refusals++;
    if (method === 'POST' && status < 300 && route.startsWith('/v1/face/')) minute.latency.add(ms);
  }

  sample(): void {
    const { queueLength, now, log } = this.#sources;
    this.#minute.queueLength = Math.max(this.#minute.queueLength, queueLength());
    if (Math.floor(now() / MINUTE_MS) === this.#minute.slot) return;
    this.flush().catch((error: unknown) => log.error({ err: error }, 'the history could not be written'));
  }

  #record({ latency, stages, slot: _, ...counts }: Minute): HistoryRecord {
    const { memoryBytes, diskBytes } = this.#sources;
    return {
      ...counts,
      latency: latency.durations,
      stages: Object.fromEntries([...stages].filter(([, { count }]) => count > 0)),
      memoryBytes: memoryBytes(),
      diskBytes: diskBytes(),
    };
  }

  #stepsOf(minute: Minute): HistoryStep[] {
    const record = this.#record(minute);
    return PERIOD_NAMES.map((period) => {
      const { step } = PERIODS[period];
      return { step, slot: Math.floor((minute.slot * MINUTE_MS) / step), record };
    });
  }

  async flush(): Promise<void> {
    const steps = this.#stepsOf(this.#minute);
    this.#minute = this.#begin();
    await this.#sources.history.add(steps, (step) => KEPT.get(step) ?? 0);
  }

  /** Includes the running step; omits steps without a running service. */
  points(period: Period): HistoryPoint[] {
    const { history, now } = this.#sources;
    const { step, kept } = PERIODS[period];
    const newest = Math.floor(now() / step);
    const [running] = this.#stepsOf(this.#minute).filter((each) => each.step === step) as [HistoryStep];
    const { slot } = running;
    const record = addedHistory(history.get(step, slot), running.record);
    const stored = history.list(step, newest - kept + 1).filter((each) => each.slot < slot);
    return [...stored, { step, slot, record }].map(pointOf);
  }

  errorsOfLastHour(): number {
    return this.points('hour').reduce((sum, { errors }) => sum + errors, 0);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.flush();
  }
}

function pointOf({ step, slot, record: { latency, stages, ...counts } }: HistoryStep): HistoryPoint {
  return {
    time: new Date(slot * step).toISOString(),
    ...counts,
    latency: { p50: percentileOf(latency, 0.5), p95: percentileOf(latency, 0.95) },
    stages: Object.fromEntries(
      STAGES.map((stage) => [stage, meanOf(stages[stage] ?? { count: 0, sum: 0 })]),
    ) as HistoryPoint['stages'],
  };
}
