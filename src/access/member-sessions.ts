/** Sessions of members: begun at log-in, refreshed, looked up with every request, ended. */
import { timingSafeEqual } from 'node:crypto';
import { VisageError } from '../errors.ts';
import type { RequestHeaders } from '../http/route.ts';
import { newIdentifier } from '../store/identifiers.ts';
import type { Member } from '../store/members.ts';
import type { Store } from '../store/store.ts';
import { checkRequestForgery, csrfTokenOf, sessionCookieOf, sessionCookies } from './session-cookie.ts';
import { formatSessionSecret, hashSecret, newSecret, parseSessionSecret } from './session-secret.ts';
import type { TokenClaims, Tokens } from './tokens.ts';

/** Seconds that a member's token lives. */
const TOKEN_LIFETIME = 900;
/** Seconds after its expiry for which a token may still be exchanged for a fresh one. */
const REFRESH_GRACE = 300;

const HOUR_MS = 3_600_000;
/** A browser's session ends this long after log-in, used or not: a working day. */
const COOKIE_LIFETIME_MS = 12 * HOUR_MS;
/** A program's session ends when no refresh token was used for so long, or so long after log-in. */
const IDLE_LIMIT_MS = 30 * 24 * HOUR_MS;
const TOTAL_LIMIT_MS = 90 * 24 * HOUR_MS;

/** A member in a session that is alive. */
export interface LiveSession {
  readonly member: Member;
  readonly sessionId: string;
}

/** A token of a member; times are milliseconds since 1970. */
export interface TokenGrant {
  readonly member: Member;
  readonly token: string;
  readonly expiresAt: number;
  /** Good for one refresh; null where none was used and none is given. */
  readonly refreshToken: string | null;
}

/** A browser's session. */
export interface CookieGrant {
  readonly member: Member;
  readonly setCookies: readonly string[];
  readonly csrfToken: string;
  readonly expiresAt: number;
}

export interface SessionParts {
  readonly store: Store;
  readonly tokens: Tokens;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Where the dashboard is served, if not at the host that requests name. */
  readonly dashboardOrigin: string | null;
}

function ended(): VisageError {
  return new VisageError('TOKEN_INVALID', 'The session has ended; log in again.');
}

/** Log-ins that last. Nothing is cached: what was ended or removed is refused on the next request. */
export class MemberSessions {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Begins a program's session. Resolves when it is on disk. */
  async beginToken(member: Member): Promise<TokenGrant> {
    const now = this.#parts.now();
    const { sessionId, secret } = await this.#begin(member, 'token', now + IDLE_LIMIT_MS);
    return this.#grant(member, sessionId, secret);
  }

  /** Begins a browser's session. Resolves when it is on disk. */
  async beginCookie(member: Member): Promise<CookieGrant> {
    const expiresAt = this.#parts.now() + COOKIE_LIFETIME_MS;
    const { sessionId, secret } = await this.#begin(member, 'cookie', expiresAt);
    const cookie = formatSessionSecret({ memberId: member.memberId, sessionId, secret });
    const setCookies = sessionCookies(cookie, COOKIE_LIFETIME_MS / 1000);
    return { member, setCookies, csrfToken: csrfTokenOf(cookie), expiresAt };
  }

  async #begin(member: Member, kind: 'token' | 'cookie', expiresAt: number) {
    const { store, now } = this.#parts;
    const secret = newSecret();
    const createdAt = now();
    const sessionId = newIdentifier('ses_', createdAt);
    const record = {
      accountId: member.accountId,
      kind,
      secretHash: hashSecret(secret),
      createdAt,
      expiresAt,
    };
    if (!(await store.sessions.add(member.memberId, sessionId, record, createdAt))) throw ended();
    return { sessionId, secret };
  }

  #grant(member: Member, sessionId: string, secret: string | null): TokenGrant {
    const { memberId } = member;
    const signed = this.#parts.tokens.sign({ use: 'member', sub: memberId, sid: sessionId }, TOKEN_LIFETIME);
    const refreshToken = secret && formatSessionSecret({ memberId, sessionId, secret });
    return { member, ...signed, refreshToken };
  }

  /**
   * Exchanges a refresh token for a token and the next refresh token. Each is good once: one that comes again was
   * copied, so the whole session ends, whoever holds its newest one.
   * @throws VisageError `TOKEN_INVALID`.
   */
  async refreshBySecret(text: string): Promise<TokenGrant> {
    const { store, now } = this.#parts;
    const sent = parseSessionSecret(text);
    const session = sent && store.sessions.get(sent.memberId, sent.sessionId);
    if (!session) throw ended();
    const secret = newSecret();
    const hashes = { sent: hashSecret(sent.secret), next: hashSecret(secret) };
    const expiresAt = Math.min(now() + IDLE_LIMIT_MS, session.createdAt + TOTAL_LIMIT_MS);
    const rotated = await store.sessions.rotate(sent, hashes, now(), expiresAt);
    if (!rotated) throw ended();
    const { member } = this.#live(sent.memberId, sent.sessionId, 'token');
    return this.#grant(member, sent.sessionId, secret);
  }

  /**
   * Exchanges a member's token, valid or expired a short while ago, for a fresh one of the same session.
   * @throws VisageError `TOKEN_INVALID`, `TOKEN_EXPIRED`.
   */
  refreshByToken(token: string): TokenGrant {
    const claims = this.#parts.tokens.verify(token, REFRESH_GRACE);
    const { member, sessionId } = this.ofClaims(claims);
    return this.#grant(member, sessionId, null);
  }

  /** The session behind a verified token. @throws VisageError `TOKEN_INVALID` if it or its member is gone. */
  ofClaims(claims: TokenClaims): LiveSession {
    if (claims.use !== 'member') throw new VisageError('TOKEN_INVALID', 'The token is not of a member.');
    return this.#live(claims.sub, claims.sid, 'token');
  }

  /**
   * The session that a request's cookie stands for.
   * @returns null where there is no cookie.
   * @throws VisageError `TOKEN_INVALID` if it is not alive, `PERMISSION_DENIED` if another site may have sent it.
   */
  ofCookie(headers: RequestHeaders, method: string): LiveSession | null {
    const cookie = sessionCookieOf(headers);
    if (cookie === null) return null;
    const sent = parseSessionSecret(cookie);
    if (!sent) throw ended();
    const live = this.#live(sent.memberId, sent.sessionId, 'cookie', sent.secret);
    checkRequestForgery(headers, method, cookie, this.#parts.dashboardOrigin);
    return live;
  }

  #live(memberId: string, sessionId: string, kind: 'token' | 'cookie', secret?: string): LiveSession {
    const { store, now } = this.#parts;
    const session = store.sessions.get(memberId, sessionId);
    if (session?.kind !== kind || session.expiresAt <= now()) throw ended();
    if (secret !== undefined && !sameHash(session.secretHash, hashSecret(secret))) throw ended();
    const member = store.members.get(session.accountId, memberId);
    if (!member || member.passwordHash === null) throw ended();
    return { member, sessionId };
  }

  /** Ends a session. Resolves when that is on disk. */
  end(memberId: string, sessionId: string): Promise<void> {
    return this.#parts.store.sessions.remove(memberId, sessionId);
  }
}

function sameHash(first: string, second: string): boolean {
  return timingSafeEqual(Buffer.from(first), Buffer.from(second));
}
