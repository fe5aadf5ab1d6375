/**
 * `await call(api.GET('/v1/collection/get-all', { signal }))` returns the body or throws `ApiError` or
 * `OfflineError`. A 401 opens the log-in and keeps the page below it; `CONFIRMATION_REQUIRED` asks for the
 * password and repeats the call.
 */
import createClient from 'openapi-fetch';
import { connection } from './connection.ts';
import { ApiError, NotConfirmedError, OfflineError } from './problem.ts';
import type { paths } from './schema.d.ts';
import { sessionEvents } from './session-events.ts';

const CSRF_COOKIE = '__Host-visage_csrf=';
const SAFE_METHODS = ['GET', 'HEAD'];

export const BACKGROUND = { 'X-Visage-Background': '1' } as const;

export function csrfToken(): string | null {
  const pair = document.cookie.split('; ').find((each) => each.startsWith(CSRF_COOKIE));
  return pair?.slice(CSRF_COOKIE.length) ?? null;
}

async function problemOf(response: Response): Promise<ApiError> {
  const body = await response
    .clone()
    .json()
    .catch(() => ({}));
  const retryAfter = Number(response.headers.get('Retry-After'));
  return new ApiError(response.status, body, retryAfter > 0 ? retryAfter : null);
}

function prepared(request: Request): Request {
  const next = request.clone();
  const token = csrfToken();
  if (!SAFE_METHODS.includes(request.method) && token !== null) next.headers.set('X-CSRF-Token', token);
  return next;
}

async function once(request: Request): Promise<Response> {
  try {
    const response = await fetch(prepared(request));
    connection.seen();
    return response;
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    connection.lost();
    throw new OfflineError(cause);
  }
}

export async function send(request: Request): Promise<Response> {
  const response = await once(request);
  if (response.status === 401 && !new URL(request.url).pathname.startsWith('/auth/')) {
    const { code } = await problemOf(response);
    if (code !== 'INVALID_CREDENTIALS') sessionEvents.expired();
  }
  if (response.status !== 403) return response;
  const { code } = await problemOf(response);
  if (code !== 'CONFIRMATION_REQUIRED') return response;
  if (!(await sessionEvents.confirm())) throw new NotConfirmedError();
  return once(request);
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

interface Answer<T> {
  readonly data?: T;
  readonly response: Response;
  readonly error?: unknown;
}

/** @throws ApiError, OfflineError or NotConfirmedError. */
export async function call<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (response.ok) return data as T;
  const retryAfter = Number(response.headers.get('Retry-After'));
  const problem = typeof error === 'object' && error !== null ? error : {};
  throw new ApiError(response.status, problem, retryAfter > 0 ? retryAfter : null);
}
