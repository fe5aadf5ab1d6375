import { VisageError } from '../errors.ts';
import { PROBLEM_SCHEMA, problemOf } from '../http/problem.ts';
import type { ImageRoute, Schema } from '../http/route.ts';
import { nullable, ONE_IMAGE, object } from '../http/schema.ts';
import { LIVENESS } from './detection-routes.ts';
import type { EnrollConditions, EnrollRequest, EnrolmentService } from './enrolment.ts';
import {
  ACCESS,
  ADDED_FACE_ID,
  CALL_MIN_QUALITY,
  collectionBody,
  INDEX_ERRORS,
  REFUSAL,
  SIGHTING,
  TAGS,
  theImage,
  UPRIGHT,
} from './face-schemas.ts';
import { EXTERNAL_KEY } from './schemas.ts';

/** Pictures of one batch. */
const MAX_BATCH = 100;

const CONDITIONS = {
  allowDuplicates: {
    type: 'boolean',
    default: false,
    description:
      'Whether a face may get an external key that other faces have: several pictures of one person.',
    examples: [false],
  },
  checkLiveness: {
    type: 'boolean',
    default: false,
    description: 'Whether a picture of a picture, such as a print or a screen, is refused.',
    examples: [false],
  },
  minQuality: CALL_MIN_QUALITY,
} satisfies Record<string, Schema>;

const ENROLL_ANSWER: Schema = object(
  {
    ...SIGHTING,
    faceId: ADDED_FACE_ID,
    externalKey: nullable(EXTERNAL_KEY, "The new face's external key; null where no face was added."),
    result: {
      enum: ['Created', 'Updated', null],
      description:
        '`Created` where the face is the first with its external key, `Updated` where others have it too; null where no face was added.',
      examples: ['Created'],
    },
    liveness: object(LIVENESS, { description: 'Where it was asked for, and the picture has a face.' }),
    refusal: REFUSAL,
  },
  { optional: ['liveness', 'refusal'] },
);

/** The endpoints under `/v1/face` that add faces with their external keys. */
export function enrolmentRoutes(enrolment: EnrolmentService): readonly ImageRoute[] {
  return [
    {
      method: 'POST',
      path: '/v1/face/enroll',
      operationId: 'enrollFace',
      summary: 'Add a face with its external key',
      description: `Indexing and setting the external key in one step: both or neither. A face of too little quality, or one that is not live where that is asked for, is answered with \`refusal\` and not added. ${UPRIGHT}`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: collectionBody({ externalKey: EXTERNAL_KEY, ...CONDITIONS }, ['externalKey']),
      responses: {
        200: { description: 'What was seen, and the new face with its key.', schema: ENROLL_ANSWER },
      },
      errors: [...INDEX_ERRORS, 'EXTERNAL_KEY_CONFLICT'],
      handler: async ({ caller, body, images }) => {
        const request = body as unknown as EnrollRequest;
        return { status: 200, body: await enrolment.enroll(caller, await theImage(images), request) };
      },
    },
    {
      method: 'POST',
      path: '/v1/face/enroll-batch',
      operationId: 'enrollFaces',
      summary: 'Add many faces with their external keys',
      description: `As many calls of \`face/enroll\`, in the order of \`faces\`: each has its own result, and one that fails leaves the others alone. The answer is 200 if any of them succeeded, else the first one's error, with every one's in \`errors\`. As a form: file parts \`images\`, and a field \`externalKey\` for each of them in the same order. It costs its price for each that comes to an answer.`,
      tags: TAGS,
      access: ACCESS,
      images: {
        faces: { kind: 'entries', max: MAX_BATCH, item: object({ externalKey: EXTERNAL_KEY }) },
      },
      body: collectionBody(CONDITIONS),
      units: ({ faces }) => (faces as readonly unknown[]).length,
      responses: {
        200: {
          description: 'The results.',
          schema: object({
            results: {
              type: 'array',
              description: 'In the order of `faces`: the answer of `face/enroll`, or a problem.',
              items: { anyOf: [ENROLL_ANSWER, PROBLEM_SCHEMA] },
            },
          }),
        },
      },
      errors: [...INDEX_ERRORS, 'EXTERNAL_KEY_CONFLICT'],
      handler: async ({ caller, requestId, body, images }) => {
        const { faces, ...conditions } = body as unknown as EnrollConditions & {
          readonly faces: readonly { readonly externalKey: string }[];
        };
        const entries = (images.faces ?? []).map((image, i) => {
          return { image, externalKey: faces[i]?.externalKey ?? '' };
        });
        const results = await enrolment.enrollAll(caller, entries, conditions);
        if (results.every((result) => result instanceof VisageError)) throw allFailed(results);
        const answers = results.map((result) => {
          return result instanceof VisageError ? problemOf(result, requestId) : result;
        });
        const units = results.filter((result) => !(result instanceof VisageError)).length;
        return { status: 200, body: { results: answers }, units };
      },
    },
  ];
}

/** The first entry's error, with what became of each. */
function allFailed(results: readonly VisageError[]): VisageError {
  const [first] = results;
  if (!first) throw new Error('The route has let a batch without a picture in');
  const errors = results.map(({ code, message }, i) => {
    return { path: `/faces/${i}`, message: `${code}: ${message}` };
  });
  return new VisageError(first.code, first.message, errors, first.retryAfter);
}
