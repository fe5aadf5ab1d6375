import { NEXT_CURSOR, PAGING } from '../http/paging.ts';
import type { CallerRoute } from '../http/route.ts';
import { EMPTY, object } from '../http/schema.ts';
import type { ExternalKeyService } from './external-keys.ts';
import { COLLECTION_ID, EXTERNAL_KEY, FACE_ID, ISSUED_FACE_ID } from './schemas.ts';

const TAGS = ['External keys'];
const ACCESS = { by: 'caller', scope: 'v1:external-keys' } as const;

interface SetParameters {
  readonly collectionId: string;
  readonly faceId: string;
  readonly externalKey: string;
  readonly allowDuplicates: boolean;
}

interface KeyParameters {
  readonly collectionId: string;
  readonly externalKey: string;
  readonly faceId?: string;
  readonly cursor?: string;
  readonly limit: number;
}

/** The endpoints under `/v1/external-key`. */
export function externalKeyRoutes(externalKeys: ExternalKeyService): readonly CallerRoute[] {
  return [
    {
      method: 'PUT',
      path: '/v1/external-key/set',
      operationId: 'setExternalKey',
      summary: 'Give a face an external key',
      description: 'A face has one key at most: setting another replaces it.',
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
            description: 'Whether several faces may have this key.',
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
              description: '`Updated` where the face had a key already.',
              examples: ['Created'],
            },
          }),
        },
      },
      errors: [
        'EXTERNAL_KEY_CONFLICT',
        'COLLECTION_NOT_FOUND',
        'COLLECTION_NOT_ALLOWED',
        'FACE_NOT_FOUND',
        'FACE_NOT_ALLOWED',
        'STORAGE_READ_ONLY',
      ],
      handler: async ({ caller, body }) => {
        const { collectionId, faceId, externalKey, allowDuplicates } = body as unknown as SetParameters;
        const request = { faceId, externalKey, allowDuplicates };
        const result = await externalKeys.set(caller, collectionId, request);
        return { status: 200, body: { faceId, externalKey, result } };
      },
    },
    {
      method: 'GET',
      path: '/v1/external-key/get-face-ids',
      operationId: 'getFaceIds',
      summary: 'List the faces with an external key',
      description: 'Oldest first; an empty list for a key that no face has.',
      tags: TAGS,
      access: ACCESS,
      query: object(
        { collectionId: COLLECTION_ID, externalKey: EXTERNAL_KEY, ...PAGING },
        { optional: Object.keys(PAGING) },
      ),
      responses: {
        200: {
          description: 'The ids of the faces.',
          schema: object({ faceIds: { type: 'array', items: ISSUED_FACE_ID }, nextCursor: NEXT_CURSOR }),
        },
      },
      errors: ['COLLECTION_NOT_FOUND', 'COLLECTION_NOT_ALLOWED'],
      handler: ({ caller, query }) => {
        const { collectionId, externalKey, cursor, limit } = query as unknown as KeyParameters;
        return { status: 200, body: externalKeys.faceIds(caller, collectionId, externalKey, cursor, limit) };
      },
    },
    {
      method: 'DELETE',
      path: '/v1/external-key/delete',
      operationId: 'deleteExternalKey',
      summary: 'Take an external key from its faces',
      description:
        'With `faceId` from that face only, without it from every face that has it. The faces stay. Taking away a key that no face has succeeds.',
      tags: TAGS,
      access: ACCESS,
      query: object(
        { collectionId: COLLECTION_ID, externalKey: EXTERNAL_KEY, faceId: FACE_ID },
        { optional: ['faceId'] },
      ),
      responses: { 200: { description: 'No such face has the key any more.', schema: EMPTY } },
      errors: ['COLLECTION_NOT_FOUND', 'COLLECTION_NOT_ALLOWED', 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, query }) => {
        const { collectionId, externalKey, faceId } = query as unknown as KeyParameters;
        await externalKeys.delete(caller, collectionId, externalKey, faceId ?? null);
        return { status: 200, body: {} };
      },
    },
  ];
}
