import type { ImageInput, ImageRoute, ImageSources, Schema } from '../http/route.ts';
import { nullable, ONE_IMAGE, object } from '../http/schema.ts';
import type { DetectionService, DetectRequest } from './detection.ts';
import { ACCESS, FACE, HAS_FACE, PICTURE_PARAMETERS, TAGS, theImage, unfit } from './face-schemas.ts';
import type { PictureRequest } from './requests.ts';

/** Pictures of one liveness check. */
const MAX_FRAMES = 10;

const ERRORS = ['MODEL_NOT_ALLOWED', 'NOT_READY'] as const;

const FACES: Schema = {
  type: 'array',
  items: FACE,
  description: 'Largest first.',
  examples: [[{ confidence: 0.9987, boundingBox: { x: 120, y: 80, width: 200, height: 250 } }]],
};

/** The verdict of a liveness check, where a picture has a face. */
export const LIVENESS = {
  isLive: { type: 'boolean', description: 'Whether a live face was before the camera.', examples: [true] },
  confidence: {
    type: 'number',
    minimum: 0.5,
    maximum: 1,
    description: 'How sure the answer is; 0.5 is on the border.',
    examples: [0.97],
  },
  spoofType: {
    enum: ['print', 'replay', null],
    description: 'What the face was shown on; null where it is live, or the model pack cannot tell.',
    examples: [null],
  },
} satisfies Record<string, Schema>;

const LIVENESS_ANSWER: Schema = object({
  ...LIVENESS,
  isLive: { ...LIVENESS.isLive, description: 'False also where no picture has a face.' },
  confidence: nullable(LIVENESS.confidence, `${LIVENESS.confidence.description} Null without a face.`),
  face: nullable(FACE, 'The largest face of the first picture that has one; null where none has.'),
  hasFace: { ...HAS_FACE, description: 'Whether a picture has a face.' },
});

/** Either `image` or `images`. */
function framesOf({ image = [], images = [] }: ImageSources): Promise<ImageInput[]> {
  if (image.length + images.length === 0 || (image.length > 0 && images.length > 0)) {
    throw unfit('give one of the two, image or images', ['/image', '/images']);
  }
  return Promise.all([...image, ...images].map((open) => open()));
}

/** The endpoints under `/v1/face` that are about no collection. */
export function detectionRoutes(detection: DetectionService): readonly ImageRoute[] {
  return [
    {
      method: 'POST',
      path: '/v1/face/detect',
      operationId: 'detectFaces',
      summary: 'Find the faces of a picture',
      description:
        'Faces have `landmarks`, `pose` and `quality`, unless `attributes` is `none`, which is quicker. Nothing is stored.',
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: object(
        {
          maxFaces: {
            type: 'integer',
            minimum: 1,
            maximum: 100,
            default: 100,
            description: 'Faces to answer at most, largest first.',
            examples: [10],
          },
          ...PICTURE_PARAMETERS,
          attributes: {
            ...PICTURE_PARAMETERS.attributes,
            default: 'all',
            description: '`none`: faces have `confidence` and `boundingBox` only.',
          },
        },
        { optional: ['maxFaces', 'minFaceSize', 'model', 'attributes'] },
      ),
      responses: {
        200: {
          description: 'The faces.',
          schema: object({
            faces: FACES,
            hasFace: HAS_FACE,
            unprocessedFaceCount: {
              type: 'integer',
              minimum: 0,
              description: 'Faces found beyond `maxFaces`.',
              examples: [0],
            },
          }),
        },
      },
      errors: ERRORS,
      handler: async ({ caller, body, images }) => {
        const request = body as unknown as DetectRequest;
        return { status: 200, body: await detection.detect(caller, await theImage(images), request) };
      },
    },
    {
      method: 'POST',
      path: '/v1/face/liveness',
      operationId: 'checkLiveness',
      summary: 'Tell a live face from a picture of one',
      description: `Passive: one picture, or up to ${MAX_FRAMES} of the same person in \`images\`, whose scores are fused. The largest face of each counts. docs/liveness.md says what attacks it sees and what it does not.`,
      tags: TAGS,
      access: ACCESS,
      images: { image: { kind: 'one', required: false }, images: { kind: 'list', max: MAX_FRAMES } },
      body: object(PICTURE_PARAMETERS, { optional: Object.keys(PICTURE_PARAMETERS) }),
      responses: { 200: { description: 'The verdict.', schema: LIVENESS_ANSWER } },
      errors: ERRORS,
      handler: async ({ caller, body, images }) => {
        const frames = await framesOf(images);
        const request = body as unknown as PictureRequest;
        return { status: 200, body: await detection.liveness(caller, frames, request) };
      },
    },
  ];
}
