import { ROLES } from '../../api/roles.ts';
import { type Route, route } from '../../api/route.ts';
import { nullable, object, type Schema } from '../../api/schema.ts';
import type { AccessConfig } from '../../config/config.ts';
import { VisageError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { memberOf } from './auth-routes.ts';

const MINUTE_MS = 60_000;

const TAGS = ['Accounts'];
const TIME = { type: 'string', examples: ['2026-01-15T10:30:00.000Z'] } as const satisfies Schema;
const OPTIONAL_TEXT = { type: ['string', 'null'] } as const satisfies Schema;

interface OwnAccountParts {
  readonly store: Pick<Store, 'accounts' | 'members' | 'sessions'>;
  readonly access: Pick<AccessConfig, 'sessionIdleMs'>;
}

function setupRoute(parts: OwnAccountParts): Route {
  let hasOwner = false;
  return route({
    method: 'GET',
    path: '/v1/setup',
    operationId: 'getSetup',
    summary: 'Check whether the appliance still needs its first owner',
    description: 'If so, register the owner with the set-up code that the service writes to its log.',
    tags: TAGS,
    access: { by: 'anyone' },
    responses: {
      200: { description: 'The state of the set-up.', schema: object({ needsOwner: { type: 'boolean' } }) },
    },
    errors: [],
    handler: () => {
      hasOwner ||= parts.store.members.hasOwner();
      return { status: 200, body: { needsOwner: !hasOwner } };
    },
  });
}

function meRoute(parts: OwnAccountParts): Route {
  return route({
    method: 'GET',
    path: '/v1/auth/me',
    operationId: 'getMe',
    summary: 'Get the signed-in member',
    tags: TAGS,
    access: { by: 'member', role: 'member' },
    responses: {
      200: {
        description: 'The member, the account and the session.',
        schema: object({
          success: { const: true },
          data: object({
            user_id: { type: 'string', examples: ['mem_01KF2M7Q8TC5V9XW3E6YB4NZRD'] },
            email: { type: 'string', examples: ['alice@example.com'] },
            name: OPTIONAL_TEXT,
            username: OPTIONAL_TEXT,
            role: { type: 'string', enum: ROLES, examples: ['member'] },
            account: object({
              id: { type: 'string' },
              name: { type: 'string' },
              is_first: {
                type: 'boolean',
                description: 'Whether this is the first account, whose admins look after the appliance.',
              },
            }),
            session: object({
              created_at: { ...TIME, description: 'Log-in.' },
              expires_at: { ...TIME, description: 'Expiry of the session without further use.' },
              confirmed_until: nullable(
                TIME,
                'Until then, destructive acts need no password; null for a token.',
              ),
              idle_minutes: nullable(
                { type: 'integer', minimum: 5, examples: [30] },
                'The session ends this long after the last request of its member; null for a token.',
              ),
            }),
          }),
        }),
      },
    },
    errors: [],
    handler: ({ caller }) => {
      const { accounts, members, sessions } = parts.store;
      const { id, sessionId, confirmedUntil } = memberOf(caller);
      const member = members.get(caller.accountId, id);
      const account = accounts.get(caller.accountId);
      const session = sessions.get(id, sessionId);
      if (!member || !account || !session)
        throw new VisageError('TOKEN_INVALID', 'The session has ended; log in again.');
      const { email, name, username, role } = member;
      const data = {
        user_id: id,
        email,
        name,
        username,
        role,
        account: {
          id: account.accountId,
          name: account.name,
          is_first: account.accountId === accounts.first().accountId,
        },
        session: {
          created_at: new Date(session.createdAt).toISOString(),
          expires_at: new Date(session.expiresAt).toISOString(),
          confirmed_until: confirmedUntil === null ? null : new Date(confirmedUntil).toISOString(),
          idle_minutes: confirmedUntil === null ? null : parts.access.sessionIdleMs / MINUTE_MS,
        },
      };
      return { status: 200, body: { success: true, data } };
    },
  });
}

export function ownAccountRoutes(parts: OwnAccountParts): Route[] {
  return [setupRoute(parts), meRoute(parts)];
}
