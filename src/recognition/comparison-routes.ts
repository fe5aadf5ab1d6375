import type { ImageRoute, Schema } from '../http/route.ts';
import { nullable, ONE_IMAGE, object } from '../http/schema.ts';
import type { ComparisonService, IdentifyRequest, VerifyRequest } from './comparison.ts';
import {
  ACCESS,
  collectionBody,
  FACE,
  HAS_FACE,
  NULLABLE_EXTERNAL_KEY,
  PICTURE_PARAMETERS,
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
import { COLLECTION_ID, EXTERNAL_KEY, FACE_ID, ISSUED_FACE_ID } from './schemas.ts';

const VERIFY_PARAMETERS = {
  collectionId: {
    ...COLLECTION_ID,
    description:
      'The collection of `faceId` or `externalKey`. Beside `targetImage` it says whose model pack is used.',
  },
  faceId: FACE_ID,
  externalKey: EXTERNAL_KEY,
  faceMatchThreshold: THRESHOLD,
  ...PICTURE_PARAMETERS,
} satisfies Record<string, Schema>;

const VERIFY_ANSWER: Schema = object({
  isMatch: {
    type: 'boolean',
    description: 'Whether the similarity reaches the threshold.',
    examples: [true],
  },
  similarity: nullable(SIMILARITY, `${SIMILARITY.description} Null where one of the two has no face.`),
  faceMatchThreshold: THRESHOLD,
  face: nullable(FACE, 'The largest face of `image`; null where it has none.'),
  targetFace: nullable(
    FACE,
    'What it was compared with: the largest face of `targetImage`, null where it has none, or the stored face, of several the most similar one, in the picture that it was indexed from.',
  ),
  hasFace: { ...HAS_FACE, description: 'Whether `image` has a face.' },
});

const MATCH: Schema = object({
  faceId: ISSUED_FACE_ID,
  externalKey: NULLABLE_EXTERNAL_KEY,
  similarity: SIMILARITY,
  rank: { type: 'integer', minimum: 1, description: '1 for the best.', examples: [1] },
});

const EXAMPLE_MATCH = {
  faceId: 'face_01KF2M7Q8TC5V9XW3E6YB4NZRD',
  externalKey: 'user-123',
  similarity: 98.31,
  rank: 1,
};

const ONE_TARGET = 'give exactly one of targetImage, faceId and externalKey';

type VerifyParameters = VerifyRequest & WhichFace;

/** The endpoints under `/v1/face` that hold faces against each other. */
export function comparisonRoutes(comparison: ComparisonService): readonly ImageRoute[] {
  return [
    {
      method: 'POST',
      path: '/v1/face/verify',
      operationId: 'verifyFace',
      summary: 'Compare a face with another one',
      description: `Compares \`image\` with exactly one of \`targetImage\`, \`faceId\` and \`externalKey\`; the last two take \`collectionId\`. ${UPRIGHT}`,
      tags: TAGS,
      access: ACCESS,
      images: { image: { kind: 'one', required: true }, targetImage: { kind: 'one', required: false } },
      body: object(VERIFY_PARAMETERS, { optional: Object.keys(VERIFY_PARAMETERS) }),
      example: { collectionId: 'my-collection', externalKey: 'user-123', faceMatchThreshold: 80 },
      responses: { 200: { description: 'Whether it is the same person.', schema: VERIFY_ANSWER } },
      errors: [...SEARCH_ERRORS, 'FACE_NOT_FOUND'],
      handler: async ({ caller, body, images }) => {
        const request = body as unknown as VerifyParameters;
        const { collectionId, faceId, externalKey } = request;
        const [targetImage] = images.targetImage ?? [];
        if (targetImage) {
          if (faceId !== undefined || externalKey !== undefined) {
            throw unfit(ONE_TARGET, ['/targetImage', '/faceId', '/externalKey']);
          }
          const [image, target] = await Promise.all([theImage(images), targetImage()]);
          return { status: 200, body: await comparison.verifyPictures(caller, image, target, request) };
        }
        const target = targetOf(request);
        if (!target) throw unfit(ONE_TARGET, ['/targetImage', '/faceId', '/externalKey']);
        if (collectionId === undefined) {
          throw unfit('give the collectionId of the face', ['/collectionId']);
        }
        const stored = { ...request, collectionId };
        const image = await theImage(images);
        return { status: 200, body: await comparison.verifyStored(caller, image, target, stored) };
      },
    },
    {
      method: 'POST',
      path: '/v1/face/identify',
      operationId: 'identifyFace',
      summary: 'Search for the people who are most like a face',
      description: `Answers each external key once, with the face that is most like the one searched for. ${UPRIGHT}`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: collectionBody({
        maxResults: {
          type: 'integer',
          minimum: 1,
          maximum: 100,
          default: 10,
          description: 'Matches to answer at most.',
          examples: [10],
        },
        faceMatchThreshold: THRESHOLD,
      }),
      responses: {
        200: {
          description: 'What was seen, and who is like it.',
          schema: object({
            ...SIGHTING,
            matches: { type: 'array', items: MATCH, description: 'Best first.', examples: [[EXAMPLE_MATCH]] },
          }),
        },
      },
      errors: SEARCH_ERRORS,
      handler: async ({ caller, body, images }) => {
        const request = body as unknown as IdentifyRequest;
        return { status: 200, body: await comparison.identify(caller, await theImage(images), request) };
      },
    },
  ];
}
