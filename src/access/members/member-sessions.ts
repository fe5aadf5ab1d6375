import { timingSafeEqual } from 'node:crypto';
import type { RequestHeaders } from '../../api/route.ts';
import { BoundedMap } from '../../base/bounded-map.ts';
import type { AccessConfig } from '../../config/config.ts';
import { VisageError } from '../../errors.ts';
import { type Member, newIdentifier, type SessionRecord } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';
import type { TokenClaims, Tokens } from '../tokens/tokens.ts';
import {
  formatSessionSecret,
  hashSecret,
  hasTag,
  newSecret,
  newTaggedSecret,
  parseSessionSecret,
} from './secrets.ts';
import { checkRequestForgery, csrfTokenOf, sessionCookieOf, sessionCookies } from './session-cookie.ts';

/** Seconds. */
const TOKEN_LIFETIME = 900;
/** Clients can renew a token this long after its expiry. */
const REFRESH_GRACE = 300;

const HOUR_MS = 3_600_000;
const COOKIE_LIFETIME_MS = 12 * HOUR_MS;
const TOKEN_RENEWAL_MS = COOKIE_LIFETIME_MS;
/** A repeated refresh token counts as a lost answer or a second tab. */
const REPEAT_MS = 10_000;
const CONFIRMATION_MS = 10 * 60_000;
const USE_STEP_MS = 60_000;
const MAX_USES = 10_000;
/** Marks requests such as polling, which do not count as use. */
const BACKGROUND_HEADER = 'x-visage-background';
const IDLE_LIMIT_MS = 30 * 24 * HOUR_MS;
const TOTAL_LIMIT_MS = 90 * 24 * HOUR_MS;

function isBackground(headers: RequestHeaders): boolean {
  return headers[BACKGROUND_HEADER]?.[0] === '1' || headers['sec-fetch-dest']?.[0] === 'image';
}

export interface LiveSession {
  readonly member: Member;
  readonly sessionId: string;
  readonly createdAt: number;
  /** Null for a token. */
  readonly confirmedUntil: number | null;
}

interface Uses {
  last: number;
  recorded: number;
}

export interface TokenGrant {
  readonly member: Member;
  readonly token: string;
  readonly expiresAt: number;
  /** Valid once; null after renewal by token. */
  readonly refreshToken: string | null;
}

export interface CookieGrant {
  readonly member: Member;
  readonly setCookies: readonly string[];
  readonly csrfToken: string;
  readonly expiresAt: number;
}

export interface SessionParts {
  readonly store: Store;
  readonly tokens: Tokens;
  readonly now: () => number;
  readonly dashboardOrigin: string | null;
  readonly access: Pick<AccessConfig, 'sessionIdleMs'>;
}

function ended(): VisageError {
  return new VisageError('TOKEN_INVALID', 'The session has ended; log in again.');
}

/** Reads the store, so ended sessions and removed members fail at once. */
export class MemberSessions {
  readonly #parts: SessionParts;
  readonly #uses = new BoundedMap<string, Uses>(MAX_USES);

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  async beginToken(member: Member): Promise<TokenGrant> {
    const now = this.#parts.now();
    const { sessionId, secret } = await this.#begin(member, 'token', now + IDLE_LIMIT_MS);
    return this.#grant(member, sessionId, secret);
  }

  async beginCookie(member: Member): Promise<CookieGrant> {
    const expiresAt = this.#parts.now() + COOKIE_LIFETIME_MS;
    const { sessionId, secret } = await this.#begin(member, 'cookie', expiresAt);
    const cookie = formatSessionSecret({ memberId: member.memberId, sessionId, secret });
    const setCookies = sessionCookies(cookie, COOKIE_LIFETIME_MS / 1000);
    return { member, setCookies, csrfToken: csrfTokenOf(cookie), expiresAt };
  }

  async #begin(member: Member, kind: 'token' | 'cookie', expiresAt: number) {
    const { store, now } = this.#parts;
    const tagKey = kind === 'token' ? newSecret() : undefined;
    const secret = tagKey === undefined ? newSecret() : newTaggedSecret(tagKey);
    const createdAt = now();
    const sessionId = newIdentifier('ses_', createdAt);
    const record = {
      accountId: member.accountId,
      kind,
      ...(tagKey === undefined ? {} : { tagKey }),
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
   * A late repetition indicates theft and ends the session; an invented token does not.
   * @param reused called before that refusal.
   * @throws `TOKEN_INVALID`.
   */
  async refreshBySecret(
    text: string,
    reused: (place: { accountId: string; memberId: string }) => Promise<void> = async () => {},
  ): Promise<TokenGrant> {
    const { store, now } = this.#parts;
    const sent = parseSessionSecret(text);
    const session = sent && store.sessions.get(sent.memberId, sent.sessionId);
    if (!session) throw ended();
    const { tagKey } = session;
    const secret = tagKey === undefined ? newSecret() : newTaggedSecret(tagKey);
    const wasIssued = tagKey === undefined || hasTag(sent.secret, tagKey);
    const hashes = { sent: hashSecret(sent.secret), next: hashSecret(secret), wasIssued };
    const expiresAt = Math.min(now() + IDLE_LIMIT_MS, session.createdAt + TOTAL_LIMIT_MS);
    const times = { now: now(), expiresAt, repeatMs: REPEAT_MS };
    const rotation = await store.sessions.rotate(sent, hashes, times);
    if (rotation === 'reused') {
      await reused({ accountId: session.accountId, memberId: sent.memberId });
      throw new VisageError(
        'TOKEN_INVALID',
        'This refresh token was used before, so its session has ended; log in again.',
      );
    }
    if (rotation === 'ended') throw ended();
    const { member } = this.#live(sent.memberId, sent.sessionId, 'token');
    return this.#grant(member, sent.sessionId, secret);
  }

  /**
   * Until twelve hours after log-in.
   * @throws `TOKEN_INVALID`, `TOKEN_EXPIRED`.
   */
  refreshByToken(token: string): TokenGrant {
    const claims = this.#parts.tokens.verify(token, REFRESH_GRACE);
    const { member, sessionId, createdAt } = this.ofClaims(claims);
    if (this.#parts.now() >= createdAt + TOKEN_RENEWAL_MS) {
      throw new VisageError(
        'TOKEN_EXPIRED',
        'A token can be renewed for twelve hours after log-in. Send the refresh_token, or log in again.',
      );
    }
    return this.#grant(member, sessionId, null);
  }

  /** @throws `TOKEN_INVALID`. */
  ofClaims(claims: TokenClaims): LiveSession {
    if (claims.use !== 'member')
      throw new VisageError('TOKEN_INVALID', 'Expected the token of a member, got the token of an API key.');
    return this.#live(claims.sub, claims.sid, 'token');
  }

  /**
   * Null without a cookie.
   * @throws `TOKEN_INVALID`; `PERMISSION_DENIED` if another site may have sent the request.
   */
  ofCookie(headers: RequestHeaders, method: string): LiveSession | null {
    const cookie = sessionCookieOf(headers);
    if (cookie === null) return null;
    const sent = parseSessionSecret(cookie);
    if (!sent) throw ended();
    const live = this.#live(sent.memberId, sent.sessionId, 'cookie', sent.secret);
    checkRequestForgery(headers, method, cookie, this.#parts.dashboardOrigin);
    if (!isBackground(headers)) this.#use(sent.memberId, sent.sessionId);
    return live;
  }

  #lastUse(sessionId: string, { usedAt, createdAt }: SessionRecord): number {
    return this.#uses.get(sessionId)?.last ?? usedAt ?? createdAt;
  }

  /** After a restart, a session may end a minute early. */
  #use(memberId: string, sessionId: string): void {
    const { store, now } = this.#parts;
    const uses = this.#uses.get(sessionId) ?? { last: 0, recorded: Number.NEGATIVE_INFINITY };
    uses.last = now();
    this.#uses.set(sessionId, uses);
    if (Math.abs(uses.last - uses.recorded) < USE_STEP_MS) return;
    uses.recorded = uses.last;
    store.sessions.note({ memberId, sessionId }, { usedAt: uses.last }).catch(() => {});
  }

  /**
   * @param confirm throws inside the transaction if the session has ended.
   * @returns when the confirmation ends.
   * @throws `TOKEN_INVALID`.
   */
  async confirm(memberId: string, sessionId: string, confirm?: () => void): Promise<number> {
    const { store, now } = this.#parts;
    const confirmedAt = now();
    if (!(await store.sessions.note({ memberId, sessionId }, { confirmedAt }, confirm))) throw ended();
    return confirmedAt + CONFIRMATION_MS;
  }

  #live(memberId: string, sessionId: string, kind: 'token' | 'cookie', secret?: string): LiveSession {
    const { store, now, access } = this.#parts;
    const session = store.sessions.get(memberId, sessionId);
    if (session?.kind !== kind || session.expiresAt <= now()) throw ended();
    const isCookie = kind === 'cookie';
    if (isCookie && now() - this.#lastUse(sessionId, session) >= access.sessionIdleMs) throw ended();
    if (secret !== undefined && !sameHash(session.secretHash, hashSecret(secret))) throw ended();
    const member = store.members.get(session.accountId, memberId);
    if (!member || member.passwordHash === null) throw ended();
    const { createdAt, confirmedAt = createdAt } = session;
    return { member, sessionId, createdAt, confirmedUntil: isCookie ? confirmedAt + CONFIRMATION_MS : null };
  }

  end(memberId: string, sessionId: string): Promise<void> {
    return this.#parts.store.sessions.remove(memberId, sessionId);
  }
}

function sameHash(first: string, second: string): boolean {
  return timingSafeEqual(Buffer.from(first), Buffer.from(second));
}
