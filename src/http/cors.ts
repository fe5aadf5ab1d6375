/** Answers never allow `null` or `*`. */
import type { CallerAccess, PublicAccess, Route } from '../api/route.ts';

type Audience = 'dashboard' | 'applications';

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

const REQUEST_HEADERS =
  'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-API-Key, X-CSRF-Token, X-Request-Id, X-Visage-Background';
const EXPOSED_HEADERS = 'ETag, Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id';

/** Seconds. */
const MAX_AGE = '600';

type Headers = Readonly<Record<string, string>>;

const VARY: Headers = { Vary: 'Origin' };

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
