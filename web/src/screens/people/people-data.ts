import {
  type InfiniteData,
  type QueryKey,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { api, call } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import type { components } from '../../api/schema.d.ts';
import { type Me, SESSION_KEY } from '../../api/session.ts';
import { sessionEvents } from '../../api/session-events.ts';
import { Store, useStore } from '../../api/store.ts';

export type Person = components['schemas']['Person'];
export type StoredFace = components['schemas']['StoredFace'];

export const SORTS = ['externalKey', 'lastSeenAt', 'quality', 'faceCount', 'createdAt'] as const;
export type PersonSort = (typeof SORTS)[number];
export type Order = 'asc' | 'desc';

const FIRST_PAGE = 100;
const PAGE = 1000;
const BATCH = 1000;
/** Browsers send at most 64 KB after a page closes. */
const KEEPALIVE_BYTES = 60_000;

interface PeoplePage {
  readonly people: readonly Person[];
  readonly total: number;
  readonly nextCursor: string | null;
}

export interface PeopleQuery {
  readonly filter: string;
  readonly sort: PersonSort;
  readonly order: Order;
}

function peopleKey(collectionId: string, query: PeopleQuery): QueryKey {
  return [collectionId, 'people', query];
}

const hidden = new Store<ReadonlySet<string>>(new Set());

function hiddenKey(collectionId: string, id: string): string {
  return `${collectionId} ${id}`;
}

export function hide(collectionId: string, ids: readonly string[]): () => void {
  const keys = ids.map((id) => hiddenKey(collectionId, id));
  hidden.set(new Set([...hidden.value, ...keys]));
  return () => {
    const next = new Set(hidden.value);
    for (const key of keys) next.delete(key);
    hidden.set(next);
  };
}

export function useVisible(collectionId: string): (id: string) => boolean {
  const set = useStore(hidden);
  return useMemo(() => (id: string) => !set.has(hiddenKey(collectionId, id)), [set, collectionId]);
}

export function useLate<T>(value: T, delay: number): T {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), delay);
    return () => clearTimeout(timer);
  }, [value, delay]);
  return late;
}

export function usePeople(collectionId: string, query: PeopleQuery) {
  const { filter, sort, order } = query;
  const isVisible = useVisible(collectionId);
  const result = useInfiniteQuery({
    queryKey: peopleKey(collectionId, query),
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }): Promise<PeoplePage> =>
      call(
        api.GET('/v1/external-key/list', {
          params: {
            query: {
              collectionId,
              sort,
              order,
              limit: pageParam === null ? FIRST_PAGE : PAGE,
              ...(filter === '' ? {} : { filter }),
              ...(pageParam === null ? {} : { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    placeholderData: (previous, previousQuery) =>
      previousQuery?.queryKey[0] === collectionId ? previous : undefined,
    refetchOnWindowFocus: false,
    staleTime: 30_000,
  });
  const { data } = result;
  const people = useMemo(() => {
    const seen = new Set<string>();
    return (data?.pages ?? []).flatMap((page) =>
      page.people.filter(({ externalKey }) => {
        if (seen.has(externalKey) || !isVisible(externalKey)) return false;
        seen.add(externalKey);
        return true;
      }),
    );
  }, [data, isVisible]);
  const loaded = (data?.pages ?? []).reduce((sum, page) => sum + page.people.length, 0);
  const all = data?.pages.at(-1)?.total ?? 0;
  const total = result.hasNextPage ? Math.max(people.length, all - (loaded - people.length)) : people.length;
  return { ...result, people, total };
}

export function usePerson(collectionId: string, externalKey: string) {
  return useQuery({
    queryKey: [collectionId, 'person', externalKey],
    enabled: externalKey !== '',
    queryFn: async ({ signal }): Promise<Person | null> => {
      let cursor: string | null = null;
      do {
        const page: PeoplePage = await call(
          api.GET('/v1/external-key/list', {
            params: {
              query: {
                collectionId,
                filter: externalKey,
                limit: PAGE,
                ...(cursor === null ? {} : { cursor }),
              },
            },
            signal,
          }),
        );
        const found = page.people.find((person) => person.externalKey === externalKey);
        if (found) return found;
        if ((page.people.at(-1)?.externalKey ?? '') > externalKey) return null;
        cursor = page.nextCursor;
      } while (cursor !== null);
      return null;
    },
  });
}

interface FacePage {
  readonly faces: readonly StoredFace[];
  readonly nextCursor: string | null;
}

export function useFaces(collectionId: string, externalKey: string | null) {
  const isVisible = useVisible(collectionId);
  const result = useInfiniteQuery({
    queryKey: [collectionId, 'faces', externalKey],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }): Promise<FacePage> =>
      call(
        api.GET('/v1/face/list', {
          params: {
            query: {
              collectionId,
              limit: 200,
              ...(externalKey === null ? { unnamed: true } : { externalKey }),
              ...(pageParam === null ? {} : { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    refetchOnWindowFocus: false,
  });
  const { data } = result;
  const faces = useMemo(
    () => (data?.pages ?? []).flatMap((page) => page.faces.filter(({ faceId }) => isVisible(faceId))),
    [data, isVisible],
  );
  return { ...result, faces };
}

export function thumbnailUrl(collectionId: string, faceId: string): string {
  return `/v1/face/thumbnail?${new URLSearchParams({ collectionId, faceId })}`;
}

/** Keys may hold any character, so they stand in the query. */
export function personPath(externalKey: string): string {
  return `/people/person?${new URLSearchParams({ key: externalKey })}`;
}

function dropPeople(collectionId: string, externalKeys: readonly string[]): void {
  const gone = new Set(externalKeys);
  queryClient.setQueriesData<InfiniteData<PeoplePage>>({ queryKey: [collectionId, 'people'] }, (data) => {
    if (!data) return data;
    const count = (data.pages ?? [])
      .flatMap(({ people }) => people)
      .filter(({ externalKey }) => gone.has(externalKey)).length;
    const pages = data.pages.map((page) => ({
      ...page,
      people: page.people.filter(({ externalKey }) => !gone.has(externalKey)),
      total: page.total - count,
    }));
    return { ...data, pages };
  });
}

export function invalidate(collectionId: string): void {
  void queryClient.invalidateQueries({ queryKey: [collectionId] });
  void queryClient.invalidateQueries({ queryKey: ['collections'] });
}

function init(body: unknown): { keepalive?: boolean } {
  return JSON.stringify(body).length < KEEPALIVE_BYTES ? { keepalive: true } : {};
}

function batches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, index) =>
    items.slice(index * BATCH, (index + 1) * BATCH),
  );
}

export async function deletePeople(collectionId: string, externalKeys: readonly string[]): Promise<void> {
  const [only, ...rest] = externalKeys;
  if (only !== undefined && rest.length === 0) {
    const query = { collectionId, externalKey: only };
    await call(api.DELETE('/v1/face/delete', { params: { query }, keepalive: true }));
  } else {
    for (const batch of batches(externalKeys)) {
      const body = { collectionId, externalKeys: batch };
      await call(api.POST('/v1/external-key/delete-faces', { body, ...init(body) }));
    }
  }
  dropPeople(collectionId, externalKeys);
}

export async function deleteFaces(collectionId: string, faceIds: readonly string[]): Promise<void> {
  const [only, ...rest] = faceIds;
  if (only !== undefined && rest.length === 0) {
    const query = { collectionId, faceId: only };
    await call(api.DELETE('/v1/face/delete', { params: { query }, keepalive: true }));
    return;
  }
  for (const batch of batches(faceIds)) {
    const body = { collectionId, faceIds: batch };
    await call(api.POST('/v1/face/delete-batch', { body, ...init(body) }));
  }
}

export async function renamePerson(
  collectionId: string,
  externalKey: string,
  newExternalKey: string,
  merge: boolean,
): Promise<void> {
  const body = { collectionId, externalKey, newExternalKey, merge };
  await call(api.PUT('/v1/external-key/rename', { body, keepalive: true }));
}

export async function mergePeople(
  collectionId: string,
  externalKeys: readonly string[],
  target: string,
): Promise<void> {
  const merged = externalKeys.filter((key) => key !== target);
  for (const key of merged) await renamePerson(collectionId, key, target, true);
  dropPeople(collectionId, merged);
}

export async function moveFaces(
  collectionId: string,
  faceIds: readonly string[],
  externalKey: string,
): Promise<void> {
  for (const faceId of faceIds) {
    const body = { collectionId, faceId, externalKey, allowDuplicates: true };
    await call(api.PUT('/v1/external-key/set', { body, keepalive: true }));
  }
}

const CONFIRMED_AHEAD = 15_000;

/** Asks for the password now, if a bulk deletion that is sent in ten seconds would need it. */
export async function confirmAhead(me: Me): Promise<boolean> {
  const until = Date.parse(me.session.confirmed_until ?? '');
  if (until > Date.now() + CONFIRMED_AHEAD) return true;
  const isConfirmed = await sessionEvents.confirm();
  if (isConfirmed) await queryClient.invalidateQueries({ queryKey: SESSION_KEY });
  return isConfirmed;
}

export function useAllPeople(collectionId: string, query: PeopleQuery, most: number) {
  const client = useQueryClient();
  return async (fetchNextPage: () => Promise<unknown>): Promise<readonly Person[]> => {
    const key = peopleKey(collectionId, query);
    for (;;) {
      const data = client.getQueryData<InfiniteData<PeoplePage>>(key);
      const people = (data?.pages ?? []).flatMap((page) => page.people);
      if (!data?.pages.at(-1)?.nextCursor || people.length >= most) return people;
      await fetchNextPage();
    }
  };
}

export function similarFaces(collectionId: string, faceId: string, maxResults: number, signal: AbortSignal) {
  const body = { collectionId, faceId, faceMatchThreshold: 0, maxResults };
  return call(api.POST('/v1/face/search-by-id', { body, signal }));
}
