import { type Route, route } from '../../api/route.ts';
import { object } from '../../api/schema.ts';
import { LONGEST_TOKEN } from './signing-keys.ts';
import type { Tokens } from './tokens.ts';
import { utcNow } from './utc-clock.ts';

const TAGS = ['Security'];

function getToken(tokens: Tokens): Route {
  return route({
    method: 'GET',
    path: '/v1/token/get',
    operationId: 'getToken',
    summary: 'Get a token of an API key',
    description:
      'For clients that should not hold the key itself. The token has the limits of its key. When the key ' +
      'is revoked, regenerated or frozen, the next request with the token is refused. Send the key itself; ' +
      'a token is answered 401.',
    tags: TAGS,
    access: { by: 'key', scope: null },
    query: object(
      {
        expirationInSeconds: {
          type: 'integer',
          minimum: 60,
          maximum: LONGEST_TOKEN,
          default: 900,
          description: 'Lifetime of the token in seconds.',
          examples: [3600],
        },
      },
      { optional: ['expirationInSeconds'] },
    ),
    responses: {
      200: {
        description: 'The token; send it as `Authorization: Bearer <token>`.',
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
      if (!key) throw new Error('The gate admitted a member to a route for API keys');
      const subject = { use: 'key', sub: key.id, gen: key.keyVersion } as const;
      const { token, expiresAt } = tokens.sign(subject, query.expirationInSeconds);
      return { status: 200, body: { expirationUtcTime: new Date(expiresAt).toISOString(), token } };
    },
  });
}

const utcNowRoute = route({
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
});

function keySet(tokens: Tokens): Route {
  const text = { type: 'string' } as const;
  return route({
    method: 'GET',
    path: '/.well-known/jwks.json',
    operationId: 'getTokenKeys',
    summary: 'Get the public keys of the tokens',
    description:
      'A JSON Web Key Set, RFC 7517, to verify tokens elsewhere. It does not show whether a token is ' +
      'revoked. A key stays in the set until its last token expires.',
    tags: TAGS,
    access: { by: 'anyone' },
    responses: {
      200: {
        description: 'The keys, oldest first; the last one signs new tokens.',
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
  });
}

export function tokenRoutes({ tokens }: { readonly tokens: Tokens }): Route[] {
  return [getToken(tokens), utcNowRoute, keySet(tokens)];
}
