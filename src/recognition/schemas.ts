import type { Properties, Schema } from '../api/schema.ts';

export const COLLECTION_ID = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  pattern: '^[A-Za-z0-9_.-]+$',
  description: 'The collection, case-sensitive.',
  examples: ['my-collection'],
} as const satisfies Schema;

/** Accepts more than issued ids: unknown ids get a 404. */
export const FACE_ID = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  pattern: '^[A-Za-z0-9_-]+$',
  description: 'The face, case-sensitive.',
  examples: ['face_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
} as const satisfies Schema;

export const ISSUED_FACE_ID = {
  type: 'string',
  pattern: '^face_[0-9A-HJKMNP-TV-Z]{26}$',
  description: '`face_` and a ULID, 26 characters that sort by time.',
  examples: ['face_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
} as const satisfies Schema;

export const EXTERNAL_KEY = {
  type: 'string',
  minLength: 1,
  maxLength: 512,
  pattern: '^[\\x21-\\x7E]+$',
  description: 'Your own name for a person or face: printable ASCII without spaces.',
  examples: ['user-123'],
} as const satisfies Schema;

export const MODEL = {
  type: 'string',
  examples: ['yunet'],
  minLength: 1,
  maxLength: 64,
  pattern: '^[a-z0-9][a-z0-9-]*$',
  description:
    "The model pack. Default: the collection's pack; without a collection, the first loaded pack that the caller may use.",
} as const satisfies Schema;

export const MIN_QUALITY = {
  type: 'number',
  minimum: 0,
  maximum: 100,
  description: 'Minimum quality of an added face; 0 accepts every face.',
} as const satisfies Schema;

export const STORE_THUMBNAILS = {
  type: 'boolean',
  description:
    'Whether to keep a small image of each face added later, and of the face in each event. False, the default, also erases the images kept so far.',
  examples: [false],
} as const satisfies Schema;

export const EVENT_CROP_DAYS = {
  type: ['integer', 'null'],
  minimum: 0,
  maximum: 365,
  description:
    'Days that the image of the face in each event stays; 0 keeps none. At most the setting `event_crop_days` of the appliance; null stands for that setting.',
  examples: [null],
} as const satisfies Schema;

export const MIN_FACE_SIZE = {
  type: 'integer',
  minimum: 16,
  maximum: 8192,
  description:
    'Minimum width in pixels of the faces to search for; the answer may contain smaller faces. A smaller value takes more time. Default: 32, or a sixtieth of the longer side of an image above 1920 pixels; in a panorama the longer side of a 4:3 image with the same area counts. With the default, calls that process the largest face stop at faces half as wide.',
  examples: [32],
} as const satisfies Schema;

export const SOURCE = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]+$',
  description: 'Your label for the camera or door; events show it.',
  examples: ['entrance'],
} as const satisfies Schema;

export const ATTRIBUTES = {
  type: 'string',
  enum: ['none', 'all'],
  default: 'none',
  description: '`all` adds `landmarks`, `pose` and `quality` to each face.',
} as const satisfies Schema;

export const THRESHOLD = {
  type: 'number',
  minimum: 0,
  maximum: 100,
  not: {
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 1,
    $comment: '0, or a number above 1 up to 100: similarity runs from 0 to 100, so write 80 rather than 0.8',
  },
  description:
    'Minimum similarity of a match: 0, or above 1 up to 100. 70, 80, 90 and 95 correspond to false match rates of 1e-3, 1e-4, 1e-5 and 1e-6.',
  examples: [80],
} as const satisfies Schema;

export const MAX_RATE = 0.1;
const RATE = { type: 'number', minimum: 1e-6, maximum: MAX_RATE } as const;

export const FALSE_POSITIVE_RATE = {
  ...RATE,
  description:
    'Maximum chance that a stranger matches anyone in the collection, instead of `faceMatchThreshold`: the service computes the threshold from the number of faces that the call compares with. 400 if the collection is too large for the rate; the error names the least possible rate.',
} as const satisfies Schema;

export const FALSE_MATCH_RATE = {
  ...RATE,
  description:
    'Maximum chance that a comparison of two strangers matches, instead of `faceMatchThreshold`: the service computes the threshold.',
} as const satisfies Schema;

/** Documentation pages send examples, and a threshold excludes a rate. */
const CALL_RATE = { type: ['number', 'null'], examples: [null] } as const;

const CALL_DEFAULT = "Default: the collection's threshold or rate, or else `faceMatchThreshold` 80.";

const CALL_THRESHOLD = {
  ...THRESHOLD,
  description: `${THRESHOLD.description} ${CALL_DEFAULT}`,
} as const satisfies Schema;

export const SEARCH_CRITERION = {
  faceMatchThreshold: CALL_THRESHOLD,
  maxFalsePositiveRate: { ...FALSE_POSITIVE_RATE, ...CALL_RATE },
} as const satisfies Properties;

export const VERIFY_CRITERION = {
  faceMatchThreshold: CALL_THRESHOLD,
  maxFalseMatchRate: { ...FALSE_MATCH_RATE, ...CALL_RATE },
} as const satisfies Properties;

export const USED_THRESHOLD = {
  ...THRESHOLD,
  description: 'The minimum similarity that the call used, 0 to 100.',
} as const satisfies Schema;

export const CALL_MIN_QUALITY = {
  ...MIN_QUALITY,
  description: "Minimum quality of an added face. The collection's minimum applies if it is higher.",
} as const satisfies Schema;
