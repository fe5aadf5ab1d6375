import { createHash, randomUUID } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import jwt from 'jsonwebtoken';
import { TRUSTED_SCHEMAS } from '../../base/ajv-options.ts';
import { BoundedMap } from '../../base/bounded-map.ts';
import { VisageError } from '../../errors.ts';
import { LONGEST_TOKEN, type SigningKey, type SigningKeys } from './signing-keys.ts';

const ISSUER = 'urn:visage';
const AUDIENCE = 'urn:visage:api';

const MAX_LENGTH = 4096;

const MAX_SKEW = 5;

const MAX_CACHED = 1024;

const FORM = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

export type TokenSubject =
  | { readonly use: 'key'; readonly sub: string; readonly gen: number }
  | { readonly use: 'member'; readonly sub: string; readonly sid: string };

/** Times are seconds since 1970. */
export type TokenClaims = TokenSubject & {
  readonly iss: string;
  readonly aud: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
};

const TEXT = { type: 'string', minLength: 1, maxLength: 128 };
const TIME = { type: 'integer', minimum: 0 };
const COMMON = { iss: { const: ISSUER }, aud: { const: AUDIENCE }, iat: TIME, exp: TIME, jti: TEXT };

const isClaims = new Ajv2020({ ...TRUSTED_SCHEMAS, ownProperties: true }).compile<TokenClaims>({
  oneOf: [
    {
      type: 'object',
      additionalProperties: false,
      required: ['use', 'sub', 'gen', ...Object.keys(COMMON)],
      properties: { use: { const: 'key' }, sub: TEXT, gen: TIME, ...COMMON },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['use', 'sub', 'sid', ...Object.keys(COMMON)],
      properties: { use: { const: 'member' }, sub: TEXT, sid: TEXT, ...COMMON },
    },
  ],
});

function invalid(): VisageError {
  return new VisageError('TOKEN_INVALID', 'The token is not valid.');
}

function headerOf({ kid }: SigningKey): string {
  return Buffer.from(JSON.stringify({ alg: 'RS512', typ: 'JWT', kid })).toString('base64url');
}

/** Accepts only the canonical base64url spelling. */
function decode(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw invalid();
  return bytes;
}

/** Refuses repeated claims and rounded numbers. */
function claimsOf(part: string): TokenClaims {
  const text = decode(part).toString();
  let claims: unknown;
  try {
    claims = JSON.parse(text);
  } catch {
    throw invalid();
  }
  if (!isClaims(claims) || JSON.stringify(claims) !== text) throw invalid();
  return claims;
}

export class Tokens {
  readonly #keys: SigningKeys;
  readonly #now: () => number;
  readonly #verified = new BoundedMap<string, TokenClaims>(MAX_CACHED);

  constructor(keys: SigningKeys, now: () => number) {
    this.#keys = keys;
    this.#now = now;
  }

  /**
   * Takes about 3 ms.
   * @param lifetime seconds.
   */
  sign(subject: TokenSubject, lifetime: number): { token: string; expiresAt: number } {
    if (lifetime > LONGEST_TOKEN) throw new RangeError('lifetime: expected at most 3600 seconds');
    const iat = Math.floor(this.#now() / 1000);
    const exp = iat + lifetime;
    const claims = { iss: ISSUER, aud: AUDIENCE, ...subject, iat, exp, jti: randomUUID() };
    const { privateKey, kid } = this.#keys.signing;
    return { token: jwt.sign(claims, privateKey, { algorithm: 'RS512', keyid: kid }), expiresAt: exp * 1000 };
  }

  /**
   * Header and claims must have our exact bytes, so a token cannot choose algorithm, key or extensions.
   * @param grace seconds after expiry.
   * @throws `TOKEN_INVALID`, or `TOKEN_EXPIRED` for a token that was valid.
   */
  verify(text: string, grace = 0): TokenClaims {
    if (text.length > MAX_LENGTH) throw invalid();
    const [, header, payload, signature] = FORM.exec(text) ?? [];
    const key = this.#keys.verifying.find((each) => headerOf(each) === header);
    if (!key || payload === undefined || signature === undefined) throw invalid();
    const now = Math.floor(this.#now() / 1000);
    const hash = createHash('sha256').update(text).digest('base64');
    const cached = this.#verified.get(hash);
    if (cached && now < cached.exp) return cached;
    decode(signature);
    const claims = claimsOf(payload);
    try {
      jwt.verify(text, key.publicKey, {
        algorithms: ['RS512'],
        issuer: ISSUER,
        audience: AUDIENCE,
        clockTimestamp: now,
        clockTolerance: grace,
      });
    } catch (error) {
      if (!(error instanceof jwt.TokenExpiredError)) throw invalid();
      throw new VisageError('TOKEN_EXPIRED', 'The token has expired.');
    }
    if (claims.iat > now + MAX_SKEW || claims.exp - claims.iat > LONGEST_TOKEN) throw invalid();
    this.#verified.set(hash, claims);
    return claims;
  }

  jwks(): { keys: readonly SigningKey['jwk'][] } {
    return { keys: this.#keys.verifying.map(({ jwk }) => jwk) };
  }
}
