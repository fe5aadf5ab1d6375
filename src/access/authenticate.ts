import { createHash, timingSafeEqual } from 'node:crypto';
import { VisageError } from '../errors.ts';
import type { RequestHeaders } from '../http/route.ts';
import type { ApiKeys } from '../store/api-keys.ts';
import type { ApiKeyRecord } from '../store/records.ts';
import { hashApiKey, isApiKey } from './api-keys.ts';
import type { Caller } from './caller.ts';
import type { LiveSession, MemberSessions } from './member-sessions.ts';
import type { Tokens } from './tokens.ts';

/** No credential is longer: a token of RS512 has about 900 characters. */
const MAX_LENGTH = 8192;
const AUTHORIZATION = /^([A-Za-z]+) +([^\s]+) *$/;
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

interface Credential {
  readonly key: string;
  /** The account that the caller says the key belongs to. */
  readonly accountId: string | null;
}

function invalidKey(): VisageError {
  return new VisageError('INVALID_API_KEY', 'The API key is not valid.');
}

/** Equality in a time that says nothing about where two texts differ. */
function equal(first: string, second: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(first), digest(second));
}

function credentialOf(key: string, accountId: string | null = null): Credential {
  if (!isApiKey(key)) throw invalidKey();
  return { key, accountId };
}

/** `base64(<accountId>:<key>)`, standard or URL-safe. */
function decodePair(encoded: string): Credential {
  if (!BASE64.test(encoded)) throw invalidKey();
  const text = Buffer.from(encoded, 'base64').toString('latin1');
  const colon = text.indexOf(':');
  if (colon < 1) throw invalidKey();
  return credentialOf(text.slice(colon + 1), text.slice(0, colon));
}

type Parsed = Credential | { readonly token: string };

function parseAuthorization(value: string): Parsed {
  const [, scheme, parameter] = AUTHORIZATION.exec(value) ?? [];
  if (scheme === undefined || parameter === undefined) throw invalidKey();
  switch (scheme.toLowerCase()) {
    case 'apikey':
      return isApiKey(parameter) ? credentialOf(parameter) : decodePair(parameter);
    case 'bearer':
      return JWT.test(parameter) ? { token: parameter } : credentialOf(parameter);
    default:
      throw invalidKey();
  }
}

/** The values of a header, however often it came; empty ones say nothing. */
function valuesOf(value: readonly string[] | undefined): string[] {
  return (value ?? []).filter((text) => text.trim() !== '');
}

function callerOfKey(record: ApiKeyRecord, isToken: boolean): Caller {
  const { id, accountId, environment, collectionId, scopes, generation } = record;
  return {
    accountId,
    environment,
    collectionId,
    allowedExternalKeys: record.allowedExternalKeys,
    allowedModels: record.allowedModels,
    key: { id, isToken, scopes, generation },
    member: null,
  };
}

function callerOfSession({ member, sessionId }: LiveSession): Caller {
  return {
    accountId: member.accountId,
    environment: 'live',
    collectionId: null,
    allowedExternalKeys: null,
    allowedModels: null,
    key: null,
    member: { id: member.memberId, role: member.role, sessionId },
  };
}

/** What a token stands for is looked up each time: whatever happened to its key, member or session counts at once. */
function callerOfToken(token: string, { keys, tokens, sessions }: AuthenticationParts): Caller {
  const claims = tokens.verify(token);
  if (claims.use === 'member') return callerOfSession(sessions.ofClaims(claims));
  const record = keys.byId(claims.sub);
  if (record?.generation !== claims.gen) {
    throw new VisageError('TOKEN_INVALID', 'The API key of the token was revoked or regenerated.');
  }
  return callerOfKey(record, true);
}

function callerOfKeys(credentials: readonly Credential[], keys: ApiKeys): Caller {
  const [{ key }, ...others] = credentials as [Credential, ...Credential[]];
  const record = keys.byHash(hashApiKey(key));
  const agree =
    others.every((other) => equal(other.key, key)) &&
    credentials.every(({ accountId }) => accountId === null || equal(accountId, record?.accountId ?? ''));
  if (!record || !agree) throw invalidKey();
  return callerOfKey(record, false);
}

/** Where callers are known from. */
export interface AuthenticationParts {
  readonly keys: ApiKeys;
  readonly tokens: Tokens;
  readonly sessions: MemberSessions;
}

/**
 * Says who is calling: `Authorization: ApiKey <key>`, `ApiKey base64(<accountId>:<key>)`, `Bearer <key>`,
 * `Bearer <token>`, or `X-API-Key: <key>`; without any of them, the session's cookie. A key is looked up by its
 * SHA-256, so the time of the look-up says nothing about the key.
 *
 * @param request all values of each header by lower-case name, and the method.
 * @throws VisageError `AUTHENTICATION_REQUIRED` where there is no credential; `INVALID_API_KEY` where one is malformed
 * or unknown or several differ; `TOKEN_INVALID`, `TOKEN_EXPIRED` for a token or a session, `PERMISSION_DENIED` for a
 * cookie that another site may have sent.
 */
export function authenticate(
  { headers, method }: { readonly headers: RequestHeaders; readonly method: string },
  parts: AuthenticationParts,
): Caller {
  const authorization = valuesOf(headers.authorization);
  const apiKey = valuesOf(headers['x-api-key']);
  if (authorization.length + apiKey.length === 0) {
    const session = parts.sessions.ofCookie(headers, method);
    if (session) return callerOfSession(session);
    throw new VisageError(
      'AUTHENTICATION_REQUIRED',
      'Send an API key, such as in "Authorization: ApiKey <key>".',
    );
  }
  if ([...authorization, ...apiKey].some((value) => value.length > MAX_LENGTH)) throw invalidKey();
  const parsed = [
    ...authorization.map((value) => parseAuthorization(value)),
    ...apiKey.map((value) => credentialOf(value.trim())),
  ];
  const [first] = parsed;
  if (parsed.length === 1 && first && 'token' in first) return callerOfToken(first.token, parts);
  const credentials = parsed.map((each) => {
    if ('token' in each) throw invalidKey();
    return each;
  });
  return callerOfKeys(credentials, parts.keys);
}
