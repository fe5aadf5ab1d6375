import { NEXT_CURSOR, PAGING } from '../http/paging.ts';
import type { CallerRoute, Schema } from '../http/route.ts';
import { EMPTY, object } from '../http/schema.ts';
import type { Collection } from '../store/records.ts';
import type { CollectionService } from './collections.ts';
import { COLLECTION_ID, MIN_QUALITY, MODEL } from './schemas.ts';

const TAGS = ['Collections'];
const ACCESS = { by: 'caller', scope: 'v1:collections' } as const;

const DESCRIPTION: Schema = {
  type: ['string', 'null'],
  maxLength: 1024,
  description: 'What the collection is for.',
  examples: ['Collection for employee verification'],
};

const TIME: Schema = {
  type: 'string',
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$',
  description: 'UTC, whole seconds.',
};

const COLLECTION: Schema = object({
  collectionId: COLLECTION_ID,
  description: DESCRIPTION,
  createdAt: { ...TIME, examples: ['2026-01-15T10:30:00Z'] },
  updatedAt: { ...TIME, examples: ['2026-02-10T14:20:00Z'] },
  model: { ...MODEL, description: 'The model pack that its faces are made with.' },
  minQuality: MIN_QUALITY,
});

const COLLECTION_QUERY: Schema = object({ collectionId: COLLECTION_ID });
const COLLECTION_ANSWER: Schema = object({ collectionId: COLLECTION_ID });

interface CollectionParameters {
  readonly collectionId: string;
  readonly description?: string | null;
  readonly model?: string;
  readonly minQuality?: number;
}

interface PageParameters {
  readonly cursor?: string;
  readonly limit: number;
}

function seconds(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

function visible({ collectionId, description, createdAt, updatedAt, pack, minQuality = 0 }: Collection) {
  return {
    collectionId,
    description,
    createdAt: seconds(createdAt),
    updatedAt: seconds(updatedAt),
    model: pack,
    minQuality,
  };
}

/** The endpoints under `/v1/collection`. */
export function collectionRoutes(collections: CollectionService): readonly CallerRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/collection/get',
      operationId: 'getCollection',
      summary: 'Get a collection',
      tags: TAGS,
      access: ACCESS,
      query: COLLECTION_QUERY,
      responses: {
        200: { description: 'The collection.', schema: object({ recognitionCollection: COLLECTION }) },
      },
      errors: ['COLLECTION_NOT_FOUND', 'COLLECTION_NOT_ALLOWED'],
      handler: ({ caller, query }) => {
        const { collectionId } = query as unknown as CollectionParameters;
        return {
          status: 200,
          body: { recognitionCollection: visible(collections.get(caller, collectionId)) },
        };
      },
    },
    {
      method: 'GET',
      path: '/v1/collection/get-all',
      operationId: 'getAllCollections',
      summary: 'List the collections',
      description:
        "The account's collections by id. An API key that is bound to a collection sees that one only.",
      tags: TAGS,
      access: ACCESS,
      query: object(PAGING, { optional: Object.keys(PAGING) }),
      responses: {
        200: {
          description: 'The collections.',
          schema: object({ collections: { type: 'array', items: COLLECTION }, nextCursor: NEXT_CURSOR }),
        },
      },
      errors: [],
      handler: ({ caller, query }) => {
        const { cursor, limit } = query as unknown as PageParameters;
        const page = collections.list(caller, cursor, limit);
        return {
          status: 200,
          body: { collections: page.collections.map(visible), nextCursor: page.nextCursor },
        };
      },
    },
    {
      method: 'POST',
      path: '/v1/collection/create',
      operationId: 'createCollection',
      audit: { action: 'collection.create', target: 'collectionId' },
      summary: 'Create a collection',
      description:
        'The collection is bound to the model pack that `model` names, or to the first loaded one that the caller may use.',
      tags: TAGS,
      access: ACCESS,
      body: object(
        {
          collectionId: COLLECTION_ID,
          description: { ...DESCRIPTION, default: null },
          model: MODEL,
          minQuality: { ...MIN_QUALITY, default: 0 },
        },
        { optional: ['description', 'model', 'minQuality'] },
      ),
      responses: { 200: { description: 'The collection was created.', schema: COLLECTION_ANSWER } },
      errors: [
        'COLLECTION_ALREADY_EXISTS',
        'COLLECTION_NOT_ALLOWED',
        'MODEL_NOT_ALLOWED',
        'STORAGE_READ_ONLY',
      ],
      handler: async ({ caller, body }) => {
        const { collectionId, description = null, ...rest } = body as unknown as CollectionParameters;
        await collections.create(caller, collectionId, { description, ...rest });
        return { status: 200, body: { collectionId } };
      },
    },
    {
      method: 'PUT',
      path: '/v1/collection/update',
      operationId: 'updateCollection',
      audit: { action: 'collection.update', target: 'collectionId' },
      summary: 'Change a collection',
      description:
        'What is not given stays; `description` null removes it. Another `minQuality` is for faces to come.',
      tags: TAGS,
      access: ACCESS,
      body: object(
        { collectionId: COLLECTION_ID, description: DESCRIPTION, minQuality: MIN_QUALITY },
        { optional: ['description', 'minQuality'] },
      ),
      responses: { 200: { description: 'The collection was changed.', schema: COLLECTION_ANSWER } },
      errors: ['COLLECTION_NOT_FOUND', 'COLLECTION_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, body }) => {
        const { collectionId, ...change } = body as unknown as CollectionParameters;
        await collections.update(caller, collectionId, change);
        return { status: 200, body: { collectionId } };
      },
    },
    {
      method: 'DELETE',
      path: '/v1/collection/reset',
      operationId: 'resetCollection',
      audit: { action: 'collection.reset', target: 'collectionId' },
      summary: 'Remove all faces of a collection',
      description: 'The collection and its description stay. This cannot be undone.',
      tags: TAGS,
      access: ACCESS,
      query: COLLECTION_QUERY,
      responses: { 200: { description: 'All faces were removed.', schema: COLLECTION_ANSWER } },
      errors: ['COLLECTION_NOT_FOUND', 'COLLECTION_NOT_ALLOWED', 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, query }) => {
        const { collectionId } = query as unknown as CollectionParameters;
        await collections.reset(caller, collectionId);
        return { status: 200, body: { collectionId } };
      },
    },
    {
      method: 'DELETE',
      path: '/v1/collection/delete',
      operationId: 'deleteCollection',
      audit: { action: 'collection.delete', target: 'collectionId' },
      summary: 'Delete a collection with its faces',
      description: 'Deleting a collection that is not there succeeds.',
      tags: TAGS,
      access: ACCESS,
      query: COLLECTION_QUERY,
      responses: { 200: { description: 'There is no such collection any more.', schema: EMPTY } },
      errors: ['COLLECTION_NOT_FOUND', 'COLLECTION_NOT_ALLOWED', 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, query }) => {
        const { collectionId } = query as unknown as CollectionParameters;
        await collections.delete(caller, collectionId);
        return { status: 200, body: {} };
      },
    },
  ];
}
