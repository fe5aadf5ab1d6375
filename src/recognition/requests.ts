import type { Caller } from '../api/caller.ts';
import type { ImageInput } from '../api/route.ts';
import { type FromSchema, object, type Properties, type Schema } from '../api/schema.ts';
import type { EventRecorder } from '../events/recorder.ts';
import type { EventStreams } from '../events/streams.ts';
import type { GalleryIndexes } from '../gallery/gallery-indexes.ts';
import type { Box } from '../native/pipeline-options.ts';
import type { Log } from '../ops/log.ts';
import type { Collection } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { Recognizer, Recognizers } from '../vision/recognizer.ts';
import {
  ATTRIBUTES,
  CALL_MIN_QUALITY,
  COLLECTION_ID,
  EXTERNAL_KEY,
  FACE_ID,
  MIN_FACE_SIZE,
  MODEL,
  SEARCH_CRITERION,
  SOURCE,
  VERIFY_CRITERION,
} from './schemas.ts';

const IMAGE_PARAMETERS = {
  model: MODEL,
  attributes: ATTRIBUTES,
  minFaceSize: MIN_FACE_SIZE,
  source: SOURCE,
} as const satisfies Properties;

export const IMAGE_BODY = object(IMAGE_PARAMETERS, { required: [] });
export type ImageRequest = FromSchema<typeof IMAGE_BODY>;

function collectionBody<const P extends Properties, const R extends keyof P & string = never>(
  parameters: P,
  required: readonly R[] = [],
) {
  const properties = { collectionId: COLLECTION_ID, ...parameters, ...IMAGE_PARAMETERS };
  return object(properties, { required: ['collectionId', ...required] });
}

export const SEARCH_BODY = collectionBody(SEARCH_CRITERION);
export type SearchRequest = FromSchema<typeof SEARCH_BODY>;

export const INDEX_BODY = collectionBody({ minQuality: CALL_MIN_QUALITY });
export type IndexRequest = FromSchema<typeof INDEX_BODY>;

export const SEARCH_OR_INDEX_BODY = collectionBody({
  ...SEARCH_CRITERION,
  minQuality: CALL_MIN_QUALITY,
});
export type SearchOrIndexRequest = FromSchema<typeof SEARCH_OR_INDEX_BODY>;

const MAX_RESULTS = {
  type: 'integer',
  minimum: 1,
  maximum: 100,
  default: 10,
  description: 'Maximum number of matches.',
  examples: [10],
} as const satisfies Schema;

export const SEARCH_BY_ID_BODY = object(
  {
    collectionId: COLLECTION_ID,
    faceId: FACE_ID,
    maxResults: MAX_RESULTS,
    ...SEARCH_CRITERION,
  },
  { required: ['collectionId', 'faceId'] },
);
export type SearchByIdRequest = FromSchema<typeof SEARCH_BY_ID_BODY>;

export const IDENTIFY_BODY = collectionBody({
  maxResults: MAX_RESULTS,
  ...SEARCH_CRITERION,
});
export type IdentifyRequest = FromSchema<typeof IDENTIFY_BODY>;

const MAX_FACES = {
  type: 'integer',
  minimum: 1,
  maximum: 100,
  default: 100,
  description: 'Maximum number of faces, largest first.',
  examples: [10],
} as const satisfies Schema;

export const RECOGNIZE_BODY = collectionBody({
  maxFaces: { ...MAX_FACES, default: 10 },
  maxResults: { ...MAX_RESULTS, default: 1, description: 'Maximum number of matches of each face.' },
  ...SEARCH_CRITERION,
});
export type RecognizeRequest = FromSchema<typeof RECOGNIZE_BODY>;

export const VERIFY_BODY = object(
  {
    collectionId: {
      ...COLLECTION_ID,
      description: 'The collection of `faceId` or `externalKey`. With `targetImage`, selects the model pack.',
    },
    faceId: FACE_ID,
    externalKey: EXTERNAL_KEY,
    ...VERIFY_CRITERION,
    ...IMAGE_PARAMETERS,
  },
  { required: [] },
);
export type VerifyRequest = FromSchema<typeof VERIFY_BODY>;

export const DETECT_BODY = object(
  {
    maxFaces: MAX_FACES,
    ...IMAGE_PARAMETERS,
    attributes: {
      ...ATTRIBUTES,
      default: 'all',
      description: '`none` limits each face to `confidence` and `boundingBox`.',
    },
  },
  { required: [] },
);
export type DetectRequest = FromSchema<typeof DETECT_BODY>;

const ENROLL_CONDITIONS = {
  allowDuplicates: {
    type: 'boolean',
    default: false,
    description: 'Whether several faces may share the external key, such as several images of one person.',
    examples: [false],
  },
  checkLiveness: {
    type: 'boolean',
    default: false,
    description: 'Refuse images of a print or a screen instead of a live face.',
    examples: [false],
  },
  minQuality: CALL_MIN_QUALITY,
} as const satisfies Properties;

export const ENROLL_BATCH_BODY = collectionBody(ENROLL_CONDITIONS);
export type EnrollConditions = FromSchema<typeof ENROLL_BATCH_BODY>;

export const ENROLL_BODY = collectionBody({ externalKey: EXTERNAL_KEY, ...ENROLL_CONDITIONS }, [
  'externalKey',
]);
export type EnrollRequest = FromSchema<typeof ENROLL_BODY>;

export type RecordSighting = (
  image: ImageInput,
  seen: { readonly box: Box; readonly label: number; readonly faceId: string; readonly similarity: number },
) => Promise<void>;

export interface SightingWatch {
  /** Null if the call's images may not add rows. @param second recognizer of the other version. */
  watch(
    caller: Caller,
    collection: Collection,
    recognizer: Recognizer,
    second: Recognizer | null,
  ): RecordSighting | null;
}

export interface RecognitionParts {
  readonly store: Store;
  readonly indexes: GalleryIndexes;
  readonly recognizers: Recognizers;
  readonly events: Pick<
    EventRecorder,
    'record' | 'keepsCrops' | 'cropDays' | 'recordingOf' | 'setRecording' | 'limitsChanged'
  >;
  readonly eventStreams: Pick<EventStreams, 'begin' | 'reviewed'>;
  readonly sightings?: SightingWatch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Pick<Log, 'error'>;
}
