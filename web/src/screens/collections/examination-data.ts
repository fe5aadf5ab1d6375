/** The examination of a collection: its report, and proposals. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { api, BACKGROUND, call } from '../../api/client.ts';
import { COLLECTIONS_KEY } from '../../api/collection.tsx';
import { queryClient } from '../../api/query-client.ts';
import type { components } from '../../api/schema.d.ts';

export type Examination = components['schemas']['Examination'];
export type Finding = components['schemas']['Finding'];
export type FindingKind = Finding['kind'];

export const KINDS = [
  'duplicate',
  'mixed',
  'low-quality',
  'look-alike',
] as const satisfies readonly FindingKind[];

const POLL_MS = 700;
const PAGE = 50;

const summaryKey = (collectionId: string) => [collectionId, 'examination', 'summary'];

export function isUnderWay(report: Pick<Examination, 'state'>): boolean {
  return report.state === 'waiting' || report.state === 'running';
}

/** State, counts and applied proposals. The service starts an examination if it has no report. */
export function useExamination(collectionId: string) {
  return useQuery({
    queryKey: summaryKey(collectionId),
    queryFn: ({ signal }) =>
      call(
        api.GET('/v1/collection/examine', {
          params: { query: { collectionId, limit: 1 } },
          headers: BACKGROUND,
          signal,
        }),
      ),
    refetchInterval: ({ state: { data } }) => (data && isUnderWay(data) ? POLL_MS : false),
  });
}

/** @param startedAt of the report: a new examination has new findings. */
export function useFindings(collectionId: string, kind: FindingKind, startedAt: string | null) {
  return useInfiniteQuery({
    queryKey: [collectionId, 'examination', startedAt, kind],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }): Promise<Examination> =>
      call(
        api.GET('/v1/collection/examine', {
          params: {
            query: { collectionId, kind, limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    refetchOnWindowFocus: false,
  });
}

export async function startExamination(collectionId: string): Promise<void> {
  await call(api.POST('/v1/collection/examine', { body: { collectionId } }));
  await queryClient.invalidateQueries({ queryKey: summaryKey(collectionId) });
}

export type ChangeOfFinding = 'apply' | 'undo' | 'dismiss' | 'restore';

/** The lists of faces and people change with a proposal. */
export async function changeFinding(
  what: ChangeOfFinding,
  collectionId: string,
  findingId: string,
): Promise<void> {
  const body = { collectionId, findingId };
  try {
    await call(api.POST(`/v1/collection/examine/${what}`, { body }));
  } finally {
    void queryClient.invalidateQueries({ queryKey: COLLECTIONS_KEY });
    await queryClient.invalidateQueries({ queryKey: [collectionId] });
  }
}
