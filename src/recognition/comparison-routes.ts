import { ONE_IMAGE, type Route, route } from '../api/route.ts';
import { nullable, object, titled } from '../api/schema.ts';
import type { ComparisonService } from './comparison.ts';
import {
  ACCESS,
  conflicting,
  FACE,
  FACE_ANALYSIS,
  FALSE_MATCH_RATE_OF,
  HAS_FACE,
  NULLABLE_EXTERNAL_KEY,
  OPTIONAL_OF_FACE,
  SEARCH_ERRORS,
  SIMILARITY,
  TAGS,
  targetOf,
  UPRIGHT,
} from './face-schemas.ts';
import type { RecognizeService } from './recognize.ts';
import { IDENTIFY_BODY, RECOGNIZE_BODY, SEARCH_BY_ID_BODY, VERIFY_BODY } from './requests.ts';
import { ISSUED_FACE_ID, USED_THRESHOLD } from './schemas.ts';

const VERIFY_ANSWER = object({
  isMatch: {
    type: 'boolean',
    description: 'Whether the similarity reaches the threshold.',
    examples: [true],
  },
  similarity: nullable(SIMILARITY, `${SIMILARITY.description} Null if either image has no face.`),
  falseMatchRate: nullable(
    FALSE_MATCH_RATE_OF,
    `${FALSE_MATCH_RATE_OF.description} Null if either image has no face.`,
  ),
  faceMatchThreshold: USED_THRESHOLD,
  face: nullable(FACE, 'The largest face of `image`; null if it has none.'),
  targetFace: nullable(
    FACE,
    'The face compared with: the largest face of `targetImage`, or null if it has none; or the most similar stored face, with its box in the image it was indexed from.',
  ),
  hasFace: { ...HAS_FACE, description: 'Whether `image` has a face.' },
});

const MATCH = titled(
  'Match',
  object({
    faceId: ISSUED_FACE_ID,
    externalKey: NULLABLE_EXTERNAL_KEY,
    similarity: SIMILARITY,
    falseMatchRate: FALSE_MATCH_RATE_OF,
    rank: { type: 'integer', minimum: 1, description: '1 is the best match.', examples: [1] },
  }),
);

const EXAMPLE_MATCH = {
  faceId: 'face_01KF2M7Q8TC5V9XW3E6YB4NZRD',
  externalKey: 'user-123',
  similarity: 98.31,
  falseMatchRate: 1e-6,
  rank: 1,
};

const RECOGNIZED_FACE = object(
  {
    ...FACE.properties,
    matches: { type: 'array', items: MATCH, description: 'Best first.', examples: [[EXAMPLE_MATCH]] },
  },
  { title: 'RecognizedFace', optional: OPTIONAL_OF_FACE },
);

const ONE_TARGET = 'give exactly one of targetImage, faceId and externalKey';

export function comparisonRoutes(comparison: ComparisonService, crowds: RecognizeService): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/face/verify',
      operationId: 'verifyFace',
      summary: 'Compare two faces',
      description: `Compares \`image\` with exactly one of \`targetImage\`, \`faceId\` and \`externalKey\`. The last two need \`collectionId\`. ${UPRIGHT}`,
      tags: TAGS,
      access: ACCESS,
      images: { image: { kind: 'one', required: true }, targetImage: { kind: 'one', required: false } },
      body: VERIFY_BODY,
      example: { collectionId: 'my-collection', externalKey: 'user-123', faceMatchThreshold: 80 },
      responses: { 200: { description: 'The similarity of the faces.', schema: VERIFY_ANSWER } },
      errors: [...SEARCH_ERRORS, 'FACE_NOT_FOUND'],
      handler: async ({ caller, body, images }) => {
        const { collectionId, faceId, externalKey } = body;
        if (images.targetImage) {
          if (faceId !== undefined || externalKey !== undefined) {
            throw conflicting(ONE_TARGET, ['/targetImage', '/faceId', '/externalKey']);
          }
          const [image, target] = await Promise.all([images.image(), images.targetImage()]);
          return { status: 200, body: await comparison.verifyImages(caller, image, target, body) };
        }
        const target = targetOf(body);
        if (!target) throw conflicting(ONE_TARGET, ['/targetImage', '/faceId', '/externalKey']);
        if (collectionId === undefined) {
          throw conflicting('give the collectionId of the face', ['/collectionId']);
        }
        const stored = { ...body, collectionId };
        const image = await images.image();
        return { status: 200, body: await comparison.verifyStored(caller, image, target, stored) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/face/identify',
      operationId: 'identifyFace',
      summary: 'Find the people most similar to a face',
      description: `Returns each external key once, with its most similar face. ${UPRIGHT}`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: IDENTIFY_BODY,
      responses: {
        200: {
          description: 'The face in the image, and the people most similar to it.',
          schema: object({
            ...FACE_ANALYSIS,
            matches: { type: 'array', items: MATCH, description: 'Best first.', examples: [[EXAMPLE_MATCH]] },
            faceMatchThreshold: USED_THRESHOLD,
          }),
        },
      },
      errors: SEARCH_ERRORS,
      handler: async ({ caller, body, images }) => {
        return { status: 200, body: await comparison.identify(caller, await images.image(), body) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/face/recognize',
      operationId: 'recognizeFaces',
      summary: 'Find the people in an image',
      description:
        'Returns each face of the image, largest first, with the people most similar to it. Faces must be upright; sideways and upside-down faces are not supported. Charges the price for each face in the answer, and at least once.',
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: RECOGNIZE_BODY,
      units: ({ maxFaces }) => maxFaces,
      responses: {
        200: {
          description: 'The faces in the image, each with the people most similar to it.',
          schema: object({
            faces: { type: 'array', items: RECOGNIZED_FACE, description: 'Largest first.' },
            hasFace: HAS_FACE,
            unprocessedFaceCount: {
              type: 'integer',
              minimum: 0,
              description: 'Detected faces beyond `maxFaces`.',
              examples: [0],
            },
            faceMatchThreshold: USED_THRESHOLD,
          }),
        },
      },
      errors: SEARCH_ERRORS,
      handler: async ({ caller, body, images }) => {
        const answer = await crowds.recognize(caller, await images.image(), body);
        return { status: 200, body: answer, units: Math.max(1, answer.faces.length) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/face/search-by-id',
      operationId: 'searchByFaceId',
      summary: 'Find the people most similar to a stored face',
      description:
        'Returns each external key once, with its most similar face. Ignores the face itself: its external key appears only if other faces have it.',
      tags: TAGS,
      access: ACCESS,
      body: SEARCH_BY_ID_BODY,
      responses: {
        200: {
          description: 'The face, and the people most similar to it.',
          schema: object({
            faceId: ISSUED_FACE_ID,
            matches: { type: 'array', items: MATCH, description: 'Best first.', examples: [[EXAMPLE_MATCH]] },
            faceMatchThreshold: USED_THRESHOLD,
          }),
        },
      },
      errors: [...SEARCH_ERRORS, 'FACE_NOT_FOUND'],
      handler: async ({ caller, body }) => {
        return { status: 200, body: await comparison.searchById(caller, body) };
      },
    }),
  ];
}
