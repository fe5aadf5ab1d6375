import { preconditionOf } from '../../api/etag.ts';
import { decodeCursor, encodeCursor, NEXT_CURSOR, PAGING } from '../../api/paging.ts';
import { type Route, route } from '../../api/route.ts';
import { object } from '../../api/schema.ts';
import { KeyManagement, type KeyManagementParts } from './key-management.ts';
import { KEY_CHANGE_BODY, NEW_KEY_BODY } from './key-settings.ts';
import { type ApiKeyView, KEY_ID, KEY_VIEW, NEW_KEY_VIEW } from './key-view.ts';
import { scopesRoute } from './scopes-route.ts';

const COMMON = { tags: ['API keys'] } as const;

const ACCESS = { by: 'member-or-key', role: 'member', scope: 'v1:api-keys' } as const;

const ONE = { path: '/v1/auth/api-keys/{id}', params: { id: KEY_ID }, access: ACCESS, ...COMMON } as const;

const KEY_ID_PATTERN = /^key_[0-9A-HJKMNP-TV-Z]{26}$/;

const WITHIN =
  'An API key needs the scope `v1:api-keys`. It reaches keys of its environment whose limits by collection, faces and ' +
  'models are within its own, and cannot grant more than it has. If its member is not an admin, it reaches only the ' +
  'keys of that member.';

function trailOf({ id, environment, collection_id }: ApiKeyView) {
  return { target: id, environment, collectionId: collection_id };
}

function collectionRoutes(keys: KeyManagement): Route[] {
  const path = '/v1/auth/api-keys';
  return [
    route({
      ...COMMON,
      method: 'POST',
      path,
      operationId: 'createApiKey',
      secret: true,
      summary: 'Create an API key',
      description:
        'This answer is the only one that shows the key. The plan limits the number of keys per member.',
      access: { by: 'member', role: 'member' },
      body: NEW_KEY_BODY,
      responses: { 201: { description: 'The new key.', schema: NEW_KEY_VIEW } },
      audit: { action: 'api-key.create' },
      errors: ['ACCOUNT_NOT_FOUND', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, body }) => {
        const { view, etag } = await keys.create(caller, body);
        return { status: 201, body: view, headers: { ETag: etag }, audit: trailOf(view) };
      },
    }),
    route({
      ...COMMON,
      method: 'GET',
      path,
      operationId: 'listApiKeys',
      summary: 'List the API keys',
      description:
        'Oldest first. A page may hold fewer keys than `limit`, even none, while `next_cursor` is not null. ' +
        WITHIN,
      access: ACCESS,
      query: object(PAGING, { required: [] }),
      responses: {
        200: {
          description: 'The keys, without their secret values.',
          schema: object({ api_keys: { type: 'array', items: KEY_VIEW }, next_cursor: NEXT_CURSOR }),
        },
      },
      errors: [],
      handler: async ({ caller, query }) => {
        const { cursor, limit } = query;
        const page = await keys.list(caller, decodeCursor(cursor, KEY_ID_PATTERN), limit);
        const next_cursor = page.next && encodeCursor(page.next);
        return { status: 200, body: { api_keys: page.keys, next_cursor } };
      },
    }),
  ];
}

export function apiKeyRoutes(parts: KeyManagementParts): Route[] {
  const keys = new KeyManagement(parts);
  return [
    ...collectionRoutes(keys),
    scopesRoute(parts),
    route({
      ...ONE,
      method: 'GET',
      operationId: 'getApiKey',
      etag: 'read',
      summary: 'Get an API key',
      description: `The \`ETag\` changes with the settings, not with use and spending. ${WITHIN}`,
      responses: { 200: { description: 'The key, without its secret value.', schema: KEY_VIEW } },
      errors: ['NOT_FOUND'],
      handler: ({ caller, params }) => {
        const { view, etag } = keys.get(caller, params.id);
        return { status: 200, body: view, headers: { ETag: etag } };
      },
    }),
    route({
      ...ONE,
      method: 'PATCH',
      operationId: 'changeApiKey',
      etag: 'write',
      summary: 'Change an API key',
      description:
        'Null clears a limit. The change applies from the next request. `member_id` gives the key to another ' +
        'member and ends its suspension; only admins and owners may do so. ' +
        WITHIN,
      body: KEY_CHANGE_BODY,
      responses: { 200: { description: 'The changed key.', schema: KEY_VIEW } },
      audit: { action: 'api-key.change', target: 'id' },
      errors: ['NOT_FOUND', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, params, body, headers }) => {
        const { view, etag } = await keys.change(caller, params.id, body, preconditionOf(headers));
        return { status: 200, body: view, headers: { ETag: etag }, audit: trailOf(view) };
      },
    }),
    route({
      ...ONE,
      method: 'DELETE',
      operationId: 'revokeApiKey',
      etag: 'write',
      confirmed: true,
      summary: 'Revoke an API key',
      description: `Takes effect at once and cannot be undone; requests in progress end with \`INVALID_API_KEY\`. ${WITHIN}`,
      responses: { 204: { description: 'The key is revoked.', schema: {} } },
      audit: { action: 'api-key.revoke', target: 'id' },
      errors: ['NOT_FOUND', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, params, headers }) => {
        const check = preconditionOf(headers);
        const { id, environment, collectionId } = await keys.revoke(caller, params.id, check);
        return { status: 204, body: null, audit: { target: id, environment, collectionId } };
      },
    }),
    route({
      ...ONE,
      path: '/v1/auth/api-keys/{id}/regenerate',
      method: 'POST',
      operationId: 'regenerateApiKey',
      secret: true,
      etag: 'write',
      confirmed: true,
      summary: 'Regenerate an API key',
      description: `Gives the key a new value and keeps its settings. The old value and its tokens become invalid at once. ${WITHIN}`,
      responses: {
        200: { description: 'The key with its new value, which is shown only here.', schema: NEW_KEY_VIEW },
      },
      audit: { action: 'api-key.regenerate', target: 'id' },
      errors: ['NOT_FOUND', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, params, headers }) => {
        const { view, etag } = await keys.regenerate(caller, params.id, preconditionOf(headers));
        return { status: 200, body: view, headers: { ETag: etag }, audit: trailOf(view) };
      },
    }),
  ];
}
