import { ONE_IMAGE, type Route, route } from '../api/route.ts';
import { EMPTY, nullable, object, type Properties } from '../api/schema.ts';
import {
  ACCESS,
  ADDED_FACE_ID,
  COLLECTION_ERRORS,
  conflicting,
  FACE_ANALYSIS,
  FALSE_MATCH_RATE_OF,
  INDEX_ERRORS,
  NULLABLE_EXTERNAL_KEY,
  REFUSAL,
  SEARCH_ERRORS,
  SIMILARITY,
  TAGS,
  targetOf,
  UPRIGHT,
} from './face-schemas.ts';
import type { FaceService } from './faces.ts';
import { INDEX_BODY, SEARCH_BODY, SEARCH_OR_INDEX_BODY } from './requests.ts';
import { COLLECTION_ID, EXTERNAL_KEY, FACE_ID, ISSUED_FACE_ID, USED_THRESHOLD } from './schemas.ts';

const MATCH = {
  faceId: nullable(ISSUED_FACE_ID, 'The matching face; null without a match.'),
  externalKey: NULLABLE_EXTERNAL_KEY,
  similarity: nullable(SIMILARITY, `${SIMILARITY.description} Null without a match.`),
  falseMatchRate: nullable(FALSE_MATCH_RATE_OF, `${FALSE_MATCH_RATE_OF.description} Null without a match.`),
  faceMatchThreshold: USED_THRESHOLD,
} as const satisfies Properties;

const SEARCH_ANSWER = object({ ...FACE_ANALYSIS, ...MATCH });
const INDEX_ANSWER = object(
  { ...FACE_ANALYSIS, faceId: ADDED_FACE_ID, refusal: REFUSAL },
  { optional: ['refusal'] },
);
const SEARCH_OR_INDEX_ANSWER = object(
  {
    ...FACE_ANALYSIS,
    ...MATCH,
    faceId: nullable(
      ISSUED_FACE_ID,
      'The matching or new face; null if the image has no face, or `refusal` says why it was not added.',
    ),
    resultSource: {
      enum: ['Search', 'Index', 'None'],
      description: '`Search` for a match, `Index` for a new face, `None` for neither.',
      examples: ['Search'],
    },
    refusal: REFUSAL,
  },
  { optional: ['refusal'] },
);

const MAX_DELETED = 1000;

const MANY_DELETED =
  'Skips faces that do not exist. Deletes in several transactions; after a failure, send the same request again. Deleted faces can only be restored from a backup. An API key with `allowed_face_ids` gets `FACE_NOT_ALLOWED`, and nothing is deleted, if the list goes beyond those faces.';

const DELETED_ANSWER = object({
  deletedFaceCount: {
    type: 'integer',
    minimum: 0,
    description: 'Number of faces that this call deleted.',
    examples: [2],
  },
});

const DELETE_ERRORS = [...COLLECTION_ERRORS, 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'] as const;

export function faceRoutes(faces: FaceService): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/face/search',
      operationId: 'searchFace',
      summary: 'Search for a face',
      description: UPRIGHT,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: SEARCH_BODY,
      responses: {
        200: {
          description: 'The face in the image, and the most similar face of the collection.',
          schema: SEARCH_ANSWER,
        },
      },
      errors: SEARCH_ERRORS,
      handler: async ({ caller, body, images }) => {
        return { status: 200, body: await faces.search(caller, await images.image(), body) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/face/index',
      operationId: 'indexFace',
      summary: 'Add a face to a collection',
      description: `Sets no external key. If the face's quality is too low, the answer has \`refusal\` and no face is added. ${UPRIGHT}`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: INDEX_BODY,
      responses: {
        200: { description: 'The face in the image, and the id of the new face.', schema: INDEX_ANSWER },
      },
      errors: INDEX_ERRORS,
      handler: async ({ caller, body, images }) => {
        return { status: 200, body: await faces.index(caller, await images.image(), body) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/face/search-or-index',
      operationId: 'searchOrIndexFace',
      summary: 'Search for a face, and add it if there is no match',
      description: `Parallel calls with the same person add one face. Sets no external key. An API key with \`allowed_face_ids\` gets \`FACE_NOT_ALLOWED\` if there is no match. ${UPRIGHT}`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: SEARCH_OR_INDEX_BODY,
      responses: {
        200: {
          description: 'The face in the image, and the matching or new face.',
          schema: SEARCH_OR_INDEX_ANSWER,
        },
      },
      errors: INDEX_ERRORS,
      handler: async ({ caller, body, images }) => {
        return { status: 200, body: await faces.searchOrIndex(caller, await images.image(), body) };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/face/delete',
      operationId: 'deleteFace',
      audit: { action: 'face.delete', target: ['faceId', 'externalKey'] },
      summary: 'Delete a face, or all faces of an external key',
      description: 'Takes exactly one of `faceId` and `externalKey`.',
      tags: TAGS,
      access: ACCESS,
      query: object(
        { collectionId: COLLECTION_ID, faceId: FACE_ID, externalKey: EXTERNAL_KEY },
        { optional: ['faceId', 'externalKey'] },
      ),
      responses: { 200: { description: 'The face is deleted.', schema: EMPTY } },
      errors: [...COLLECTION_ERRORS, 'FACE_NOT_FOUND', 'FACE_NOT_ALLOWED', 'STORAGE_READ_ONLY'],
      handler: async ({ caller, query }) => {
        const { collectionId, ...which } = query;
        const target = targetOf(which);
        if (!target) throw conflicting('give either faceId or externalKey', ['faceId', 'externalKey']);
        await faces.delete(caller, collectionId, target);
        return { status: 200, body: {} };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/face/delete-batch',
      operationId: 'deleteFaces',
      confirmed: true,
      audit: { action: 'face.delete' },
      summary: 'Delete many faces',
      description: MANY_DELETED,
      tags: TAGS,
      access: ACCESS,
      body: object({
        collectionId: COLLECTION_ID,
        faceIds: {
          type: 'array',
          items: FACE_ID,
          minItems: 1,
          maxItems: MAX_DELETED,
          description: 'The faces to delete.',
          examples: [FACE_ID.examples],
        },
      }),
      responses: { 200: { description: 'The faces are deleted.', schema: DELETED_ANSWER } },
      errors: DELETE_ERRORS,
      handler: async ({ caller, body }) => {
        const { collectionId, faceIds } = body;
        const { count, found } = await faces.deleteMany(caller, collectionId, { faceIds });
        return { status: 200, body: { deletedFaceCount: count }, audit: { each: { targets: found } } };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/external-key/delete-faces',
      operationId: 'deleteFacesOfKeys',
      confirmed: true,
      audit: { action: 'face.delete' },
      summary: 'Delete all faces of many external keys',
      description: `${MANY_DELETED} Needs the scope \`v1:faces\`, because it deletes faces.`,
      tags: ['External keys'],
      access: ACCESS,
      body: object({
        collectionId: COLLECTION_ID,
        externalKeys: {
          type: 'array',
          items: EXTERNAL_KEY,
          minItems: 1,
          maxItems: MAX_DELETED,
          description: 'The keys whose faces to delete.',
          examples: [EXTERNAL_KEY.examples],
        },
      }),
      responses: { 200: { description: 'The faces are deleted.', schema: DELETED_ANSWER } },
      errors: DELETE_ERRORS,
      handler: async ({ caller, body }) => {
        const { collectionId, externalKeys } = body;
        const { count, found } = await faces.deleteMany(caller, collectionId, { externalKeys });
        return { status: 200, body: { deletedFaceCount: count }, audit: { each: { externalKeys: found } } };
      },
    }),
  ];
}
