import { createHash, timingSafeEqual } from 'node:crypto';
import { VisageError } from '../errors.ts';
import type { ApiKeys } from '../store/api-keys.ts';
import { hashApiKey, isApiKey } from './api-keys.ts';
import type { Caller } from './caller.ts';

/** No credential is longer: a token of RS512 has about 1,500 characters. */
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

function parseAuthorization(value: string): Credential {
  const [, scheme, parameter] = AUTHORIZATION.exec(value) ?? [];
  if (scheme === undefined || parameter === undefined) throw invalidKey();
  switch (scheme.toLowerCase()) {
    case 'apikey':
      return isApiKey(parameter) ? credentialOf(parameter) : decodePair(parameter);
    case 'bearer':
      if (JWT.test(parameter)) throw new VisageError('TOKEN_INVALID', 'The token is not valid.');
      return credentialOf(parameter);
    default:
      throw invalidKey();
  }
}

/** The values of a header, however often it came; empty ones say nothing. */
function valuesOf(value: string | readonly string[] | undefined): string[] {
  return [value ?? []].flat().filter((text) => text.trim() !== '');
}

/**
 * Says who is calling: `Authorization: ApiKey <key>`, `ApiKey base64(<accountId>:<key>)`, `Bearer <key>`, or
 * `X-API-Key: <key>`. The key is looked up by its SHA-256, so the time of the look-up says nothing about the key.
 *
 * @param headers by lower-case name, as Node's `headers` or `headersDistinct`.
 * @throws VisageError `AUTHENTICATION_REQUIRED` where there is no credential; `INVALID_API_KEY` where one is malformed
 * or unknown or several differ; `TOKEN_INVALID` for a bearer token that is none of ours.
 */
export function authenticate(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  keys: ApiKeys,
): Caller {
  const authorization = valuesOf(headers.authorization);
  const apiKey = valuesOf(headers['x-api-key']);
  if (authorization.length + apiKey.length === 0) {
    throw new VisageError(
      'AUTHENTICATION_REQUIRED',
      'Send an API key, such as in "Authorization: ApiKey <key>".',
    );
  }
  if ([...authorization, ...apiKey].some((value) => value.length > MAX_LENGTH)) throw invalidKey();
  const credentials = [
    ...authorization.map(parseAuthorization),
    ...apiKey.map((value) => credentialOf(value.trim())),
  ];
  const [{ key }] = credentials as [Credential];
  const record = keys.byHash(hashApiKey(key));
  const agree = credentials.every(
    (other) =>
      equal(other.key, key) && (other.accountId === null || equal(other.accountId, record?.accountId ?? '')),
  );
  if (!record || !agree) throw invalidKey();
  const { id, accountId, environment, collectionId } = record;
  return {
    accountId,
    environment,
    collectionId,
    allowedExternalKeys: null,
    allowedModels: null,
    key: { id, scopes: ['v1:*'] },
    member: null,
  };
}
