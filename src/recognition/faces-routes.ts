import type { CallerRoute, ImageRoute, Schema } from '../http/route.ts';
import { EMPTY, nullable, ONE_IMAGE, object } from '../http/schema.ts';
import {
  ACCESS,
  ADDED_FACE_ID,
  CALL_MIN_QUALITY,
  COLLECTION_ERRORS,
  collectionBody,
  INDEX_ERRORS,
  NULLABLE_EXTERNAL_KEY,
  REFUSAL,
  SEARCH_ERRORS,
  SIGHTING,
  SIMILARITY,
  TAGS,
  THRESHOLD,
  targetOf,
  theImage,
  UPRIGHT,
  unfit,
  type WhichFace,
} from './face-schemas.ts';
import type { FaceService } from './faces.ts';
import type { IndexRequest, SearchOrIndexRequest, SearchRequest } from './requests.ts';
import { COLLECTION_ID, EXTERNAL_KEY, FACE_ID, ISSUED_FACE_ID } from './schemas.ts';

const MATCH = {
  faceId: nullable(ISSUED_FACE_ID, 'The face found; null where nobody was found.'),
  externalKey: NULLABLE_EXTERNAL_KEY,
  similarity: nullable(SIMILARITY, `${SIMILARITY.description} Null where nobody was found.`),
} satisfies Record<string, Schema>;

const SEARCH_ANSWER: Schema = object({ ...SIGHTING, ...MATCH });
const INDEX_ANSWER: Schema = object(
  { ...SIGHTING, faceId: ADDED_FACE_ID, refusal: REFUSAL },
  { optional: ['refusal'] },
);
const SEARCH_OR_INDEX_ANSWER: Schema = object(
  {
    ...SIGHTING,
    ...MATCH,
    faceId: nullable(
      ISSUED_FACE_ID,
      'The face found or the new one; null where the picture has none, or `refusal` says why it was not added.',
    ),
    resultSource: {
      enum: ['Search', 'Index', 'None'],
      description: 'Whether the face was found or is new; `None` where it is neither.',
      examples: ['Search'],
    },
    refusal: REFUSAL,
  },
  { optional: ['refusal'] },
);

/** The endpoints under `/v1/face` for searching, indexing and deleting. */
export function faceRoutes(faces: FaceService): readonly (CallerRoute | ImageRoute)[] {
  return [
    {
      method: 'POST',
      path: '/v1/face/search',
      operationId: 'searchFace',
      summary: 'Search for a face',
      description: UPRIGHT,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: collectionBody({ faceMatchThreshold: THRESHOLD }),
      responses: { 200: { description: 'What was seen, and who was found.', schema: SEARCH_ANSWER } },
      errors: SEARCH_ERRORS,
      handler: async ({ caller, body, images }) => {
        const request = body as unknown as SearchRequest;
        return { status: 200, body: await faces.search(caller, await theImage(images), request) };
      },
    },
    {
      method: 'POST',
      path: '/v1/face/index',
      operationId: 'indexFace',
      summary: 'Add a face to a collection',
      description: `${UPRIGHT} Indexing never sets an external key. A face of too little quality is answered with \`refusal\` and not added.`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: collectionBody({ minQuality: CALL_MIN_QUALITY }),
      responses: { 200: { description: 'What was seen, and the id of the new face.', schema: INDEX_ANSWER } },
      errors: INDEX_ERRORS,
      handler: async ({ caller, body, images }) => {
        const request = body as unknown as IndexRequest;
        return { status: 200, body: await faces.index(caller, await theImage(images), request) };
      },
    },
    {
      method: 'POST',
      path: '/v1/face/search-or-index',
      operationId: 'searchOrIndexFace',
      summary: 'Search for a face, and add it if nobody is found',
      description: `${UPRIGHT} Any number of parallel calls with the same person add one face. The call never sets an external key. An API key with \`allowed_face_ids\` may find faces, and is answered \`FACE_NOT_ALLOWED\` where nobody is found.`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: collectionBody({ faceMatchThreshold: THRESHOLD, minQuality: CALL_MIN_QUALITY }),
      responses: {
        200: { description: 'What was seen, and who was found or added.', schema: SEARCH_OR_INDEX_ANSWER },
      },
      errors: INDEX_ERRORS,
      handler: async ({ caller, body, images }) => {
        const request = body as unknown as SearchOrIndexRequest;
        return { status: 200, body: await faces.searchOrIndex(caller, await theImage(images), request) };
      },
    },
    {
      method: 'DELETE',
      path: '/v1/face/delete',
      operationId: 'deleteFace',
      audit: { action: 'face.delete', target: ['faceId', 'externalKey'] },
      summary: 'Delete a face, or every face with an external key',
      description: 'Takes either `faceId` or `externalKey`.',
      tags: TAGS,
      access: ACCESS,
      query: object(
        { collectionId: COLLECTION_ID, faceId: FACE_ID, externalKey: EXTERNAL_KEY },
        { optional: ['faceId', 'externalKey'] },
      ),
      responses: { 200: { description: 'The face is deleted.', schema: EMPTY } },
      errors: [...COLLECTION_ERRORS, 'FACE_NOT_FOUND', 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, query }) => {
        const { collectionId, ...which } = query as unknown as { collectionId: string } & WhichFace;
        const target = targetOf(which);
        if (!target) throw unfit('give one of the two, faceId or externalKey', ['faceId', 'externalKey']);
        await faces.delete(caller, collectionId, target);
        return { status: 200, body: {} };
      },
    },
  ];
}
