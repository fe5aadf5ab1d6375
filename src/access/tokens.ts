/** Tokens: RS512, signed with this appliance's keys, verified to the letter. */
import { createHash, randomUUID } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import jwt from 'jsonwebtoken';
import { VisageError } from '../errors.ts';
import { TRUSTED_SCHEMAS } from '../ops/trusted-schemas.ts';
import { LONGEST_TOKEN, type SigningKey, type SigningKeys } from './signing-keys.ts';

const ISSUER = 'urn:visage';
const AUDIENCE = 'urn:visage:api';

/** Our own tokens have about 900 characters. Longer ones are not even parsed. */
const MAX_LENGTH = 4096;

/** Seconds that a token may seem to be from the future: a clock that was set back a little. */
const MAX_SKEW = 5;

/** Verified tokens that are remembered, by their hash. */
const MAX_REMEMBERED = 1024;

const FORM = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

/** What a token stands for: an API key of a generation, or a member in a session. */
export type TokenSubject =
  | { readonly use: 'key'; readonly sub: string; readonly gen: number }
  | { readonly use: 'member'; readonly sub: string; readonly sid: string };

/** Everything that a token says. Times are seconds since 1970. */
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

/** The only header that a token of a key has, as it is written. */
function headerOf({ kid }: SigningKey): string {
  return Buffer.from(JSON.stringify({ alg: 'RS512', typ: 'JWT', kid })).toString('base64url');
}

/** The bytes of a part; base64url has one spelling for them. */
function decode(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw invalid();
  return bytes;
}

/** The claims as they are written: one spelling too, so nothing is said twice and no number is rounded. */
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

/** Signs and verifies the tokens of one appliance. */
export class Tokens {
  readonly #keys: SigningKeys;
  readonly #now: () => number;
  /** The signature of a token says the same each time, so a client's next request need not pay for it again. */
  readonly #verified = new Map<string, TokenClaims>();

  /** @param now milliseconds since 1970. */
  constructor(keys: SigningKeys, now: () => number) {
    this.#keys = keys;
    this.#now = now;
  }

  /**
   * Signs a token; about 3 ms of this thread.
   * @param lifetime seconds, at most an hour. @returns the token and when it expires, milliseconds since 1970.
   */
  sign(subject: TokenSubject, lifetime: number): { token: string; expiresAt: number } {
    if (lifetime > LONGEST_TOKEN) throw new RangeError('A token lives for an hour at most');
    const iat = Math.floor(this.#now() / 1000);
    const exp = iat + lifetime;
    const claims = { iss: ISSUER, aud: AUDIENCE, ...subject, iat, exp, jti: randomUUID() };
    const { privateKey, kid } = this.#keys.signing;
    return { token: jwt.sign(claims, privateKey, { algorithm: 'RS512', keyid: kid }), expiresAt: exp * 1000 };
  }

  /**
   * Verifies a token: its header must be, byte for byte, the one that we write for one of our keys, so that no other
   * algorithm, key or extension can be asked for; its signature and times are jsonwebtoken's affair; its claims are
   * exactly ours.
   * @param grace seconds for which an expired token still counts.
   * @throws VisageError `TOKEN_INVALID`, or `TOKEN_EXPIRED` for one that was valid.
   */
  verify(text: string, grace = 0): TokenClaims {
    if (text.length > MAX_LENGTH) throw invalid();
    const [, header, payload, signature] = FORM.exec(text) ?? [];
    const key = this.#keys.verifying.find((each) => headerOf(each) === header);
    if (!key || payload === undefined || signature === undefined) throw invalid();
    const now = Math.floor(this.#now() / 1000);
    const hash = createHash('sha256').update(text).digest('base64');
    const remembered = this.#verified.get(hash);
    if (remembered && now < remembered.exp) return remembered;
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
    this.#remember(hash, claims);
    return claims;
  }

  #remember(hash: string, claims: TokenClaims): void {
    this.#verified.set(hash, claims);
    if (this.#verified.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#verified.keys();
    if (oldest !== undefined) this.#verified.delete(oldest);
  }

  /** The public keys, RFC 7517. */
  jwks(): { keys: readonly SigningKey['jwk'][] } {
    return { keys: this.#keys.verifying.map(({ jwk }) => jwk) };
  }
}
