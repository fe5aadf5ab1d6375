/**
 * Which pages of other origins may call which route (CORS). A page's origin is compared as a whole with those of the
 * settings; no other origin is ever named in an answer, and neither `null` nor `*`.
 */
import type { CallerAccess, PublicAccess, Route } from './route.ts';

/** Whose pages a route is for: the dashboard's, with its cookies, or applications', without. */
type Audience = 'dashboard' | 'applications';

/** The audience by who may call, so that every route has decided. */
const AUDIENCES: Readonly<Record<(CallerAccess | PublicAccess)['by'], Audience>> = {
  anyone: 'dashboard',
  key: 'dashboard',
  member: 'dashboard',
  'member-or-key': 'dashboard',
  caller: 'applications',
};

export interface CorsOrigins {
  readonly dashboardOrigin: string | null;
  readonly allowedOrigins: readonly string[];
}

const REQUEST_HEADERS = 'Authorization, Content-Type, X-API-Key, X-CSRF-Token, X-Request-Id';
const EXPOSED_HEADERS = 'RateLimit, RateLimit-Policy, Retry-After, X-Request-Id';

/** Seconds for which a browser need not ask again. */
const MAX_AGE = '600';

type Headers = Readonly<Record<string, string>>;

const VARY: Headers = { Vary: 'Origin' };

/**
 * Headers of a route's answer.
 * @param origin every value of the request's `Origin`.
 */
export function corsHeaders(
  route: Route,
  origin: readonly string[] | undefined,
  origins: CorsOrigins,
): Headers {
  const isForDashboard = AUDIENCES[route.access.by] === 'dashboard';
  const allowed = isForDashboard ? [origins.dashboardOrigin] : origins.allowedOrigins;
  const [only] = origin ?? [];
  if (origin?.length !== 1 || only === undefined || !allowed.includes(only)) return VARY;
  return {
    ...VARY,
    'Access-Control-Allow-Origin': only,
    'Access-Control-Expose-Headers': EXPOSED_HEADERS,
    ...(isForDashboard ? { 'Access-Control-Allow-Credentials': 'true' } : {}),
  };
}

/**
 * Headers of the answer to a preflight (OPTIONS).
 * @param routes those of one path. @param method the request's `Access-Control-Request-Method`.
 */
export function preflightHeaders(
  routes: readonly Route[],
  method: string | undefined,
  origin: readonly string[] | undefined,
  origins: CorsOrigins,
): Headers {
  const vary = { Vary: 'Origin, Access-Control-Request-Method' };
  const route = routes.find((each) => each.method === method);
  if (!route) return vary;
  const headers = corsHeaders(route, origin, origins);
  if (!headers['Access-Control-Allow-Origin']) return vary;
  const { 'Access-Control-Expose-Headers': _, ...allowing } = headers;
  return {
    ...allowing,
    ...vary,
    'Access-Control-Allow-Methods': route.method,
    'Access-Control-Allow-Headers': REQUEST_HEADERS,
    'Access-Control-Max-Age': MAX_AGE,
  };
}
