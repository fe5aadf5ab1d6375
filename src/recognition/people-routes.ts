import { NEXT_CURSOR, PAGING } from '../api/paging.ts';
import { type Route, route } from '../api/route.ts';
import { object, titled } from '../api/schema.ts';
import { mapInTurns } from '../base/turns.ts';
import { PERSON_SORTS } from '../store/people-table.ts';
import { COLLECTION_ERRORS } from './face-schemas.ts';
import type { ListedPerson, PeopleService } from './people.ts';
import { COLLECTION_ID, EXTERNAL_KEY, ISSUED_FACE_ID } from './schemas.ts';

const TAGS = ['External keys'];
const ACCESS = { by: 'caller', scope: 'v1:external-keys' } as const;

const TIME_PATTERN = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$';

const PERSON = titled(
  'Person',
  object({
    externalKey: EXTERNAL_KEY,
    faceCount: { type: 'integer', minimum: 1, description: 'Number of faces.', examples: [3] },
    createdAt: {
      type: 'string',
      pattern: TIME_PATTERN,
      description: 'Time of indexing of the first face, UTC.',
      examples: ['2026-01-15T10:30:00.000Z'],
    },
    lastSeenAt: {
      type: ['string', 'null'],
      pattern: TIME_PATTERN,
      description: 'Time of the last match, UTC; null if none is known.',
      examples: ['2026-01-16T08:12:45.310Z'],
    },
    quality: {
      type: ['number', 'null'],
      minimum: 0,
      maximum: 100,
      description: 'Quality score of the best face; null if none was measured.',
      examples: [91],
    },
    faceId: {
      ...ISSUED_FACE_ID,
      description: 'The face with the best quality, among those with a thumbnail if there are any.',
    },
    hasThumbnail: {
      type: 'boolean',
      description: 'Whether `GET /v1/face/thumbnail` has an image of that face.',
      examples: [false],
    },
  }),
);

function visible({ createdAt, lastSeenAt, ...person }: ListedPerson) {
  return {
    ...person,
    createdAt: new Date(createdAt).toISOString(),
    lastSeenAt: lastSeenAt === null ? null : new Date(lastSeenAt).toISOString(),
  };
}

export function peopleRoutes(people: PeopleService): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/external-key/list',
      operationId: 'listExternalKeys',
      summary: 'List the people of a collection',
      description:
        'Each external key with the number of its faces. Absent values sort before all others. A person that changes between two pages may be on both or on neither. An API key with `allowed_face_ids` sees only those people.',
      tags: TAGS,
      access: ACCESS,
      query: object(
        {
          collectionId: COLLECTION_ID,
          filter: {
            type: 'string',
            minLength: 1,
            maxLength: 512,
            description: 'Lists only external keys that contain this text, in upper or lower case.',
            examples: ['user'],
          },
          sort: {
            type: 'string',
            enum: PERSON_SORTS,
            default: 'externalKey',
            description: 'Order of the list.',
          },
          order: {
            type: 'string',
            enum: ['asc', 'desc'],
            default: 'asc',
            description: 'Direction of the order.',
          },
          ...PAGING,
          cursor: { ...PAGING.cursor, maxLength: 1024 },
        },
        { required: ['collectionId'] },
      ),
      responses: {
        200: {
          description: 'The people.',
          schema: object({
            people: { type: 'array', items: PERSON },
            total: {
              type: 'integer',
              minimum: 0,
              description: 'Number of people that match `filter`, on all pages.',
              examples: [1],
            },
            nextCursor: NEXT_CURSOR,
          }),
        },
      },
      errors: COLLECTION_ERRORS,
      handler: async ({ caller, query }) => {
        const { collectionId, ...request } = query;
        const answer = await people.list(caller, collectionId, request);
        return { status: 200, body: { ...answer, people: await mapInTurns(answer.people, visible) } };
      },
    }),
    route({
      method: 'PUT',
      path: '/v1/external-key/rename',
      operationId: 'renameExternalKey',
      audit: { action: 'external-key.rename' },
      summary: 'Rename an external key, or merge two people',
      description:
        'Gives all faces of `externalKey` the key `newExternalKey`. With `merge`, other faces may have the new key already. A key with more than 64 faces changes in several transactions: meanwhile, and after a crash, each face has one key or the other. Send the request again with `merge` to finish.',
      tags: TAGS,
      access: ACCESS,
      body: object(
        {
          collectionId: COLLECTION_ID,
          externalKey: EXTERNAL_KEY,
          newExternalKey: { ...EXTERNAL_KEY, description: 'The new external key.', examples: ['user-456'] },
          merge: {
            type: 'boolean',
            default: false,
            description: 'Whether to join the faces of both keys if the new key is in use.',
            examples: [false],
          },
        },
        { optional: ['merge'] },
      ),
      responses: {
        200: {
          description: 'The faces have the new key.',
          schema: object({
            externalKey: { ...EXTERNAL_KEY, description: 'The new external key.' },
            faceCount: { type: 'integer', minimum: 0, description: 'Number of its faces.', examples: [3] },
          }),
        },
      },
      errors: [
        'EXTERNAL_KEY_CONFLICT',
        ...COLLECTION_ERRORS,
        'FACE_NOT_FOUND',
        'FACE_NOT_ALLOWED',
        'STORAGE_READ_ONLY',
      ],
      handler: async ({ caller, body }) => {
        const { collectionId, ...renaming } = body;
        const faceCount = await people.rename(caller, collectionId, renaming);
        const { externalKey, newExternalKey } = renaming;
        return {
          status: 200,
          body: { externalKey: newExternalKey, faceCount },
          audit: { each: { externalKeys: [externalKey, newExternalKey] } },
        };
      },
    }),
  ];
}
