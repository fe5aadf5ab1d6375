import { useQuery } from '@tanstack/react-query';
import { api, call } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import type { components } from '../../api/schema.d.ts';

type Row = components['schemas']['GetUsageResult']['usage'][number];
export type Granularity = 'hour' | 'day';

const BALANCE = ['billing', 'balance'];
const MAX_PAGES = 20;

export const STEPS = {
  hour: { step: 3600, count: 24 },
  day: { step: 86_400, count: 30 },
} as const;

export interface Counts {
  readonly calls: number;
  readonly failures: number;
  readonly charged: number;
  readonly mean: number | null;
  /** The slowest p95 of the parts, milliseconds. */
  readonly p95: number | null;
}

export interface StepCounts extends Counts {
  /** Begin of the hour or day, seconds since 1970. */
  readonly time: number;
}

export interface OperationCounts extends Counts {
  readonly keyId: string;
  readonly operation: string;
}

export interface Usage {
  readonly total: Counts;
  readonly steps: readonly StepCounts[];
  readonly operations: readonly OperationCounts[];
  readonly isComplete: boolean;
}

export function useBalance() {
  return useQuery({
    queryKey: BALANCE,
    queryFn: ({ signal }) => call(api.GET('/v1/billing/balance', { signal })),
  });
}

export async function topUp(amount: number): Promise<void> {
  queryClient.setQueryData(
    BALANCE,
    await call(api.POST('/v1/billing/top-up', { body: { amount_usd: amount } })),
  );
}

function countsOf(rows: readonly Row[]): Counts {
  const timed = rows.flatMap(({ calls, latency_ms: latency }) =>
    latency?.mean == null ? [] : [{ calls, mean: latency.mean }],
  );
  const timedCalls = timed.reduce((sum, { calls }) => sum + calls, 0);
  const p95s = rows.flatMap(({ latency_ms: latency }) => latency?.p95 ?? []);
  return {
    calls: rows.reduce((sum, { calls }) => sum + calls, 0),
    failures: rows.reduce((sum, { failures }) => sum + failures, 0),
    charged: rows.reduce((sum, row) => sum + row.charged_usd, 0),
    mean:
      timedCalls === 0 ? null : timed.reduce((sum, { calls, mean }) => sum + calls * mean, 0) / timedCalls,
    p95: p95s.length === 0 ? null : p95s.reduce((most, each) => Math.max(most, each)),
  };
}

function grouped(rows: readonly Row[], keyOf: (row: Row) => string): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return [...groups.values()];
}

function timeOf({ day, hour }: Row): number {
  return Date.parse(`${day}T${String(hour ?? 0).padStart(2, '0')}:00:00Z`) / 1000;
}

async function readUsage(granularity: Granularity, signal: AbortSignal): Promise<Usage> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const query: { granularity: Granularity; cursor?: string } = {
      granularity,
      ...(cursor === null ? {} : { cursor }),
    };
    const answer: { usage: readonly Row[]; next_cursor: string | null } = await call(
      api.GET('/v1/billing/usage', { params: { query }, signal }),
    );
    rows.push(...answer.usage);
    cursor = answer.next_cursor;
    if (cursor === null) break;
  }
  // The service answers whole days; the page shows the last 24 hours.
  const { step, count } = STEPS[granularity];
  const oldest = (Math.floor(Date.now() / 1000 / step) - count + 1) * step;
  const shown = rows.filter((row) => timeOf(row) >= oldest);
  return {
    total: countsOf(shown),
    steps: grouped(shown, (row) => String(timeOf(row))).map((group) => ({
      ...countsOf(group),
      time: timeOf(group[0] as Row),
    })),
    operations: grouped(shown, ({ key_id, operation }) => `${key_id} ${operation}`)
      .map((group) => ({
        ...countsOf(group),
        keyId: (group[0] as Row).key_id,
        operation: (group[0] as Row).operation,
      }))
      .sort((one, other) => other.calls + other.failures - one.calls - one.failures),
    isComplete: cursor === null,
  };
}

export function useUsage(granularity: Granularity) {
  return useQuery({
    queryKey: ['billing', 'usage', granularity],
    queryFn: ({ signal }) => readUsage(granularity, signal),
  });
}
