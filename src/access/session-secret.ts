/** What a client holds of a session or an invitation: a random secret, of which the store keeps the hash only. */
import { createHash, randomBytes } from 'node:crypto';

const PATTERN = /^(mem_[0-9A-Z]{26})\.(ses_[0-9A-Z]{26})\.([A-Za-z0-9_-]{43})$/;

/** A session and the secret that stands for it: the text of a refresh token or of a session's cookie. */
export interface SessionSecret {
  readonly memberId: string;
  readonly sessionId: string;
  readonly secret: string;
}

/** 256 random bits in base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 of a secret, 64 hex digits. A look-up by it tells nothing by its time. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export function formatSessionSecret({ memberId, sessionId, secret }: SessionSecret): string {
  return `${memberId}.${sessionId}.${secret}`;
}

/** @returns null for a text of another form. */
export function parseSessionSecret(text: string): SessionSecret | null {
  const [, memberId, sessionId, secret] = PATTERN.exec(text) ?? [];
  return memberId && sessionId && secret ? { memberId, sessionId, secret } : null;
}
