import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RequestHeaders } from '../http/route.ts';

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|::ffff:127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/;
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

/** Headers by which a proxy says that it speaks for somebody else. */
const FORWARDING = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];

/** The code that lets one owner be made over HTTP while there is none. It lives in memory: each start has another. */
export class SetupCode {
  /** Four groups of five of Crockford's base32: 100 random bits, and nothing to confuse when it is typed. */
  readonly text: string;

  constructor() {
    const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    const characters = Array.from(randomBytes(20), (byte) => alphabet[byte & 31]).join('');
    this.text = characters.replaceAll(/(.{5})(?=.)/g, '$1-');
  }

  /** Compares in constant time; case and spaces around do not matter. */
  matches(text: string): boolean {
    const digest = (value: string) => createHash('sha256').update(value).digest();
    return timingSafeEqual(digest(text.trim().toUpperCase()), digest(this.text));
  }
}

/**
 * Whether a person on this machine sent a request, so that the code is not needed: over loopback, not through a
 * proxy on this machine, not by a browser on behalf of another site or of a name that was made to lead here.
 * @param address of the client.
 */
export function isFromThisMachine(address: string, headers: RequestHeaders): boolean {
  if (!LOOPBACK.test(address) || FORWARDING.some((name) => headers[name] !== undefined)) return false;
  const [host, ...others] = headers.host ?? [];
  if (host === undefined || others.length > 0 || !LOOPBACK_HOST.test(host)) return false;
  const origins = headers.origin ?? [];
  return origins.every((origin) => origin === `http://${host}` || origin === `https://${host}`);
}
