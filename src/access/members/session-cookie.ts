import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RequestHeaders } from '../../api/route.ts';
import { VisageError } from '../../errors.ts';

/** `__Host-` binds the cookie to this host, every path, and HTTPS (or localhost). */
const SESSION_COOKIE = '__Host-visage_session';
/** The dashboard's script returns it in a header. */
const CSRF_COOKIE = '__Host-visage_csrf';
const CSRF_HEADER = 'x-csrf-token';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

function single(headers: RequestHeaders, name: string): string | null {
  const values = headers[name] ?? [];
  return values.length === 1 ? (values[0] ?? null) : null;
}

/** Null if missing or repeated. */
export function cookieOf(headers: RequestHeaders, wanted: string): string | null {
  const pairs = (headers.cookie ?? []).flatMap((header) => header.split(';'));
  const values = pairs.flatMap((pair) => {
    const [name, value] = pair.trim().split('=', 2);
    return name === wanted && value ? [value] : [];
  });
  return values.length === 1 ? (values[0] ?? null) : null;
}

export function sessionCookieOf(headers: RequestHeaders): string | null {
  return cookieOf(headers, SESSION_COOKIE);
}

export function csrfTokenOf(cookie: string): string {
  return createHmac('sha256', cookie).update('csrf').digest('base64url');
}

export function sessionCookies(cookie: string, seconds: number): string[] {
  const common = `Path=/; Secure; SameSite=Strict; Max-Age=${seconds}`;
  return [
    `${SESSION_COOKIE}=${cookie}; HttpOnly; ${common}`,
    `${CSRF_COOKIE}=${csrfTokenOf(cookie)}; ${common}`,
  ];
}

export function expiredSessionCookies(): string[] {
  const common = 'Path=/; Secure; SameSite=Strict; Max-Age=0';
  return [`${SESSION_COOKIE}=; HttpOnly; ${common}`, `${CSRF_COOKIE}=; ${common}`];
}

/**
 * Browsers send these headers with every request but GET.
 * @param dashboardOrigin null if the service serves the dashboard.
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

/** @throws `PERMISSION_DENIED`. */
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
