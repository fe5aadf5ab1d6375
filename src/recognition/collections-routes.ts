import { preconditionOf } from '../api/etag.ts';
import { NEXT_CURSOR, PAGING } from '../api/paging.ts';
import { type Route, route } from '../api/route.ts';
import { EMPTY, nullable, object, type Schema, titled } from '../api/schema.ts';
import { mapInTurns } from '../base/turns.ts';
import type { CollectionService, CountedCollection } from './collections.ts';
import { COLLECTION_ERRORS } from './face-schemas.ts';
import {
  COLLECTION_ID,
  EVENT_CROP_DAYS,
  FALSE_MATCH_RATE,
  FALSE_POSITIVE_RATE,
  MIN_QUALITY,
  MODEL,
  STORE_THUMBNAILS,
  THRESHOLD,
} from './schemas.ts';

const TAGS = ['Collections'];
const ACCESS = { by: 'caller', scope: 'v1:collections' } as const;
const READ_ACCESS = { ...ACCESS, readsOwn: true } as const;

const DESCRIPTION = {
  type: ['string', 'null'],
  maxLength: 1024,
  description: 'The purpose of the collection.',
  examples: ['Collection for employee verification'],
} as const satisfies Schema;

const DEFAULT_THRESHOLD = nullable(
  THRESHOLD,
  `${THRESHOLD.description} Calls that give neither threshold nor rate use it; null stands for 80, unless the collection has a rate.`,
);

const DEFAULT_RATES = {
  maxFalsePositiveRate: nullable(
    FALSE_POSITIVE_RATE,
    'The `maxFalsePositiveRate` of searches that give neither threshold nor rate. Not together with `faceMatchThreshold`. Searches are refused once the collection is too large for the rate.',
  ),
  maxFalseMatchRate: nullable(
    FALSE_MATCH_RATE,
    'The `maxFalseMatchRate` of `face/verify` calls that give neither threshold nor rate. Not together with `faceMatchThreshold`.',
  ),
} as const;

/** Of new collections. docs/quality.md says what it refuses. */
const NEW_MIN_QUALITY = 3;

const TIME = {
  type: 'string',
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$',
  description: 'UTC, whole seconds.',
} as const satisfies Schema;

const COLLECTION = titled(
  'Collection',
  object({
    collectionId: COLLECTION_ID,
    description: DESCRIPTION,
    createdAt: { ...TIME, examples: ['2026-01-15T10:30:00Z'] },
    updatedAt: { ...TIME, examples: ['2026-02-10T14:20:00Z'] },
    model: { ...MODEL, description: 'The model pack of its templates.' },
    minQuality: MIN_QUALITY,
    storeThumbnails: {
      ...STORE_THUMBNAILS,
      description: 'Whether the collection keeps a small image of each face.',
    },
    faceMatchThreshold: DEFAULT_THRESHOLD,
    ...DEFAULT_RATES,
    eventCropDays: EVENT_CROP_DAYS,
    faceCount: {
      type: 'integer',
      minimum: 0,
      description: 'Number of faces. An API key with `allowed_face_ids` counts only those faces.',
      examples: [42],
    },
  }),
);

const CHANGEABLE = [
  'description',
  'minQuality',
  'storeThumbnails',
  'faceMatchThreshold',
  'maxFalsePositiveRate',
  'maxFalseMatchRate',
  'eventCropDays',
] as const;

const COLLECTION_QUERY = object({ collectionId: COLLECTION_ID });
const COLLECTION_ANSWER = object({ collectionId: COLLECTION_ID });

function seconds(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

function visible(collection: CountedCollection) {
  const { collectionId, description, createdAt, updatedAt, pack, faceCount } = collection;
  const { minQuality = 0, storeThumbnails = false } = collection;
  const { faceMatchThreshold = null, eventCropDays = null } = collection;
  const { maxFalsePositiveRate = null, maxFalseMatchRate = null } = collection;
  return {
    collectionId,
    description,
    createdAt: seconds(createdAt),
    updatedAt: seconds(updatedAt),
    model: pack,
    minQuality,
    storeThumbnails,
    faceMatchThreshold,
    maxFalsePositiveRate,
    maxFalseMatchRate,
    eventCropDays,
    faceCount,
  };
}

export function collectionRoutes(collections: CollectionService): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/collection/get',
      operationId: 'getCollection',
      summary: 'Get a collection',
      tags: TAGS,
      description: '`faceCount` does not change the `ETag`; every other field does.',
      access: READ_ACCESS,
      etag: 'read',
      query: COLLECTION_QUERY,
      responses: {
        200: { description: 'The collection.', schema: object({ recognitionCollection: COLLECTION }) },
      },
      errors: COLLECTION_ERRORS,
      handler: async ({ caller, query }) => {
        const { collection, etag } = await collections.get(caller, query.collectionId);
        const body = { recognitionCollection: visible(collection) };
        return { status: 200, body, headers: { ETag: etag } };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/collection/get-all',
      operationId: 'getAllCollections',
      summary: 'List the collections',
      description:
        'Sorted by id. An API key limited to a collection or to model packs sees only those collections.',
      tags: TAGS,
      access: READ_ACCESS,
      query: object(PAGING, { required: [] }),
      responses: {
        200: {
          description: 'The collections.',
          schema: object({ collections: { type: 'array', items: COLLECTION }, nextCursor: NEXT_CURSOR }),
        },
      },
      errors: [],
      handler: async ({ caller, query }) => {
        const { cursor, limit } = query;
        const page = await collections.list(caller, cursor, limit);
        const listed = await mapInTurns(page.collections, visible);
        return { status: 200, body: { collections: listed, nextCursor: page.nextCursor } };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/collection/create',
      operationId: 'createCollection',
      audit: { action: 'collection.create', target: 'collectionId' },
      summary: 'Create a collection',
      description:
        'Binds the collection to the model pack `model`; default: the first loaded pack that the caller may use.',
      tags: TAGS,
      access: ACCESS,
      body: object(
        {
          collectionId: COLLECTION_ID,
          description: { ...DESCRIPTION, default: null },
          model: MODEL,
          minQuality: { ...MIN_QUALITY, default: NEW_MIN_QUALITY },
          storeThumbnails: {
            ...STORE_THUMBNAILS,
            default: false,
            description: 'Whether to keep a small image of each face, and of the face in each event.',
          },
          faceMatchThreshold: { ...DEFAULT_THRESHOLD, default: null },
          maxFalsePositiveRate: { ...DEFAULT_RATES.maxFalsePositiveRate, default: null },
          maxFalseMatchRate: { ...DEFAULT_RATES.maxFalseMatchRate, default: null },
          eventCropDays: { ...EVENT_CROP_DAYS, default: null },
        },
        {
          optional: ['model', ...CHANGEABLE],
        },
      ),
      responses: { 200: { description: 'The collection is created.', schema: COLLECTION_ANSWER } },
      errors: [
        'COLLECTION_ALREADY_EXISTS',
        'COLLECTION_NOT_ALLOWED',
        'FACE_NOT_ALLOWED',
        'MODEL_NOT_ALLOWED',
        'STORAGE_READ_ONLY',
      ],
      handler: async ({ caller, body }) => {
        const { collectionId, ...settings } = body;
        await collections.create(caller, collectionId, settings);
        return { status: 200, body: { collectionId } };
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/collection/update',
      operationId: 'updateCollection',
      etag: 'write',
      audit: { action: 'collection.update', target: 'collectionId' },
      summary: 'Change a collection',
      description:
        'Keeps every field that is absent. `description` null removes the description. A new `minQuality` applies to faces added later. `storeThumbnails` false erases the images of all faces and events of the collection: they are unreadable at once, and gone from the store within seconds to minutes. A lower `eventCropDays` also erases older images of events, within seconds to minutes.',
      tags: TAGS,
      access: ACCESS,
      body: object(
        {
          collectionId: COLLECTION_ID,
          description: DESCRIPTION,
          minQuality: MIN_QUALITY,
          storeThumbnails: STORE_THUMBNAILS,
          faceMatchThreshold: DEFAULT_THRESHOLD,
          ...DEFAULT_RATES,
          eventCropDays: EVENT_CROP_DAYS,
        },
        { optional: [...CHANGEABLE] },
      ),
      responses: {
        200: {
          description: 'The collection is changed.',
          schema: object(
            {
              collectionId: COLLECTION_ID,
              erasesThumbnails: {
                type: 'boolean',
                description:
                  'Present and true while the service erases images that the collection no longer keeps.',
              },
            },
            { optional: ['erasesThumbnails'] },
          ),
        },
      },
      errors: [...COLLECTION_ERRORS, 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, body, headers }) => {
        const { collectionId, ...change } = body;
        const check = preconditionOf(headers);
        const { etag, isErasing } = await collections.update(caller, collectionId, change, check);
        const erasing = isErasing ? { erasesThumbnails: true } : {};
        return { status: 200, body: { collectionId, ...erasing }, headers: { ETag: etag } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/collection/reset',
      operationId: 'resetCollection',
      etag: 'write',
      confirmed: true,
      audit: { action: 'collection.reset', target: 'collectionId' },
      summary: 'Delete all faces of a collection',
      description: 'Keeps the collection and its settings. Deleted faces can only be restored from a backup.',
      tags: TAGS,
      access: ACCESS,
      query: COLLECTION_QUERY,
      responses: { 200: { description: 'The faces are deleted.', schema: COLLECTION_ANSWER } },
      errors: [...COLLECTION_ERRORS, 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, query, headers }) => {
        const { collectionId } = query;
        await collections.reset(caller, collectionId, preconditionOf(headers));
        return { status: 200, body: { collectionId } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/collection/delete',
      operationId: 'deleteCollection',
      etag: 'write',
      confirmed: true,
      audit: { action: 'collection.delete', target: 'collectionId' },
      summary: 'Delete a collection and its faces',
      description: 'Succeeds if the collection does not exist.',
      tags: TAGS,
      access: ACCESS,
      query: COLLECTION_QUERY,
      responses: { 200: { description: 'The collection does not exist.', schema: EMPTY } },
      errors: [...COLLECTION_ERRORS, 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, query, headers }) => {
        const { collectionId } = query;
        await collections.delete(caller, collectionId, preconditionOf(headers));
        return { status: 200, body: {} };
      },
    }),
  ];
}
