import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const PATTERN = /^(mem_[0-9A-Z]{26})\.(ses_[0-9A-Z]{26})\.([A-Za-z0-9_-]{43})$/;

export interface SessionSecret {
  readonly memberId: string;
  readonly sessionId: string;
  readonly secret: string;
}

/** 256 random bits in base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

const HALF = 16;

function tagOf(random: Buffer, key: string): Buffer {
  return createHmac('sha256', key).update(random).digest().subarray(0, HALF);
}

/** 128 random bits and their tag: a session knows its former secrets without keeping them. */
export function newTaggedSecret(key: string): string {
  const random = randomBytes(HALF);
  return Buffer.concat([random, tagOf(random, key)]).toString('base64url');
}

export function hasTag(secret: string, key: string): boolean {
  const bytes = Buffer.from(secret, 'base64url');
  const tag = bytes.subarray(HALF);
  return tag.length === HALF && timingSafeEqual(tag, tagOf(bytes.subarray(0, HALF), key));
}

/** SHA-256, 64 hex digits. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export function formatSessionSecret({ memberId, sessionId, secret }: SessionSecret): string {
  return `${memberId}.${sessionId}.${secret}`;
}

export function parseSessionSecret(text: string): SessionSecret | null {
  const [, memberId, sessionId, secret] = PATTERN.exec(text) ?? [];
  return memberId && sessionId && secret ? { memberId, sessionId, secret } : null;
}

/** Authorizes the first owner. Each start creates another, in memory only. */
export class SetupCode {
  /** 100 random bits in Crockford's base32. */
  readonly text: string;

  constructor() {
    const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    const characters = Array.from(randomBytes(20), (byte) => alphabet[byte & 31]).join('');
    this.text = characters.replaceAll(/(.{5})(?=.)/g, '$1-');
  }

  /** In constant time. */
  matches(text: string): boolean {
    const digest = (value: string) => createHash('sha256').update(value).digest();
    return timingSafeEqual(digest(text.trim().toUpperCase()), digest(this.text));
  }
}
