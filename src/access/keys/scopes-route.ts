import type { Caller } from '../../api/caller.ts';
import { type Route, route } from '../../api/route.ts';
import { object } from '../../api/schema.ts';
import { SCOPE_DESCRIPTIONS, SCOPES } from '../../api/scopes.ts';
import type { AccessConfig } from '../../config/config.ts';
import type { Store } from '../../store/store.ts';
import { isBounded } from '../key-limits.ts';

export interface ScopesParts {
  readonly store: Pick<Store, 'apiKeys'>;
  readonly access: Pick<AccessConfig, 'plan'>;
}

function memberIdOf({ apiKeys }: ScopesParts['store'], { key, member }: Caller): string | null {
  return member?.id ?? apiKeys.byId(key?.id ?? '')?.memberId ?? null;
}

export function scopesRoute({ store, access }: ScopesParts): Route {
  return route({
    method: 'GET',
    path: '/v1/auth/scopes',
    operationId: 'getScopes',
    summary: 'List the scopes and the limits of the plan',
    description: 'For a form that creates or changes API keys.',
    tags: ['API keys'],
    access: { by: 'member-or-key', role: 'member', scope: 'v1:api-keys' },
    responses: {
      200: {
        description: 'The scopes, and the limits for the keys of the calling member.',
        schema: object({
          success: { const: true },
          data: object({
            scopes: {
              type: 'array',
              items: object({
                name: { type: 'string', enum: SCOPES, examples: ['v1:faces'] },
                description: { type: 'string' },
              }),
            },
            plan: object({
              name: { type: 'string', examples: ['enterprise'] },
              max_keys: {
                type: ['integer', 'null'],
                description: 'Most keys of the member; null for a key that the operator created.',
                examples: [20],
              },
              keys_used: {
                type: ['integer', 'null'],
                description:
                  'Keys that the member has; null for a key that the operator created, a limited key and a test key.',
                examples: [3],
              },
              max_rate_limit: {
                type: 'integer',
                description: 'Largest `rate_limit` of a key, requests per minute.',
                examples: [500],
              },
            }),
          }),
        }),
      },
    },
    errors: [],
    handler: ({ caller }) => {
      const { name, keysPerMember, maxRateLimit } = access.plan;
      const memberId = memberIdOf(store, caller);
      const mayCount = caller.environment === 'live' && !isBounded(caller);
      const used = memberId === null || !mayCount ? null : store.apiKeys.count(caller.accountId, memberId);
      const data = {
        scopes: SCOPES.map((scope) => ({ name: scope, description: SCOPE_DESCRIPTIONS[scope] })),
        plan: {
          name,
          max_keys: memberId === null ? null : keysPerMember,
          keys_used: used,
          max_rate_limit: maxRateLimit,
        },
      };
      return { status: 200, body: { success: true, data } };
    },
  });
}
