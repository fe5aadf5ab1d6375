import { createHash, timingSafeEqual } from 'node:crypto';
import type { Caller } from '../../api/caller.ts';
import type { RequestHeaders } from '../../api/route.ts';
import { VisageError } from '../../errors.ts';
import type { ApiKeys } from '../../store/api-keys.ts';
import type { ApiKeyRecord } from '../../store/records.ts';
import { hashApiKey, isApiKey } from '../keys/api-keys.ts';
import type { LiveSession, MemberSessions } from '../members/member-sessions.ts';
import type { Tokens } from '../tokens/tokens.ts';

const MAX_LENGTH = 8192;
const AUTHORIZATION = /^([A-Za-z]+) +([^\s]+) *$/;
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

interface Credential {
  readonly key: string;
  readonly accountId: string | null;
}

const KEY_FORM = '`fr_live_` or `fr_test_` and 32 hex digits in lower case';

function invalidKey(
  why = 'The API key is unknown or revoked, or contradicts another credential of the request.',
): VisageError {
  return new VisageError('INVALID_API_KEY', why);
}

/** In constant time. */
function equal(first: string, second: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(first), digest(second));
}

function credentialOf(key: string, accountId: string | null = null): Credential {
  if (!isApiKey(key)) throw invalidKey(`The API key is malformed; expected ${KEY_FORM}.`);
  return { key, accountId };
}

function decodePair(encoded: string): Credential {
  const text = BASE64.test(encoded) ? Buffer.from(encoded, 'base64').toString('latin1') : '';
  const colon = text.indexOf(':');
  if (colon < 1) {
    throw invalidKey(`Expected an API key after "ApiKey", ${KEY_FORM}, or base64 of <accountId>:<key>.`);
  }
  return credentialOf(text.slice(colon + 1), text.slice(0, colon));
}

type Parsed = Credential | { readonly token: string };

/** Errors never echo the header: its scheme may be a secret. */
function parseAuthorization(value: string): Parsed {
  const [, scheme = '', parameter = ''] = AUTHORIZATION.exec(value) ?? [];
  switch (scheme.toLowerCase()) {
    case 'apikey':
      return isApiKey(parameter) ? credentialOf(parameter) : decodePair(parameter);
    case 'bearer':
      return JWT.test(parameter) ? { token: parameter } : credentialOf(parameter);
    default:
      if (isApiKey(value.trim())) return credentialOf(value.trim());
      throw invalidKey(
        'Authorization: expected "ApiKey <key>" or "Bearer <token>". Write the word ApiKey before an API key or ' +
          'base64 of <accountId>:<key>, and the word Bearer before a token.',
      );
  }
}

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
    key: { id, isToken, scopes, keyVersion: generation },
    member: null,
  };
}

function callerOfSession({ member, sessionId, confirmedUntil }: LiveSession): Caller {
  return {
    accountId: member.accountId,
    environment: 'live',
    collectionId: null,
    allowedExternalKeys: null,
    allowedModels: null,
    key: null,
    member: { id: member.memberId, role: member.role, sessionId, confirmedUntil },
  };
}

/** Reads the store: revocations apply at once. */
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

export interface AuthenticationParts {
  readonly keys: ApiKeys;
  readonly tokens: Tokens;
  readonly sessions: MemberSessions;
}

/**
 * Reads `Authorization: ApiKey <key>`, `ApiKey base64(<accountId>:<key>)`, `Bearer <key>`, `<key>`, `Bearer
 * <token>`, or `X-API-Key: <key>`; otherwise the session cookie.
 * @throws `AUTHENTICATION_REQUIRED` without a credential; `INVALID_API_KEY` if malformed, unknown or
 * contradictory; `TOKEN_INVALID`, `TOKEN_EXPIRED`; `PERMISSION_DENIED` for a cookie perhaps sent by another
 * site.
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
      'Send an API key, for example "Authorization: ApiKey <key>".',
    );
  }
  if ([...authorization, ...apiKey].some((value) => value.length > MAX_LENGTH)) {
    throw invalidKey(`The credential exceeds ${MAX_LENGTH} characters.`);
  }
  const parsed = [
    ...authorization.map((value) => parseAuthorization(value)),
    ...apiKey.map((value) => credentialOf(value.trim())),
  ];
  const [first] = parsed;
  if (parsed.length === 1 && first && 'token' in first) return callerOfToken(first.token, parts);
  const credentials = parsed.map((each) => {
    if ('token' in each)
      throw invalidKey('Send one credential: the request holds a token and another credential.');
    return each;
  });
  return callerOfKeys(credentials, parts.keys);
}
