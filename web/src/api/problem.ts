import type { components } from './schema.d.ts';

type Problem = components['schemas']['Problem'];

/** The service's answer to a failed call (RFC 9457). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly requestId: string | null;
  readonly fields: readonly { readonly path: string; readonly message: string }[];
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

  field(name: string): string | undefined {
    const matches = (path: string) => path === name || path === `/${name}` || path.endsWith(`.${name}`);
    return this.fields.find(({ path }) => matches(path))?.message;
  }
}

export class OfflineError extends Error {
  constructor(cause: unknown) {
    super('The service does not answer.', { cause });
    this.name = 'OfflineError';
  }
}

export class NotConfirmedError extends Error {
  constructor() {
    super('The password was not confirmed.');
    this.name = 'NotConfirmedError';
  }
}

export function isCode(error: unknown, code: string): error is ApiError {
  return error instanceof ApiError && error.code === code;
}
