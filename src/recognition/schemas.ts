/** The parts that the schemas of several routes of recognition share. */
import type { Schema } from '../http/route.ts';

export const COLLECTION_ID: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  pattern: '^[A-Za-z0-9_.-]+$',
  description: 'The collection, case-sensitive.',
  examples: ['my-collection'],
};

/** A face id as a parameter: whatever has no face is answered with 404. */
export const FACE_ID: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  pattern: '^[A-Za-z0-9_-]+$',
  description: 'The face, case-sensitive.',
  examples: ['face_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
};

/** A face id as an answer. */
export const ISSUED_FACE_ID: Schema = {
  type: 'string',
  pattern: '^face_[0-9A-HJKMNP-TV-Z]{26}$',
  description: '`face_` and 26 characters that sort by time.',
  examples: ['face_01KF2M7Q8TC5V9XW3E6YB4NZRD'],
};

export const EXTERNAL_KEY: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 512,
  pattern: '^[\\x21-\\x7E]+$',
  description: "The caller's own name for a face: printable ASCII without spaces.",
  examples: ['user-123'],
};

export const MODEL: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  pattern: '^[a-z0-9][a-z0-9-]*$',
  description:
    "The model pack; without it the collection's own or, where the call is about none, the first loaded one that the caller may use.",
};

export const MIN_QUALITY: Schema = {
  type: 'number',
  minimum: 0,
  maximum: 100,
  description: 'Least quality of a face that is added; 0 takes every face.',
};

export const MIN_FACE_SIZE: Schema = {
  type: 'integer',
  minimum: 16,
  maximum: 8192,
  description:
    'Width in pixels from which on faces are looked for; smaller ones may be found. Without it 32, and in a picture of more than 1920 pixels a sixtieth of its longer side; calls that work on the largest face then look no further than for faces half as wide as it. Less takes more time.',
  examples: [32],
};

export const ATTRIBUTES: Schema = {
  type: 'string',
  enum: ['none', 'all'],
  default: 'none',
  description: '`all`: faces have `landmarks`, `pose` and `quality` too.',
};
