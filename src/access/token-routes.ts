/** Tokens of API keys, the keys that they are verified with, and the time. */
import type { CallerRoute, PublicRoute, Route } from '../http/route.ts';
import { object } from '../http/schema.ts';
import { LONGEST_TOKEN } from './signing-keys.ts';
import type { Tokens } from './tokens.ts';
import { utcNow } from './utc-clock.ts';

const TAGS = ['Security'];

function getToken(tokens: Tokens): CallerRoute {
  return {
    method: 'GET',
    path: '/v1/token/get',
    operationId: 'getToken',
    summary: 'Get a token of an API key',
    description:
      'For clients that should not hold the key itself. The token has every limit of its key and ends with it: when ' +
      'the key is revoked, regenerated or frozen, the very next request with the token is refused. Needs the key; ' +
      'a token is answered with 401.',
    tags: TAGS,
    access: { by: 'key', scope: null },
    query: object(
      {
        expirationInSeconds: {
          type: 'integer',
          minimum: 60,
          maximum: LONGEST_TOKEN,
          default: 900,
          description: 'Seconds that the token lives.',
          examples: [3600],
        },
      },
      { optional: ['expirationInSeconds'] },
    ),
    responses: {
      200: {
        description: 'A token, to be sent as `Authorization: Bearer <token>`.',
        schema: object({
          expirationUtcTime: {
            type: 'string',
            pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
            examples: ['2026-01-26T14:30:00.000Z'],
          },
          token: { type: 'string', examples: ['eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9...'] },
        }),
      },
    },
    errors: [],
    handler: ({ caller: { key }, query }) => {
      if (!key) throw new Error('The gate let a member in where only keys may go');
      const subject = { use: 'key', sub: key.id, gen: key.generation } as const;
      const { token, expiresAt } = tokens.sign(subject, query.expirationInSeconds as number);
      return { status: 200, body: { expirationUtcTime: new Date(expiresAt).toISOString(), token } };
    },
  };
}

const utcNowRoute: CallerRoute = {
  method: 'GET',
  path: '/v1/datetime/utc-now',
  operationId: 'utcNow',
  summary: 'Get the time of the service',
  tags: TAGS,
  access: { by: 'caller', scope: null },
  responses: {
    200: {
      description: 'The current time.',
      schema: object({
        utcNow: {
          type: 'string',
          pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{7}Z$',
          examples: ['2026-01-26T13:45:30.1234567Z'],
        },
      }),
    },
  },
  errors: [],
  handler: () => ({ status: 200, body: { utcNow: utcNow() } }),
};

function keySet(tokens: Tokens): PublicRoute {
  const text = { type: 'string' };
  return {
    method: 'GET',
    path: '/.well-known/jwks.json',
    operationId: 'getTokenKeys',
    summary: 'Get the public keys of the tokens',
    description:
      'RFC 7517. For others who want to verify a token; whether it was revoked they do not learn. A key stays in the ' +
      'set until the last token that it signed has expired.',
    tags: TAGS,
    access: { by: 'anyone' },
    responses: {
      200: {
        description: 'The keys, oldest first; the last one signs.',
        schema: object({
          keys: {
            type: 'array',
            items: object({
              kty: { const: 'RSA' },
              use: { const: 'sig' },
              alg: { const: 'RS512' },
              kid: text,
              n: text,
              e: text,
            }),
          },
        }),
      },
    },
    errors: [],
    handler: () => ({ status: 200, body: tokens.jwks() }),
  };
}

export function tokenRoutes({ tokens }: { readonly tokens: Tokens }): Route[] {
  return [getToken(tokens), utcNowRoute, keySet(tokens)];
}
