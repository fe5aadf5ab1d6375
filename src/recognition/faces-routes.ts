import { VisageError } from '../errors.ts';
import type { CallerRoute, ImageInput, ImageRoute, ImageSources, Schema } from '../http/route.ts';
import { EMPTY, nullable, ONE_IMAGE, object } from '../http/schema.ts';
import type { FaceService } from './faces.ts';
import { COLLECTION_ID, EXTERNAL_KEY, FACE_ID, ISSUED_FACE_ID } from './schemas.ts';

const TAGS = ['Faces'];
const ACCESS = { by: 'caller', scope: 'v1:faces' } as const;

const UPRIGHT =
  'Faces should be upright: sideways or upside-down ones are not supported. Of several faces the largest is processed.';

const THRESHOLD: Schema = {
  type: 'number',
  minimum: 0,
  maximum: 100,
  default: 80,
  description:
    'Least similarity of a match. 70, 80, 90 and 95 stand for a false match rate of 1e-3, 1e-4, 1e-5 and 1e-6.',
  examples: [80],
};

const PIXELS: Schema = { type: 'integer', minimum: 0 };

const FACE: Schema = object(
  {
    confidence: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      description: "The detector's score.",
      examples: [0.9987],
    },
    boundingBox: object(
      { x: PIXELS, y: PIXELS, width: { ...PIXELS, minimum: 1 }, height: { ...PIXELS, minimum: 1 } },
      {
        description: 'Pixels of the upright picture, from its top left corner.',
        examples: [{ x: 120, y: 80, width: 200, height: 250 }],
      },
    ),
  },
  { examples: [{ confidence: 0.9987, boundingBox: { x: 120, y: 80, width: 200, height: 250 } }] },
);

const SIGHTING = {
  face: nullable(FACE, 'The largest face; null where the picture has none.'),
  hasFace: { type: 'boolean', description: 'Whether the picture has a face.', examples: [true] },
  unprocessedFaceCount: {
    type: 'integer',
    minimum: 0,
    description: 'Faces of the picture beside the largest one.',
    examples: [0],
  },
} satisfies Record<string, Schema>;

const MATCH = {
  faceId: nullable(ISSUED_FACE_ID, 'The face found; null where nobody was found.'),
  externalKey: nullable(EXTERNAL_KEY, "The found face's external key, if it has one."),
  similarity: {
    type: ['number', 'null'],
    minimum: 0,
    maximum: 100,
    description: 'Similarity to the face found, two decimals; null where nobody was found.',
    examples: [98.31],
  },
} satisfies Record<string, Schema>;

const SEARCH_BODY: Schema = object(
  { collectionId: COLLECTION_ID, faceMatchThreshold: THRESHOLD },
  { optional: ['faceMatchThreshold'] },
);

const SEARCH_ANSWER: Schema = object({ ...SIGHTING, ...MATCH });
const INDEX_ANSWER: Schema = object({
  ...SIGHTING,
  faceId: nullable(ISSUED_FACE_ID, 'The new face; null where the picture has none.'),
});
const SEARCH_OR_INDEX_ANSWER: Schema = object({
  ...SIGHTING,
  ...MATCH,
  faceId: nullable(ISSUED_FACE_ID, 'The face found or the new one; null where the picture has none.'),
  resultSource: {
    enum: ['Search', 'Index', 'None'],
    description: 'Whether the face was found or is new; `None` where the picture has no face.',
    examples: ['Search'],
  },
});

interface SearchParameters {
  readonly collectionId: string;
  readonly faceMatchThreshold: number;
}

interface DeleteParameters {
  readonly collectionId: string;
  readonly faceId?: string;
  readonly externalKey?: string;
}

/** The picture of a route that takes one. */
async function theImage({ image = [] }: ImageSources): Promise<ImageInput> {
  const [open] = image;
  if (!open) throw new Error('The route has let a request without a picture in');
  return open();
}

function whichFaces({ faceId, externalKey }: DeleteParameters): { faceId: string } | { externalKey: string } {
  if (faceId !== undefined && externalKey === undefined) return { faceId };
  if (externalKey !== undefined && faceId === undefined) return { externalKey };
  const message = 'give one of the two, faceId or externalKey';
  throw new VisageError('VALIDATION_FAILED', `Please ${message}.`, [
    { path: 'faceId', message },
    { path: 'externalKey', message },
  ]);
}

/** The endpoints under `/v1/face`. */
export function faceRoutes(faces: FaceService): readonly (CallerRoute | ImageRoute)[] {
  return [
    {
      method: 'POST',
      path: '/v1/face/search',
      operationId: 'searchFace',
      summary: 'Search for a face',
      description: UPRIGHT,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: SEARCH_BODY,
      responses: { 200: { description: 'What was seen, and who was found.', schema: SEARCH_ANSWER } },
      errors: ['COLLECTION_NOT_FOUND', 'COLLECTION_NOT_ALLOWED', 'MODEL_NOT_ALLOWED', 'NOT_READY'],
      handler: async ({ caller, body, images }) => {
        const { collectionId, faceMatchThreshold } = body as unknown as SearchParameters;
        return {
          status: 200,
          body: await faces.search(caller, collectionId, await theImage(images), faceMatchThreshold),
        };
      },
    },
    {
      method: 'POST',
      path: '/v1/face/index',
      operationId: 'indexFace',
      summary: 'Add a face to a collection',
      description: `${UPRIGHT} Indexing never sets an external key.`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: object({ collectionId: COLLECTION_ID }),
      responses: { 200: { description: 'What was seen, and the id of the new face.', schema: INDEX_ANSWER } },
      errors: [
        'COLLECTION_NOT_FOUND',
        'COLLECTION_NOT_ALLOWED',
        'FACE_NOT_ALLOWED',
        'MODEL_NOT_ALLOWED',
        'NOT_READY',
        'STORAGE_READ_ONLY',
      ],
      handler: async ({ caller, body, images }) => {
        const { collectionId } = body as unknown as SearchParameters;
        return { status: 200, body: await faces.index(caller, collectionId, await theImage(images)) };
      },
    },
    {
      method: 'POST',
      path: '/v1/face/search-or-index',
      operationId: 'searchOrIndexFace',
      summary: 'Search for a face, and add it if nobody is found',
      description: `${UPRIGHT} Any number of parallel calls with the same person add one face. The call never sets an external key. An API key with \`allowed_face_ids\` may find faces, and is answered \`FACE_NOT_ALLOWED\` where nobody is found.`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: SEARCH_BODY,
      responses: {
        200: { description: 'What was seen, and who was found or added.', schema: SEARCH_OR_INDEX_ANSWER },
      },
      errors: [
        'COLLECTION_NOT_FOUND',
        'COLLECTION_NOT_ALLOWED',
        'FACE_NOT_ALLOWED',
        'MODEL_NOT_ALLOWED',
        'NOT_READY',
        'STORAGE_READ_ONLY',
      ],
      handler: async ({ caller, body, images }) => {
        const { collectionId, faceMatchThreshold } = body as unknown as SearchParameters;
        return {
          status: 200,
          body: await faces.searchOrIndex(caller, collectionId, await theImage(images), faceMatchThreshold),
        };
      },
    },
    {
      method: 'DELETE',
      path: '/v1/face/delete',
      operationId: 'deleteFace',
      audit: { action: 'face.delete', target: ['faceId', 'externalKey'] },
      summary: 'Delete a face, or every face with an external key',
      description: 'Takes either `faceId` or `externalKey`.',
      tags: TAGS,
      access: ACCESS,
      query: object(
        { collectionId: COLLECTION_ID, faceId: FACE_ID, externalKey: EXTERNAL_KEY },
        { optional: ['faceId', 'externalKey'] },
      ),
      responses: { 200: { description: 'The face is deleted.', schema: EMPTY } },
      errors: [
        'COLLECTION_NOT_FOUND',
        'COLLECTION_NOT_ALLOWED',
        'FACE_NOT_FOUND',
        'FACE_NOT_ALLOWED',
        'STORAGE_READ_ONLY',
      ],
      handler: async ({ caller, query }) => {
        const parameters = query as unknown as DeleteParameters;
        await faces.delete(caller, parameters.collectionId, whichFaces(parameters));
        return { status: 200, body: {} };
      },
    },
  ];
}
