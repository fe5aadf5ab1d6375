import { imageHeaders } from '../api/etag.ts';
import { NEXT_CURSOR, PAGING } from '../api/paging.ts';
import { type Route, route } from '../api/route.ts';
import { FILE, nullable, object, titled } from '../api/schema.ts';
import { mapInTurns } from '../base/turns.ts';
import { storedQuality } from './face-analysis.ts';
import type { FaceRecordService, StoredFace } from './face-records.ts';
import {
  ACCESS,
  BOUNDING_BOX,
  COLLECTION_ERRORS,
  CONFIDENCE,
  conflicting,
  QUALITY,
  TAGS,
} from './face-schemas.ts';
import { COLLECTION_ID, EXTERNAL_KEY, FACE_ID, ISSUED_FACE_ID, MODEL } from './schemas.ts';

const RECORD = titled(
  'StoredFace',
  object({
    faceId: ISSUED_FACE_ID,
    externalKey: nullable(EXTERNAL_KEY, "The face's external key; null if it has none."),
    createdAt: {
      type: 'string',
      pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$',
      description: 'Time of indexing, UTC.',
      examples: ['2026-01-15T10:30:00.000Z'],
    },
    confidence: CONFIDENCE,
    boundingBox: { ...BOUNDING_BOX, description: 'In the upright image that the face was indexed from.' },
    model: { ...MODEL, description: 'The model pack of its template.' },
    quality: nullable(QUALITY, 'As measured at indexing; null if not measured.'),
    hasThumbnail: {
      type: 'boolean',
      description: 'Whether `GET /v1/face/thumbnail` has an image of the face.',
      examples: [false],
    },
  }),
);

function visible({ face, hasThumbnail }: StoredFace) {
  return {
    faceId: face.faceId,
    externalKey: face.externalKey,
    createdAt: new Date(face.createdAt).toISOString(),
    confidence: face.confidence,
    boundingBox: face.box,
    model: face.pack,
    quality: storedQuality(face),
    hasThumbnail,
  };
}

export function faceRecordRoutes(records: FaceRecordService): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/face/get',
      operationId: 'getFace',
      summary: 'Get a face of a collection',
      description: 'Returns the stored data of a face, except its template.',
      tags: TAGS,
      access: ACCESS,
      query: object({ collectionId: COLLECTION_ID, faceId: FACE_ID }),
      responses: { 200: { description: 'The face.', schema: RECORD } },
      errors: [...COLLECTION_ERRORS, 'FACE_NOT_FOUND'],
      handler: ({ caller, query }) => {
        const { collectionId, faceId } = query;
        return { status: 200, body: visible(records.get(caller, collectionId, faceId)) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/face/thumbnail',
      operationId: 'getFaceThumbnail',
      summary: 'Get the image of a face',
      description:
        'A JPEG file, 224 x 224 pixels: the square around the face that it was indexed from, 1.6 times the longer side of its box. Collections with `storeThumbnails` keep one of each face added later; other faces answer `NOT_FOUND`.',
      tags: TAGS,
      access: ACCESS,
      etag: 'read',
      query: object({ collectionId: COLLECTION_ID, faceId: FACE_ID }),
      responses: { 200: { description: 'The image.', contentType: 'image/jpeg', schema: FILE } },
      errors: [...COLLECTION_ERRORS, 'FACE_NOT_FOUND', 'NOT_FOUND'],
      handler: ({ caller, query }) => {
        const { collectionId, faceId } = query;
        const body = records.thumbnail(caller, collectionId, faceId);
        return { status: 200, body, headers: imageHeaders(body) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/face/list',
      operationId: 'listFaces',
      summary: 'List the faces of a collection',
      description:
        'Oldest first. An API key with `allowed_face_ids` sees only those faces. With `unnamed`, a page may hold fewer faces than `limit`; the last page has no `nextCursor`.',
      tags: TAGS,
      access: ACCESS,
      query: object(
        {
          collectionId: COLLECTION_ID,
          externalKey: { ...EXTERNAL_KEY, description: 'Lists only the faces with this external key.' },
          unnamed: {
            type: 'boolean',
            default: false,
            description: 'Whether to list only the faces without an external key.',
            examples: [false],
          },
          ...PAGING,
        },
        { required: ['collectionId'] },
      ),
      responses: {
        200: {
          description: 'The faces.',
          schema: object({ faces: { type: 'array', items: RECORD }, nextCursor: NEXT_CURSOR }),
        },
      },
      errors: COLLECTION_ERRORS,
      handler: async ({ caller, query }) => {
        const { collectionId, externalKey, unnamed, ...page } = query;
        if (externalKey !== undefined && unnamed) {
          throw conflicting('give either externalKey or unnamed', ['externalKey', 'unnamed']);
        }
        const filter = { externalKey, isUnnamed: unnamed };
        const { faces, nextCursor } = await records.list(caller, collectionId, filter, page);
        return { status: 200, body: { faces: await mapInTurns(faces, visible), nextCursor } };
      },
    }),
  ];
}
