import { decodeCursor, encodeCursor, NEXT_CURSOR, PAGING } from '../http/paging.ts';
import type { CallerRoute } from '../http/route.ts';
import { object } from '../http/schema.ts';
import { type KeyChangeBody, KeyManagement, type KeyManagementParts } from './key-management.ts';
import { KEY_CHANGE_BODY, NEW_KEY_BODY, type NewKeyBody } from './key-settings.ts';
import { KEY_ID, KEY_VIEW, NEW_KEY_VIEW } from './key-view.ts';

const COMMON = { tags: ['API keys'] } as const;

/** Keys handle keys too, but never more than they may themselves. */
const ACCESS = { by: 'member-or-key', role: 'member', scope: 'v1:api-keys' } as const;

const ONE = { path: '/v1/auth/api-keys/{id}', params: { id: KEY_ID }, access: ACCESS, ...COMMON } as const;

const KEY_ID_PATTERN = /^key_[0-9A-HJKMNP-TV-Z]{26}$/;

const WITHIN =
  'An API key may do this with the scope `v1:api-keys`, and gives no key more than it has itself. Of a member without ' +
  'the role `admin` it reaches the keys of that member only.';

function collectionRoutes(keys: KeyManagement): CallerRoute[] {
  const path = '/v1/auth/api-keys';
  return [
    {
      ...COMMON,
      method: 'POST',
      path,
      operationId: 'createApiKey',
      summary: 'Make an API key',
      description:
        'The key itself is in this answer and nowhere else. A member may have as many as the plan says.',
      access: { by: 'member', role: 'member' },
      body: NEW_KEY_BODY,
      responses: { 201: { description: 'The key was made.', schema: NEW_KEY_VIEW } },
      audit: { action: 'api-key.create' },
      errors: ['ACCOUNT_NOT_FOUND', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, body }) => {
        const made = await keys.create(caller, body as unknown as NewKeyBody);
        return { status: 201, body: made, audit: { target: made.id } };
      },
    },
    {
      ...COMMON,
      method: 'GET',
      path,
      operationId: 'listApiKeys',
      summary: 'List the API keys',
      description: `Oldest first. ${WITHIN}`,
      access: ACCESS,
      query: object(PAGING, { optional: Object.keys(PAGING) }),
      responses: {
        200: {
          description: 'The keys, without the keys themselves.',
          schema: object({ api_keys: { type: 'array', items: KEY_VIEW }, next_cursor: NEXT_CURSOR }),
        },
      },
      errors: [],
      handler: ({ caller, query }) => {
        const { cursor, limit } = query as { cursor?: string; limit: number };
        const page = keys.list(caller, decodeCursor(cursor, KEY_ID_PATTERN), limit);
        const last = page.keys.at(-1);
        const next_cursor = page.hasMore && last ? encodeCursor(last.id) : null;
        return { status: 200, body: { api_keys: page.keys, next_cursor } };
      },
    },
  ];
}

/** The endpoints under `/v1/auth/api-keys`. */
export function apiKeyRoutes(parts: KeyManagementParts): CallerRoute[] {
  const keys = new KeyManagement(parts);
  return [
    ...collectionRoutes(keys),
    {
      ...ONE,
      method: 'GET',
      operationId: 'getApiKey',
      summary: 'Get an API key',
      description: WITHIN,
      responses: { 200: { description: 'The key, without the key itself.', schema: KEY_VIEW } },
      errors: ['NOT_FOUND'],
      handler: ({ caller, params }) => ({ status: 200, body: keys.get(caller, params.id as string) }),
    },
    {
      ...ONE,
      method: 'PATCH',
      operationId: 'changeApiKey',
      summary: 'Change an API key',
      description: `Null clears a limit. It counts from the next request on. ${WITHIN}`,
      body: KEY_CHANGE_BODY,
      responses: { 200: { description: 'The key as it is now.', schema: KEY_VIEW } },
      audit: { action: 'api-key.change', target: 'id' },
      errors: ['NOT_FOUND', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, params, body }) => {
        return { status: 200, body: await keys.change(caller, params.id as string, body as KeyChangeBody) };
      },
    },
    {
      ...ONE,
      method: 'DELETE',
      operationId: 'revokeApiKey',
      summary: 'Revoke an API key',
      description: `At once and for good: requests that are under way end with \`INVALID_API_KEY\`. ${WITHIN}`,
      responses: { 204: { description: 'The key is revoked.', schema: {} } },
      audit: { action: 'api-key.revoke', target: 'id' },
      errors: ['NOT_FOUND', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, params }) => {
        await keys.revoke(caller, params.id as string);
        return { status: 204, body: null };
      },
    },
    {
      ...ONE,
      path: '/v1/auth/api-keys/{id}/regenerate',
      method: 'POST',
      operationId: 'regenerateApiKey',
      summary: 'Give an API key a new value',
      description: `The settings stay; the old value and its tokens are invalid at once. ${WITHIN}`,
      responses: {
        200: { description: 'The key with its new value, shown this once.', schema: NEW_KEY_VIEW },
      },
      audit: { action: 'api-key.regenerate', target: 'id' },
      errors: ['NOT_FOUND', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, params }) => {
        return { status: 200, body: await keys.regenerate(caller, params.id as string) };
      },
    },
  ];
}
