/** RFC 9457. */
import { ERRORS, type ErrorCode, type FieldError, VisageError } from '../errors.ts';
import type { Schema } from './schema.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
}

export const PROBLEM_SCHEMA: Schema = {
  title: 'Problem',
  type: 'object',
  description: 'An error, RFC 9457.',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  additionalProperties: false,
  properties: {
    type: { type: 'string', description: 'A URI that names the code.' },
    title: { type: 'string', description: 'The code in words.' },
    status: { type: 'integer', description: 'The HTTP status.' },
    detail: { type: 'string', description: 'This occurrence of the error, in words.' },
    code: { type: 'string', enum: Object.keys(ERRORS), description: 'Stable: programs should branch on it.' },
    requestId: { type: 'string', description: 'The `X-Request-Id` of the request; the log has it too.' },
    errors: {
      type: 'array',
      description: 'Every invalid field.',
      items: {
        title: 'FieldError',
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

const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  OVERLOADED: 1,
  NOT_READY: 2,
  STORAGE_READ_ONLY: 30,
};

/** Hides messages of unexpected errors. */
export function problemOf(error: unknown, requestId: string): Problem {
  const known =
    error instanceof VisageError
      ? error
      : new VisageError('INTERNAL_ERROR', 'Internal error. The log has the details under this request id.');
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

export function problemHeaders(code: ErrorCode, retryAfter?: number): Readonly<Record<string, string>> {
  const seconds = retryAfter ?? RETRY_AFTER_SECONDS[code];
  if (seconds !== undefined) return { 'Retry-After': String(seconds) };
  if (ERRORS[code].status === 401)
    return { 'WWW-Authenticate': 'ApiKey realm="visage", Bearer realm="visage"' };
  return {};
}
