/** The browser's session: its cookies, and what keeps other sites from using them. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { VisageError } from '../errors.ts';
import type { RequestHeaders } from '../http/route.ts';

/** `__Host-` makes browsers take the cookie over HTTPS (or from localhost) only, for this host and every path. */
const SESSION_COOKIE = '__Host-visage_session';
/** Readable by the dashboard's script, which sends it back in a header; another site's cannot read it. */
const CSRF_COOKIE = '__Host-visage_csrf';
const CSRF_HEADER = 'x-csrf-token';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The one value of a header; null if it is missing or came more than once. */
function single(headers: RequestHeaders, name: string): string | null {
  const values = headers[name] ?? [];
  return values.length === 1 ? (values[0] ?? null) : null;
}

/** The text of the session's cookie. @returns null without one; a cookie that came twice is none. */
export function sessionCookieOf(headers: RequestHeaders): string | null {
  const pairs = (headers.cookie ?? []).flatMap((header) => header.split(';'));
  const values = pairs.flatMap((pair) => {
    const [name, value] = pair.trim().split('=', 2);
    return name === SESSION_COOKIE && value ? [value] : [];
  });
  return values.length === 1 ? (values[0] ?? null) : null;
}

/** The token that state-changing requests of a session carry: an HMAC, so only who has the session can make it. */
export function csrfTokenOf(cookie: string): string {
  return createHmac('sha256', cookie).update('csrf').digest('base64url');
}

/** @param seconds until the cookies expire. */
export function sessionCookies(cookie: string, seconds: number): string[] {
  const common = `Path=/; Secure; SameSite=Strict; Max-Age=${seconds}`;
  return [
    `${SESSION_COOKIE}=${cookie}; HttpOnly; ${common}`,
    `${CSRF_COOKIE}=${csrfTokenOf(cookie)}; ${common}`,
  ];
}

/** Cookies that take the session's away. */
export function expiredSessionCookies(): string[] {
  const common = 'Path=/; Secure; SameSite=Strict; Max-Age=0';
  return [`${SESSION_COOKIE}=; HttpOnly; ${common}`, `${CSRF_COOKIE}=; ${common}`];
}

/**
 * Whether a browser says that a page of this service, or of its dashboard, sent the request. A browser says so with
 * every request that is not a GET; what says nothing is no browser.
 * @param dashboardOrigin where the dashboard is served, if not at the host that the request names; on the same site,
 * since the cookies go nowhere else.
 */
export function isFromDashboard(headers: RequestHeaders, dashboardOrigin: string | null): boolean {
  const site = single(headers, 'sec-fetch-site');
  const origin = single(headers, 'origin');
  if (headers.origin === undefined) return site === 'same-origin';
  if (origin === null) return false;
  const isSaid = (...expected: string[]) =>
    headers['sec-fetch-site'] === undefined || (site !== null && expected.includes(site));
  if (origin === dashboardOrigin) return isSaid('same-origin', 'same-site');
  const host = single(headers, 'host');
  const isOwn = host !== null && (origin === `https://${host}` || origin === `http://${host}`);
  return isOwn && isSaid('same-origin');
}

/**
 * Lets a request that its cookie speaks for change something only if it comes from the dashboard.
 * @throws VisageError `PERMISSION_DENIED`.
 */
export function checkRequestForgery(
  headers: RequestHeaders,
  method: string,
  cookie: string,
  dashboardOrigin: string | null,
): void {
  if (SAFE_METHODS.has(method)) return;
  const sent = Buffer.from(single(headers, CSRF_HEADER) ?? '');
  const right = Buffer.from(csrfTokenOf(cookie));
  const isRight = sent.length === right.length && timingSafeEqual(sent, right);
  if (isRight && isFromDashboard(headers, dashboardOrigin)) return;
  throw new VisageError(
    'PERMISSION_DENIED',
    'A request with a session cookie must come from the dashboard and carry its X-CSRF-Token.',
  );
}
