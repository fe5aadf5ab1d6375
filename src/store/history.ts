import { addedDurations, NO_DURATIONS } from '../base/durations.ts';
import type { StoreContext } from './databases.ts';
import type { HistoryRecord } from './records.ts';

export interface HistoryStep {
  readonly step: number;
  /** In steps since 1970. */
  readonly slot: number;
  readonly record: HistoryRecord;
}

function addedStages(first: HistoryRecord['stages'], second: HistoryRecord['stages']) {
  const sums: Record<string, { count: number; sum: number }> = { ...first };
  for (const [stage, { count, sum }] of Object.entries(second)) {
    const before = sums[stage] ?? { count: 0, sum: 0 };
    sums[stage] = { count: before.count + count, sum: before.sum + sum };
  }
  return sums;
}

export function addedHistory(first: HistoryRecord, second: HistoryRecord): HistoryRecord {
  return {
    requests: first.requests + second.requests,
    errors: first.errors + second.errors,
    refusals: first.refusals + second.refusals,
    matches: first.matches + second.matches,
    noMatches: first.noMatches + second.noMatches,
    latency: addedDurations(first.latency, second.latency),
    stages: addedStages(first.stages, second.stages),
    queueLength: Math.max(first.queueLength, second.queueLength),
    memoryBytes: second.memoryBytes,
    diskBytes: second.diskBytes,
  };
}

const NO_HISTORY: HistoryRecord = {
  requests: 0,
  errors: 0,
  refusals: 0,
  matches: 0,
  noMatches: 0,
  latency: NO_DURATIONS,
  stages: {},
  queueLength: 0,
  memoryBytes: 0,
  diskBytes: 0,
};

export class History {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  get(step: number, slot: number): HistoryRecord {
    return this.#context.db.history.get([step, slot]) ?? NO_HISTORY;
  }

  list(step: number, from: number): HistoryStep[] {
    const range = this.#context.db.history.getRange({ start: [step, from], end: [step + 1] as never });
    return Array.from(range, ({ key, value }) => ({ step: key[0], slot: key[1], record: value }));
  }

  add(steps: readonly HistoryStep[], kept: (step: number) => number): Promise<void> {
    const { db, write } = this.#context;
    return write(() => {
      for (const { step, slot, record } of steps) {
        db.history.put([step, slot], addedHistory(this.get(step, slot), record));
        // A clock set back leaves future steps.
        const others = Array.from(db.history.getKeys({ start: [step], end: [step + 1] } as never));
        for (const key of others) if (key[1] <= slot - kept(step) || key[1] > slot) db.history.remove(key);
      }
    });
  }
}
