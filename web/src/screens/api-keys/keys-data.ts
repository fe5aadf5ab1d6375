import { useQuery } from '@tanstack/react-query';
import { api, call } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import type { components, paths } from '../../api/schema.d.ts';
import { allows, useMe } from '../../api/session.ts';

export type ApiKey = components['schemas']['ApiKey'];
export type NewApiKey = components['schemas']['NewApiKey'];
export type NewKeyBody = NonNullable<
  paths['/v1/auth/api-keys']['post']['requestBody']
>['content']['application/json'];
export type KeyChange = NonNullable<
  paths['/v1/auth/api-keys/{id}']['patch']['requestBody']
>['content']['application/json'];
export type Scope = NonNullable<ApiKey['scopes']>[number];

const KEYS = ['api-keys'];
const SCOPES = ['api-keys', 'scopes'];
const PAGE = 100;
const MAX_PAGES = 20;

function refreshKeys(): void {
  void queryClient.invalidateQueries({ queryKey: KEYS });
}

async function allKeys(signal: AbortSignal): Promise<{ keys: readonly ApiKey[]; isComplete: boolean }> {
  const keys: ApiKey[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const query: { limit: number; cursor?: string } = { limit: PAGE, ...(cursor === null ? {} : { cursor }) };
    const answer: { api_keys: readonly ApiKey[]; next_cursor: string | null } = await call(
      api.GET('/v1/auth/api-keys', { params: { query }, signal }),
    );
    keys.push(...answer.api_keys);
    cursor = answer.next_cursor;
    if (cursor === null) return { keys, isComplete: true };
  }
  return { keys, isComplete: false };
}

export function useKeys() {
  return useQuery({ queryKey: KEYS, queryFn: ({ signal }) => allKeys(signal) });
}

export function useScopes() {
  return useQuery({
    queryKey: SCOPES,
    queryFn: async ({ signal }) => (await call(api.GET('/v1/auth/scopes', { signal }))).data,
  });
}

export interface Requests {
  readonly calls: number;
  readonly failures: number;
}

async function requestsByKey(signal: AbortSignal): Promise<ReadonlyMap<string, Requests>> {
  const counts = new Map<string, Requests>();
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const query: { limit: number; cursor?: string } = {
      limit: 1000,
      ...(cursor === null ? {} : { cursor }),
    };
    const answer: {
      usage: readonly { key_id: string; calls: number; failures: number }[];
      next_cursor: string | null;
    } = await call(api.GET('/v1/billing/usage', { params: { query }, signal }));
    for (const { key_id, calls, failures } of answer.usage) {
      const before = counts.get(key_id) ?? { calls: 0, failures: 0 };
      counts.set(key_id, { calls: before.calls + calls, failures: before.failures + failures });
    }
    cursor = answer.next_cursor;
    if (cursor === null) break;
  }
  return counts;
}

/** Calls of the last 30 days by key. */
export function useRequests(): ReadonlyMap<string, Requests> | null {
  const isAllowed = allows(useMe(), { role: 'admin' });
  const { data } = useQuery({
    queryKey: [...KEYS, 'requests'],
    queryFn: ({ signal }) => requestsByKey(signal),
    enabled: isAllowed,
  });
  return data ?? null;
}

export function useMemberNames(): ReadonlyMap<string, string> {
  const isAllowed = allows(useMe(), { role: 'admin' });
  const { data } = useQuery({
    queryKey: ['members', 'names'],
    queryFn: async ({ signal }) =>
      (await call(api.GET('/v1/auth/members', { params: { query: { limit: 1000 } }, signal }))).members,
    enabled: isAllowed,
  });
  return new Map((data ?? []).map(({ id, name, email }) => [id, name ?? email]));
}

export async function createKey(body: NewKeyBody): Promise<NewApiKey> {
  const key = await call(api.POST('/v1/auth/api-keys', { body }));
  refreshKeys();
  return key;
}

export async function readKey(id: string): Promise<{ readonly key: ApiKey; readonly etag: string }> {
  const answer = api.GET('/v1/auth/api-keys/{id}', { params: { path: { id } } });
  const key = await call(answer);
  return { key, etag: (await answer).response.headers.get('ETag') ?? '' };
}

export async function changeKey(id: string, body: KeyChange, etag?: string): Promise<void> {
  const header = etag === undefined ? {} : { 'If-Match': etag };
  await call(api.PATCH('/v1/auth/api-keys/{id}', { params: { path: { id }, header }, body }));
  refreshKeys();
}

export async function regenerateKey(id: string): Promise<NewApiKey> {
  const key = await call(api.POST('/v1/auth/api-keys/{id}/regenerate', { params: { path: { id } } }));
  refreshKeys();
  return key;
}

export async function revokeKey(id: string): Promise<void> {
  await call(api.DELETE('/v1/auth/api-keys/{id}', { params: { path: { id } } }));
  refreshKeys();
}
