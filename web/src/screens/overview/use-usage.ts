import { useQuery } from '@tanstack/react-query';
import { api, BACKGROUND, call } from '../../api/client.ts';
import { eventPage } from '../live/event-calls.ts';

export type UsagePeriod = 'day' | 'month';

const MINUTE_MS = 60_000;
const REFRESH_MS = 30_000;
const MAX_PAGES = 20;
const MAX_EVENTS = 1_000;

export interface UsagePoint {
  /** Begin of the hour or day, seconds since 1970. */
  readonly time: number;
  readonly calls: number;
  readonly failures: number;
}

function timeOf(day: string, hour: number | null): number {
  return Date.parse(`${day}T${String(hour ?? 0).padStart(2, '0')}:00:00Z`) / 1000;
}

export function useUsage(period: UsagePeriod, isOn: boolean) {
  return useQuery({
    queryKey: ['usage', period],
    enabled: isOn,
    refetchInterval: REFRESH_MS,
    queryFn: async ({ signal }) => {
      const points = new Map<number, UsagePoint>();
      let cursor: string | null = null;
      for (let page = 0; page < MAX_PAGES; page++) {
        const answer = (await call(
          api.GET('/v1/billing/usage', {
            params: {
              query: {
                granularity: period === 'day' ? 'hour' : 'day',
                ...(cursor === null ? {} : { cursor }),
              },
            },
            headers: BACKGROUND,
            signal,
          }),
        )) as {
          usage: { day: string; hour: number | null; calls: number; failures: number }[];
          next_cursor: string | null;
        };
        for (const { day, hour, calls, failures } of answer.usage) {
          const time = timeOf(day, hour);
          const before = points.get(time) ?? { time, calls: 0, failures: 0 };
          points.set(time, { time, calls: before.calls + calls, failures: before.failures + failures });
        }
        cursor = answer.next_cursor;
        if (cursor === null) break;
      }
      return [...points.values()];
    },
  });
}

export interface HourCounts {
  readonly matches: number;
  readonly noMatches: number;
  readonly refusals: number;
  readonly added: number;
  readonly isCut: boolean;
}

export function useHourCounts() {
  return useQuery({
    queryKey: ['events', 'hour'],
    refetchInterval: REFRESH_MS,
    queryFn: async ({ signal }): Promise<HourCounts> => {
      const since = new Date(Date.now() - 60 * MINUTE_MS).toISOString();
      const { events, nextCursor } = await eventPage({ since }, { limit: MAX_EVENTS }, signal);
      const count = (...results: string[]) => events.filter(({ result }) => results.includes(result)).length;
      return {
        matches: count('match'),
        noMatches: count('no_match'),
        refusals: count('refused', 'not_live'),
        added: count('added'),
        isCut: nextCursor !== null,
      };
    },
  });
}
