import { type ImageInput, type ImageSource, ONE_IMAGE, type Route, route } from '../api/route.ts';
import { nullable, object, type Properties, type Schema } from '../api/schema.ts';
import type { DetectionService } from './detection.ts';
import { ACCESS, conflicting, FACE, HAS_FACE, TAGS } from './face-schemas.ts';
import { DETECT_BODY, IMAGE_BODY } from './requests.ts';

const MAX_FRAMES = 10;

const ERRORS = ['MODEL_NOT_ALLOWED', 'NOT_READY'] as const;

const FACES = {
  type: 'array',
  items: FACE,
  description: 'Largest first.',
  examples: [[{ confidence: 0.9987, boundingBox: { x: 120, y: 80, width: 200, height: 250 } }]],
} as const satisfies Schema;

export const LIVENESS = {
  isLive: { type: 'boolean', description: 'Whether the camera saw a live face.', examples: [true] },
  confidence: {
    type: 'number',
    minimum: 0.5,
    maximum: 1,
    description: 'Confidence of the verdict; 0.5 is undecided.',
    examples: [0.97],
  },
  spoofType: {
    enum: ['print', 'replay', null],
    description: 'The medium that showed the face; null if the face is live, or the model pack cannot tell.',
    examples: [null],
  },
} as const satisfies Properties;

const LIVENESS_ANSWER = object({
  ...LIVENESS,
  isLive: { ...LIVENESS.isLive, description: 'False if no image has a face.' },
  confidence: nullable(LIVENESS.confidence, `${LIVENESS.confidence.description} Null without a face.`),
  face: nullable(FACE, 'The largest face of the first image with a face; null if no image has one.'),
  hasFace: { ...HAS_FACE, description: 'Whether an image has a face.' },
});

function framesOf(image: ImageSource | undefined, images: readonly ImageSource[]): Promise<ImageInput[]> {
  if ((image === undefined) === (images.length === 0)) {
    throw conflicting('give either image or images', ['/image', '/images']);
  }
  return Promise.all((image ? [image] : images).map((open) => open()));
}

export function detectionRoutes(detection: DetectionService): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/face/detect',
      operationId: 'detectFaces',
      summary: 'Detect the faces in an image',
      description:
        'Returns `landmarks`, `pose` and `quality` unless `attributes` is `none`, which is faster. Stores nothing.',
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: DETECT_BODY,
      responses: {
        200: {
          description: 'The faces.',
          schema: object({
            faces: FACES,
            hasFace: HAS_FACE,
            unprocessedFaceCount: {
              type: 'integer',
              minimum: 0,
              description: 'Detected faces beyond `maxFaces`.',
              examples: [0],
            },
          }),
        },
      },
      errors: ERRORS,
      handler: async ({ caller, body, images }) => {
        return { status: 200, body: await detection.detect(caller, await images.image(), body) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/face/liveness',
      operationId: 'checkLiveness',
      summary: 'Check that a face is live',
      description: `Distinguishes a live face from a print or a screen. Takes one image, or up to ${MAX_FRAMES} images of the same person in \`images\`, and fuses their scores. Uses the largest face of each image. docs/liveness.md lists the attacks that it detects and misses.`,
      tags: TAGS,
      access: ACCESS,
      images: { image: { kind: 'one', required: false }, images: { kind: 'list', max: MAX_FRAMES } },
      body: IMAGE_BODY,
      responses: { 200: { description: 'The verdict.', schema: LIVENESS_ANSWER } },
      errors: ERRORS,
      handler: async ({ caller, body, images }) => {
        const frames = await framesOf(images.image, images.images);
        return { status: 200, body: await detection.liveness(caller, frames, body) };
      },
    }),
  ];
}
