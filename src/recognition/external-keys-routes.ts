import { NEXT_CURSOR, PAGING } from '../api/paging.ts';
import { type Route, route } from '../api/route.ts';
import { EMPTY, object } from '../api/schema.ts';
import type { ExternalKeyService } from './external-keys.ts';
import { COLLECTION_ERRORS } from './face-schemas.ts';
import { COLLECTION_ID, EXTERNAL_KEY, FACE_ID, ISSUED_FACE_ID } from './schemas.ts';

const TAGS = ['External keys'];
const ACCESS = { by: 'caller', scope: 'v1:external-keys' } as const;

export function externalKeyRoutes(externalKeys: ExternalKeyService): readonly Route[] {
  return [
    route({
      method: 'PUT',
      path: '/v1/external-key/set',
      operationId: 'setExternalKey',
      summary: 'Set the external key of a face',
      description: 'A face has at most one external key; a new key replaces it.',
      tags: TAGS,
      access: ACCESS,
      body: object(
        {
          collectionId: COLLECTION_ID,
          faceId: FACE_ID,
          externalKey: EXTERNAL_KEY,
          allowDuplicates: {
            type: 'boolean',
            default: false,
            description: 'Whether several faces may share this key.',
            examples: [false],
          },
        },
        { optional: ['allowDuplicates'] },
      ),
      responses: {
        200: {
          description: 'The face has the key.',
          schema: object({
            faceId: ISSUED_FACE_ID,
            externalKey: EXTERNAL_KEY,
            result: {
              enum: ['Created', 'Updated'],
              description: '`Updated` if the face already had a key.',
              examples: ['Created'],
            },
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
        const { collectionId, faceId, externalKey, allowDuplicates } = body;
        const request = { faceId, externalKey, allowDuplicates };
        const result = await externalKeys.set(caller, collectionId, request);
        return { status: 200, body: { faceId, externalKey, result } };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/external-key/get-face-ids',
      operationId: 'getFaceIds',
      summary: 'List the faces of an external key',
      description: 'Oldest first. An unused key gives an empty list.',
      tags: TAGS,
      access: ACCESS,
      query: object(
        { collectionId: COLLECTION_ID, externalKey: EXTERNAL_KEY, ...PAGING },
        { required: ['collectionId', 'externalKey'] },
      ),
      responses: {
        200: {
          description: 'The ids of the faces.',
          schema: object({ faceIds: { type: 'array', items: ISSUED_FACE_ID }, nextCursor: NEXT_CURSOR }),
        },
      },
      errors: COLLECTION_ERRORS,
      handler: async ({ caller, query }) => {
        const { collectionId, externalKey, cursor, limit } = query;
        const body = await externalKeys.faceIds(caller, collectionId, externalKey, cursor, limit);
        return { status: 200, body };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/external-key/delete',
      operationId: 'deleteExternalKey',
      summary: 'Remove an external key from its faces',
      description:
        'Removes the key from all its faces, or only from `faceId`. Keeps the faces. Succeeds if no face has the key.',
      tags: TAGS,
      access: ACCESS,
      query: object(
        { collectionId: COLLECTION_ID, externalKey: EXTERNAL_KEY, faceId: FACE_ID },
        { optional: ['faceId'] },
      ),
      responses: { 200: { description: 'The key is removed.', schema: EMPTY } },
      errors: [...COLLECTION_ERRORS, 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, query }) => {
        const { collectionId, externalKey, faceId } = query;
        await externalKeys.delete(caller, collectionId, externalKey, faceId ?? null);
        return { status: 200, body: {} };
      },
    }),
  ];
}
