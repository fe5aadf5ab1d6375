/** Errors on the wire: `application/problem+json`, RFC 9457. */
import { ERRORS, type ErrorCode, type FieldError, VisageError } from '../errors.ts';

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
