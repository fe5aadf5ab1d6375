/** Errors of API calls. */
import type { components } from './schema.d.ts';

type Problem = components['schemas']['Problem'];

/** The service's answer to a failed call (RFC 9457). Compare `code`, never `message`. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly requestId: string | null;
  /** One entry for each invalid field. */
  readonly fields: readonly { readonly path: string; readonly message: string }[];
  /** Seconds, of `Retry-After`. */
  readonly retryAfter: number | null;

  constructor(status: number, problem: Partial<Problem>, retryAfter: number | null = null) {
    super(problem.detail ?? problem.title ?? `The service answered ${status}.`);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code ?? 'UNKNOWN';
    this.title = problem.title ?? this.message;
    this.requestId = problem.requestId ?? null;
    this.fields = problem.errors ?? [];
    this.retryAfter = retryAfter;
  }

  /** The message for a field of the request, by its name or path. */
  field(name: string): string | undefined {
    const matches = (path: string) => path === name || path === `/${name}` || path.endsWith(`.${name}`);
    return this.fields.find(({ path }) => matches(path))?.message;
  }
}

/** The service did not answer: it is down, restarts, or the network is. */
export class OfflineError extends Error {
  constructor(cause: unknown) {
    super('The service does not answer.', { cause });
    this.name = 'OfflineError';
  }
}

/** The reader closed the password dialog. */
export class NotConfirmedError extends Error {
  constructor() {
    super('The password was not confirmed.');
    this.name = 'NotConfirmedError';
  }
}

export function isCode(error: unknown, code: string): error is ApiError {
  return error instanceof ApiError && error.code === code;
}
