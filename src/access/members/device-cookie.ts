/** Lets a known browser log in while others' guesses fill the throttle (OWASP, device cookies). */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RequestHeaders } from '../../api/route.ts';
import type { Member } from '../../store/records.ts';
import { cookieOf } from './session-cookie.ts';

const DEVICE_COOKIE = '__Host-visage_device';
const PATTERN = /^(mem_[0-9A-Z]{26})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

/** The longest lifetime that browsers accept. */
const LIFETIME_S = 400 * 24 * 3600;

export interface DeviceCookie {
  readonly memberId: string;
  readonly nonce: string;
  readonly mac: string;
}

/** A new password ends every device cookie. */
function macOf(passwordHash: string, memberId: string, nonce: string): string {
  return createHmac('sha256', passwordHash).update(`device ${memberId} ${nonce}`).digest('base64url');
}

/** @param member must have a password. */
export function newDeviceCookie({ memberId, passwordHash }: Member): string {
  if (passwordHash === null) throw new Error('A member without a password cannot log in');
  const nonce = randomBytes(16).toString('base64url');
  const text = `${memberId}.${nonce}.${macOf(passwordHash, memberId, nonce)}`;
  return `${DEVICE_COOKIE}=${text}; HttpOnly; Path=/; Secure; SameSite=Strict; Max-Age=${LIFETIME_S}`;
}

export function deviceCookieOf(headers: RequestHeaders): DeviceCookie | null {
  const [, memberId, nonce, mac] = PATTERN.exec(cookieOf(headers, DEVICE_COOKIE) ?? '') ?? [];
  return memberId && nonce && mac ? { memberId, nonce, mac } : null;
}

export function isDeviceOf({ memberId, passwordHash }: Member, cookie: DeviceCookie): boolean {
  if (passwordHash === null || cookie.memberId !== memberId) return false;
  const expected = macOf(passwordHash, memberId, cookie.nonce);
  return timingSafeEqual(Buffer.from(expected), Buffer.from(cookie.mac));
}
