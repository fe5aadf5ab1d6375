import { PROBLEM_SCHEMA, problemOf } from '../api/problem.ts';
import { ONE_IMAGE, type Route, route } from '../api/route.ts';
import { nullable, object } from '../api/schema.ts';
import { VisageError } from '../errors.ts';
import { LIVENESS } from './detection-routes.ts';
import type { EnrolmentService } from './enrolment.ts';
import {
  ACCESS,
  ADDED_FACE_ID,
  FACE_ANALYSIS,
  INDEX_ERRORS,
  REFUSAL,
  TAGS,
  UPRIGHT,
} from './face-schemas.ts';
import { ENROLL_BATCH_BODY, ENROLL_BODY } from './requests.ts';
import { EXTERNAL_KEY } from './schemas.ts';

const MAX_BATCH = 100;

const ENROLL_ANSWER = object(
  {
    ...FACE_ANALYSIS,
    faceId: ADDED_FACE_ID,
    externalKey: nullable(EXTERNAL_KEY, 'External key of the new face; null if no face was added.'),
    result: {
      enum: ['Created', 'Updated', null],
      description:
        '`Created` for the first face of the external key, `Updated` for a further face; null if no face was added.',
      examples: ['Created'],
    },
    liveness: object(LIVENESS, {
      title: 'Liveness',
      description: 'Present if `checkLiveness` is true and the image has a face.',
    }),
    refusal: REFUSAL,
  },
  { title: 'EnrollFaceResult', optional: ['liveness', 'refusal'] },
);

export function enrolmentRoutes(enrolment: EnrolmentService): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/face/enroll',
      operationId: 'enrollFace',
      summary: 'Enroll a face with an external key',
      description: `Adds a face and sets its external key in one transaction. If the face's quality is too low, or \`checkLiveness\` finds it not live, the answer has \`refusal\` and no face is added. ${UPRIGHT}`,
      tags: TAGS,
      access: ACCESS,
      images: ONE_IMAGE,
      body: ENROLL_BODY,
      responses: {
        200: {
          description: 'The face in the image, and the new face with its external key.',
          schema: ENROLL_ANSWER,
        },
      },
      errors: [...INDEX_ERRORS, 'EXTERNAL_KEY_CONFLICT'],
      handler: async ({ caller, body, images }) => {
        return { status: 200, body: await enrolment.enroll(caller, await images.image(), body) };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/face/enroll-batch',
      operationId: 'enrollFaces',
      summary: 'Enroll many faces with external keys',
      description: `Enrolls each entry of \`faces\` as \`face/enroll\` does, in order. A failed entry does not affect the others. Answers 200 if any entry succeeds; otherwise the first entry's error, with all errors in \`errors\`. A form has file parts \`images\`, and one field \`externalKey\` per image in the same order. Charges the price for each entry without an error.`,
      tags: TAGS,
      access: ACCESS,
      images: {
        faces: { kind: 'entries', max: MAX_BATCH, item: object({ externalKey: EXTERNAL_KEY }) },
      },
      body: ENROLL_BATCH_BODY,
      units: ({ faces }) => faces.length,
      responses: {
        200: {
          description: 'The results.',
          schema: object({
            results: {
              type: 'array',
              description: 'In the order of `faces`: the result of `face/enroll`, or a problem.',
              items: { anyOf: [ENROLL_ANSWER, PROBLEM_SCHEMA] },
            },
          }),
        },
      },
      errors: [...INDEX_ERRORS, 'EXTERNAL_KEY_CONFLICT'],
      handler: async ({ caller, requestId, body, images }) => {
        const { faces, ...conditions } = body;
        const entries = images.faces.map((image, i) => {
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
    }),
  ];
}

/** The first entry's error; `errors` lists all entries' errors. */
function allFailed(results: readonly VisageError[]): VisageError {
  const [first] = results;
  if (!first) throw new Error('The route accepted a batch without images');
  const errors = results.map(({ code, message }, i) => {
    return { path: `/faces/${i}`, message: `${code}: ${message}` };
  });
  return new VisageError(first.code, first.message, errors, first.retryAfter);
}
