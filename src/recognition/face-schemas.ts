/** The parts that the schemas of calls about faces share. */
import { VisageError } from '../errors.ts';
import type { ImageInput, ImageSources, Schema } from '../http/route.ts';
import { nullable, object } from '../http/schema.ts';
import { QUALITY_REASONS } from '../vision/quality.ts';
import type { Target } from './gallery-search.ts';
import {
  ATTRIBUTES,
  COLLECTION_ID,
  EXTERNAL_KEY,
  ISSUED_FACE_ID,
  MIN_FACE_SIZE,
  MIN_QUALITY,
  MODEL,
} from './schemas.ts';
import { LANDMARKS } from './sighting.ts';

export const TAGS = ['Faces'];
export const ACCESS = { by: 'caller', scope: 'v1:faces' } as const;

export const UPRIGHT =
  'Faces should be upright: sideways or upside-down ones are not supported. Of several faces the largest is processed.';

export const THRESHOLD: Schema = {
  type: 'number',
  minimum: 0,
  maximum: 100,
  default: 80,
  description:
    'Least similarity of a match. 70, 80, 90 and 95 stand for a false match rate of 1e-3, 1e-4, 1e-5 and 1e-6.',
  examples: [80],
};

const PIXELS: Schema = { type: 'integer', minimum: 0 };
const DEGREES: Schema = { type: 'number', minimum: -180, maximum: 180 };

export const QUALITY: Schema = object(
  {
    score: { type: 'number', minimum: 0, maximum: 100 },
    reasons: { type: 'array', items: { enum: QUALITY_REASONS } },
  },
  {
    description: 'How fit the face is for recognition, and what lowers that, most first.',
    examples: [{ score: 91, reasons: [] }],
  },
);

export const CONFIDENCE: Schema = {
  type: 'number',
  minimum: 0,
  maximum: 1,
  description: "The detector's score.",
  examples: [0.9987],
};

export const BOUNDING_BOX: Schema = object(
  { x: PIXELS, y: PIXELS, width: { ...PIXELS, minimum: 1 }, height: { ...PIXELS, minimum: 1 } },
  {
    description: 'Pixels of the upright picture, from its top left corner.',
    examples: [{ x: 120, y: 80, width: 200, height: 250 }],
  },
);

export const FACE: Schema = object(
  {
    confidence: CONFIDENCE,
    boundingBox: BOUNDING_BOX,
    landmarks: {
      type: 'array',
      description:
        'With `attributes` `all`: five points in pixels of the upright picture, left as seen in it.',
      minItems: LANDMARKS.length,
      maxItems: LANDMARKS.length,
      items: object({ type: { enum: LANDMARKS }, x: { type: 'number' }, y: { type: 'number' } }),
    },
    pose: {
      ...object({ yaw: DEGREES, pitch: DEGREES, roll: DEGREES }),
      type: ['object', 'null'],
      description:
        'With `attributes` `all`: degrees, all 0 for a face that looks into the camera; positive to the right of the picture, up, and clockwise. Null where the model pack cannot tell.',
    },
    quality: { ...QUALITY, description: `With \`attributes\` \`all\`: ${QUALITY.description}` },
  },
  {
    optional: ['landmarks', 'pose', 'quality'],
    examples: [{ confidence: 0.9987, boundingBox: { x: 120, y: 80, width: 200, height: 250 } }],
  },
);

export const HAS_FACE: Schema = {
  type: 'boolean',
  description: 'Whether the picture has a face.',
  examples: [true],
};

export const SIGHTING = {
  face: nullable(FACE, 'The largest face; null where the picture has none.'),
  hasFace: HAS_FACE,
  unprocessedFaceCount: {
    type: 'integer',
    minimum: 0,
    description:
      'Faces of the picture beside the largest one: all that are at least half as wide, or from `minFaceSize` on where it is given. Smaller ones may be among them.',
    examples: [0],
  },
} satisfies Record<string, Schema>;

export const SIMILARITY: Schema = {
  type: 'number',
  minimum: 0,
  maximum: 100,
  description: 'Two decimals; where an external key has several faces, of all of them together.',
  examples: [98.31],
};

export const REFUSAL: Schema = object(
  {
    code: { enum: ['LOW_QUALITY', 'NOT_LIVE'] },
    detail: { type: 'string' },
  },
  {
    description: 'Only where the picture has a face that was not added: why.',
    examples: [{ code: 'LOW_QUALITY', detail: 'The face has a quality of 31, and 50 is asked for.' }],
  },
);

export const ADDED_FACE_ID = nullable(
  ISSUED_FACE_ID,
  'The new face; null where the picture has none, or `refusal` says why it was not added.',
);

/** Parameters of calls with a picture. */
export const PICTURE_PARAMETERS = {
  model: MODEL,
  attributes: ATTRIBUTES,
  minFaceSize: MIN_FACE_SIZE,
} satisfies Record<string, Schema>;

/** Least quality of a face that a call adds. */
export const CALL_MIN_QUALITY: Schema = {
  ...MIN_QUALITY,
  description: "Least quality of a face that is added. The collection's own holds where it is more.",
};

/** The body of a call about a collection: these parameters, of which the named ones are required. */
export function collectionBody(
  parameters: Readonly<Record<string, Schema>> = {},
  required: readonly string[] = [],
): Schema {
  const all = { collectionId: COLLECTION_ID, ...parameters, ...PICTURE_PARAMETERS };
  const optional = Object.keys(all).filter((name) => name !== 'collectionId' && !required.includes(name));
  return object(all, { optional });
}

/** Codes of every call about the faces of a collection. */
export const COLLECTION_ERRORS = ['COLLECTION_NOT_FOUND', 'COLLECTION_NOT_ALLOWED'] as const;
/** Codes of those that look at a picture. */
export const SEARCH_ERRORS = [...COLLECTION_ERRORS, 'MODEL_NOT_ALLOWED', 'NOT_READY'] as const;
/** Codes of those that add faces. */
export const INDEX_ERRORS = [
  ...COLLECTION_ERRORS,
  'FACE_NOT_ALLOWED',
  'MODEL_NOT_ALLOWED',
  'NOT_READY',
  'STORAGE_READ_ONLY',
] as const;

/** The picture of a route that requires one. @throws VisageError where it is fetched and cannot be. */
export async function theImage({ image = [] }: ImageSources): Promise<ImageInput> {
  const [open] = image;
  if (!open) throw new Error('The route has let a request without a picture in');
  return open();
}

/** The parameters that say which stored face is meant. */
export interface WhichFace {
  readonly faceId?: string;
  readonly externalKey?: string;
}

/** The face that is meant; null where there is not exactly one of both parameters. */
export function targetOf({ faceId, externalKey }: WhichFace): Target | null {
  if (faceId !== undefined && externalKey === undefined) return { faceId };
  if (externalKey !== undefined && faceId === undefined) return { externalKey };
  return null;
}

/** Several parameters that do not fit together. */
export function unfit(message: string, names: readonly string[]): VisageError {
  return new VisageError(
    'VALIDATION_FAILED',
    `Please ${message}.`,
    names.map((path) => ({ path, message })),
  );
}

export const NULLABLE_EXTERNAL_KEY = nullable(EXTERNAL_KEY, "The found face's external key, if it has one.");
