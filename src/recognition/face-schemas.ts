import { nullable, object, type Properties, type Schema } from '../api/schema.ts';
import { VisageError } from '../errors.ts';
import { QUALITY_REASONS } from '../vision/quality.ts';
import { LANDMARKS } from './face-analysis.ts';
import type { Target } from './gallery-search.ts';
import { EXTERNAL_KEY, ISSUED_FACE_ID } from './schemas.ts';

export const TAGS = ['Faces'];
export const ACCESS = { by: 'caller', scope: 'v1:faces' } as const;

export const UPRIGHT =
  'Processes the largest face. Faces must be upright; sideways and upside-down faces are not supported.';

const PIXELS = { type: 'integer', minimum: 0 } as const satisfies Schema;
const DEGREES = { type: 'number', minimum: -180, maximum: 180 } as const satisfies Schema;

export const QUALITY = object(
  {
    score: { type: 'number', minimum: 0, maximum: 100 },
    reasons: { type: 'array', items: { type: 'string', enum: QUALITY_REASONS } },
  },
  {
    title: 'Quality',
    description: 'Fitness for recognition, and what lowers it, worst first.',
    examples: [{ score: 91, reasons: [] }],
  },
);

export const CONFIDENCE = {
  type: 'number',
  minimum: 0,
  maximum: 1,
  description: "The detector's score.",
  examples: [0.9987],
} as const satisfies Schema;

export const BOUNDING_BOX = object(
  { x: PIXELS, y: PIXELS, width: { ...PIXELS, minimum: 1 }, height: { ...PIXELS, minimum: 1 } },
  {
    title: 'BoundingBox',
    description: 'Pixels from the top left corner of the upright image.',
    examples: [{ x: 120, y: 80, width: 200, height: 250 }],
  },
);

/** A face may lack these. */
export const OPTIONAL_OF_FACE = ['landmarks', 'pose', 'quality'] as const;

export const FACE = object(
  {
    confidence: CONFIDENCE,
    boundingBox: BOUNDING_BOX,
    landmarks: {
      type: 'array',
      description:
        'With `attributes` `all`: five points in pixels of the upright image; left and right as seen in the image.',
      minItems: LANDMARKS.length,
      maxItems: LANDMARKS.length,
      items: object(
        { type: { type: 'string', enum: LANDMARKS }, x: { type: 'number' }, y: { type: 'number' } },
        { title: 'Landmark' },
      ),
    },
    pose: {
      ...object({ yaw: DEGREES, pitch: DEGREES, roll: DEGREES }, { title: 'Pose' }),
      type: ['object', 'null'],
      description:
        'With `attributes` `all`: degrees, all 0 for a face that looks into the camera. Positive is to the right, up, and clockwise, as seen with the face upright. Roll is -180 to 180; a face that stands on its head has about 180. Null if the model pack has no pose network.',
    },
    quality: { ...QUALITY, description: `${QUALITY.description} Present with \`attributes\` \`all\`.` },
  },
  {
    title: 'Face',
    optional: OPTIONAL_OF_FACE,
    examples: [{ confidence: 0.9987, boundingBox: { x: 120, y: 80, width: 200, height: 250 } }],
  },
);

export const HAS_FACE = {
  type: 'boolean',
  description: 'Whether the image has a face.',
  examples: [true],
} as const satisfies Schema;

export const FACE_ANALYSIS = {
  face: nullable(FACE, 'The largest face; null if the image has none.'),
  hasFace: HAS_FACE,
  unprocessedFaceCount: {
    type: 'integer',
    minimum: 0,
    description:
      'Other faces that the search for the largest face has seen; with `minFaceSize`, all of at least that size, perhaps smaller ones too.',
    examples: [0],
  },
} as const satisfies Properties;

export const SIMILARITY = {
  type: 'number',
  minimum: 0,
  maximum: 100,
  description:
    'Similarity score, 0 to 100, two decimals; for an external key with several faces, of all its faces together.',
  examples: [98.31],
} as const satisfies Schema;

export const FALSE_MATCH_RATE_OF = {
  type: 'number',
  minimum: 1e-6,
  maximum: 1,
  description:
    'The chance that two strangers are as similar in one comparison. The scale ends at 1e-6, which also stands for lower rates.',
  examples: [1e-6],
} as const satisfies Schema;

export const REFUSAL = object(
  {
    code: { type: 'string', enum: ['LOW_QUALITY', 'NOT_LIVE', 'UNCERTAIN_FACE'] },
    detail: { type: 'string' },
  },
  {
    title: 'EnrolmentRefusal',
    description: 'Why the face was not added. Present only if the image has a face that was not added.',
    examples: [{ code: 'LOW_QUALITY', detail: 'Face quality is 31; this call requires at least 50.' }],
  },
);

export const ADDED_FACE_ID = nullable(
  ISSUED_FACE_ID,
  'The new face; null if the image has no face, or `refusal` says why it was not added.',
);

export const COLLECTION_ERRORS = [
  'COLLECTION_NOT_FOUND',
  'COLLECTION_NOT_ALLOWED',
  'MODEL_NOT_ALLOWED',
] as const;
export const SEARCH_ERRORS = [...COLLECTION_ERRORS, 'NOT_READY'] as const;
export const INDEX_ERRORS = [
  ...COLLECTION_ERRORS,
  'FACE_NOT_ALLOWED',
  'NOT_READY',
  'STORAGE_READ_ONLY',
] as const;

interface WhichFace {
  readonly faceId?: string;
  readonly externalKey?: string;
}

/** Null unless the caller gives exactly one. */
export function targetOf({ faceId, externalKey }: WhichFace): Target | null {
  if (faceId !== undefined && externalKey === undefined) return { faceId };
  if (externalKey !== undefined && faceId === undefined) return { externalKey };
  return null;
}

export function conflicting(message: string, names: readonly string[]): VisageError {
  return new VisageError(
    'VALIDATION_FAILED',
    `Please ${message}.`,
    names.map((path) => ({ path, message })),
  );
}

export const NULLABLE_EXTERNAL_KEY = nullable(
  EXTERNAL_KEY,
  'External key of the face found; null if it has none.',
);
