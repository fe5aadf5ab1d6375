import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, BACKGROUND, call } from '../../api/client.ts';
import type { components } from '../../api/schema.d.ts';

export type System = components['schemas']['GetSystemResult'];
export type History = components['schemas']['GetSystemHistoryResult'];
export type HistoryPoint = History['points'][number];
export type Period = History['period'];

export const STEPS: Readonly<Record<Period, { readonly step: number; readonly count: number }>> = {
  hour: { step: 60, count: 60 },
  day: { step: 900, count: 96 },
  month: { step: 86_400, count: 31 },
};

const STATE_MS = 5_000;
const REFRESH_MS: Readonly<Record<Period, number>> = { hour: 5_000, day: 30_000, month: 60_000 };

export function useSystem() {
  return useQuery({
    queryKey: ['system'],
    queryFn: ({ signal }) => call(api.GET('/v1/system', { headers: BACKGROUND, signal })),
    refetchInterval: STATE_MS,
  });
}

export function useHistory(period: Period) {
  return useQuery({
    queryKey: ['system', 'history', period],
    queryFn: ({ signal }) =>
      call(api.GET('/v1/system/history', { params: { query: { period } }, headers: BACKGROUND, signal })),
    refetchInterval: REFRESH_MS[period],
    placeholderData: keepPreviousData,
  });
}
