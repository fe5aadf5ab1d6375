/** Errors on the wire: `application/problem+json`, RFC 9457. */
import { ERRORS, type ErrorCode, type FieldError, VisageError } from '../errors.ts';
import type { Schema } from './route.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** Body of every answer that is not a success. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
}

/** The schema of a problem. */
export const PROBLEM_SCHEMA: Schema = {
  type: 'object',
  description: 'An error, RFC 9457.',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  additionalProperties: false,
  properties: {
    type: { type: 'string', description: 'A URI that names the code.' },
    title: { type: 'string', description: 'The code in words; the same for every occurrence.' },
    status: { type: 'integer', description: 'The HTTP status.' },
    detail: { type: 'string', description: 'What is wrong this time.' },
    code: { type: 'string', enum: Object.keys(ERRORS), description: 'Stable; programs decide by it.' },
    requestId: { type: 'string', description: 'The `X-Request-Id` of the request, as in the log.' },
    errors: {
      type: 'array',
      description: 'Every field that is wrong.',
      items: {
        type: 'object',
        required: ['path', 'message'],
        additionalProperties: false,
        properties: {
          path: { type: 'string', description: 'JSON pointer into the body, or the name of a parameter.' },
          message: { type: 'string' },
        },
      },
    },
  },
};

/** Seconds after which trying again makes sense. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  OVERLOADED: 1,
  NOT_READY: 2,
  STORAGE_READ_ONLY: 30,
};

/** The problem of an error; what is not a {@link VisageError} tells nothing of itself. */
export function problemOf(error: unknown, requestId: string): Problem {
  const known =
    error instanceof VisageError
      ? error
      : new VisageError(
          'INTERNAL_ERROR',
          'Something went wrong inside; the log has it under this request id.',
        );
  const { status, title } = ERRORS[known.code];
  return {
    type: `urn:visage:error:${known.code}`,
    title,
    status,
    detail: known.message,
    code: known.code,
    requestId,
    ...(known.errors ? { errors: known.errors } : {}),
  };
}

/** Headers that belong to a code. @param retryAfter seconds, where the error says them. */
export function problemHeaders(code: ErrorCode, retryAfter?: number): Readonly<Record<string, string>> {
  const seconds = retryAfter ?? RETRY_AFTER_SECONDS[code];
  if (seconds !== undefined) return { 'Retry-After': String(seconds) };
  if (ERRORS[code].status === 401)
    return { 'WWW-Authenticate': 'ApiKey realm="visage", Bearer realm="visage"' };
  return {};
}
