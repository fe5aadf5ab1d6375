import { NEXT_CURSOR, PAGING } from '../http/paging.ts';
import type { CallerRoute, Schema } from '../http/route.ts';
import { nullable, object } from '../http/schema.ts';
import type { FaceRecord } from '../store/records.ts';
import type { FaceRecordService } from './face-records.ts';
import { ACCESS, BOUNDING_BOX, COLLECTION_ERRORS, CONFIDENCE, QUALITY, TAGS } from './face-schemas.ts';
import { COLLECTION_ID, EXTERNAL_KEY, FACE_ID, ISSUED_FACE_ID, MODEL } from './schemas.ts';
import { storedQuality } from './stored-face.ts';

const RECORD: Schema = object({
  faceId: ISSUED_FACE_ID,
  externalKey: nullable(EXTERNAL_KEY, "The face's external key, if it has one."),
  createdAt: {
    type: 'string',
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$',
    description: 'When it was indexed, UTC.',
    examples: ['2026-01-15T10:30:00.000Z'],
  },
  confidence: CONFIDENCE,
  boundingBox: { ...BOUNDING_BOX, description: 'In the upright picture that the face was indexed from.' },
  model: { ...MODEL, description: 'The model pack that made its template.' },
  quality: nullable(QUALITY, 'As measured when the face was indexed; null where it was not.'),
});

interface GetParameters {
  readonly collectionId: string;
  readonly faceId: string;
}

interface ListParameters {
  readonly collectionId: string;
  readonly cursor?: string;
  readonly limit: number;
}

function visible(face: FaceRecord) {
  return {
    faceId: face.faceId,
    externalKey: face.externalKey,
    createdAt: new Date(face.createdAt).toISOString(),
    confidence: face.confidence,
    boundingBox: face.box,
    model: face.pack,
    quality: storedQuality(face),
  };
}

/** The endpoints under `/v1/face` that show what a collection holds. */
export function faceRecordRoutes(records: FaceRecordService): readonly CallerRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/face/get',
      operationId: 'getFace',
      summary: 'Get a face of a collection',
      description: 'What was stored with it. Its template never leaves the appliance.',
      tags: TAGS,
      access: ACCESS,
      query: object({ collectionId: COLLECTION_ID, faceId: FACE_ID }),
      responses: { 200: { description: 'The face.', schema: RECORD } },
      errors: [...COLLECTION_ERRORS, 'FACE_NOT_FOUND'],
      handler: ({ caller, query }) => {
        const { collectionId, faceId } = query as unknown as GetParameters;
        return { status: 200, body: visible(records.get(caller, collectionId, faceId)) };
      },
    },
    {
      method: 'GET',
      path: '/v1/face/list',
      operationId: 'listFaces',
      summary: 'List the faces of a collection',
      description: 'Oldest first. An API key with `allowed_face_ids` sees those faces only.',
      tags: TAGS,
      access: ACCESS,
      query: object({ collectionId: COLLECTION_ID, ...PAGING }, { optional: Object.keys(PAGING) }),
      responses: {
        200: {
          description: 'The faces.',
          schema: object({ faces: { type: 'array', items: RECORD }, nextCursor: NEXT_CURSOR }),
        },
      },
      errors: COLLECTION_ERRORS,
      handler: ({ caller, query }) => {
        const { collectionId, cursor, limit } = query as unknown as ListParameters;
        const { faces, nextCursor } = records.list(caller, collectionId, cursor, limit);
        return { status: 200, body: { faces: faces.map(visible), nextCursor } };
      },
    },
  ];
}
