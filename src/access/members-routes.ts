/** `/v1/auth/members`: the people of an account. */

import { decodeCursor, encodeCursor, NEXT_CURSOR, PAGING } from '../http/paging.ts';
import type { CallerRoute, RouteRequest, Schema } from '../http/route.ts';
import { object } from '../http/schema.ts';
import type { Member } from '../store/members.ts';
import type { Store } from '../store/store.ts';
import { EMAIL, memberOf } from './auth-routes.ts';
import { type ActingMember, checkInvite, removal, roleChange } from './member-rules.ts';
import { invite } from './registration.ts';
import { ROLES, type Role } from './roles.ts';

const TAGS = ['Members'];
const ID_PATTERN = /^mem_[0-9A-HJKMNP-TV-Z]{26}$/;

export interface MembersParts {
  readonly store: Store;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const ROLE = { type: 'string', enum: ROLES, examples: ['member'] };
const TIME = { type: 'string', examples: ['2026-01-15T10:30:00.000Z'] };
const OPTIONAL_TEXT = { type: ['string', 'null'] };

const MEMBER_PROPERTIES: Readonly<Record<string, Schema>> = {
  id: { type: 'string', examples: ['mem_01KF2M7Q8TC5V9XW3E6YB4NZRD'] },
  email: EMAIL,
  name: OPTIONAL_TEXT,
  username: OPTIONAL_TEXT,
  role: ROLE,
  status: {
    type: 'string',
    enum: ['active', 'invited'],
    description: 'Who was invited has no password yet.',
  },
  created_at: TIME,
};
const MEMBER = object(MEMBER_PROPERTIES);

/** A member in the contract's names. */
export interface MemberView {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly username: string | null;
  readonly role: Role;
  readonly status: 'active' | 'invited';
  /** UTC, ISO 8601. */
  readonly created_at: string;
}

export function memberView({
  memberId,
  email,
  name,
  username,
  role,
  passwordHash,
  createdAt,
}: Member): MemberView {
  return {
    id: memberId,
    email,
    name,
    username,
    role,
    status: passwordHash === null ? 'invited' : 'active',
    created_at: new Date(createdAt).toISOString(),
  };
}

function actorOf({ caller }: RouteRequest): ActingMember {
  return { accountId: caller.accountId, memberId: memberOf(caller).id, confirm: caller.confirm };
}

function listMembers({ store }: MembersParts): CallerRoute {
  return {
    method: 'GET',
    path: '/v1/auth/members',
    operationId: 'listMembers',
    summary: 'List the members of the account',
    description: 'Oldest first, with those who were invited.',
    tags: TAGS,
    access: { by: 'member', role: 'admin' },
    query: object({ ...PAGING }, { optional: ['limit', 'cursor'] }),
    responses: {
      200: {
        description: 'The members.',
        schema: object({ members: { type: 'array', items: MEMBER }, nextCursor: NEXT_CURSOR }),
      },
    },
    errors: [],
    handler: ({ caller, query }) => {
      const { limit, cursor } = query as { limit: number; cursor?: string };
      const after = decodeCursor(cursor, ID_PATTERN);
      const found = store.members.list(caller.accountId, after, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        status: 200,
        body: { members: page.map(memberView), nextCursor: last ? encodeCursor(last.memberId) : null },
      };
    },
  };
}

function inviteMember(parts: MembersParts): CallerRoute {
  return {
    method: 'POST',
    path: '/v1/auth/members/invite',
    operationId: 'inviteMember',
    summary: 'Invite a person',
    description:
      'Answers a token, this once and good for a week, that the person sends as `invitation` to ' +
      '`/auth/register-email` with this e-mail. Inviting again replaces the token. Only an owner invites an owner.',
    tags: TAGS,
    access: { by: 'member', role: 'admin' },
    body: object({ email: EMAIL, role: { ...ROLE, default: 'member' } }, { optional: ['role'] }),
    responses: {
      201: {
        description: 'Invited.',
        schema: object({
          ...MEMBER_PROPERTIES,
          invitation: { type: 'string', description: 'Not shown again.', examples: ['inv_...'] },
          expires_at: TIME,
        }),
      },
    },
    audit: { action: 'member.invite' },
    errors: ['PERMISSION_DENIED', 'STORAGE_READ_ONLY'],
    handler: async (request) => {
      const { email, role } = request.body as { email: string; role: Role };
      const by = actorOf(request);
      const made = await invite(parts, by.accountId, { email, role }, () =>
        checkInvite(parts.store, by, role),
      );
      const { member, token, expiresAt } = made;
      const expires_at = new Date(expiresAt).toISOString();
      return {
        status: 201,
        body: { ...memberView(member), invitation: token, expires_at },
        audit: { target: member.memberId },
      };
    },
  };
}

const ONE = {
  path: '/v1/auth/members/{id}',
  params: { id: { type: 'string', pattern: ID_PATTERN.source } },
  tags: TAGS,
} as const;

function changeMember({ store }: MembersParts): CallerRoute {
  return {
    ...ONE,
    method: 'PATCH',
    operationId: 'changeMember',
    summary: 'Give a member another role',
    description:
      'Takes effect on the next request of the member. Only an owner makes or changes an owner, nobody raises their ' +
      'own role, and the last owner stays one.',
    access: { by: 'member', role: 'admin' },
    body: object({ role: ROLE }),
    responses: { 200: { description: 'The member as it is now.', schema: MEMBER } },
    audit: { action: 'member.role', target: 'id' },
    errors: ['NOT_FOUND', 'PERMISSION_DENIED', 'STORAGE_READ_ONLY'],
    handler: async (request) => {
      const by = actorOf(request);
      const { role } = request.body as { role: Role };
      const id = request.params.id as string;
      const member = await store.members.change(by.accountId, id, roleChange(store, by, role));
      return { status: 200, body: memberView(member as Member) };
    },
  };
}

function removeMember({ store }: MembersParts): CallerRoute {
  return {
    ...ONE,
    method: 'DELETE',
    operationId: 'removeMember',
    summary: 'Remove a member, or take an invitation back',
    description:
      'Ends every session of the member at once. A member may remove themselves; only an owner removes an owner, ' +
      'and the last one stays.',
    access: { by: 'member', role: 'member' },
    responses: { 200: { description: 'Removed.', schema: object({ success: { const: true } }) } },
    audit: { action: 'member.remove', target: 'id' },
    errors: ['NOT_FOUND', 'PERMISSION_DENIED', 'STORAGE_READ_ONLY'],
    handler: async (request) => {
      const by = actorOf(request);
      await store.members.change(by.accountId, request.params.id as string, removal(store, by));
      return { status: 200, body: { success: true } };
    },
  };
}

export function membersRoutes(parts: MembersParts): CallerRoute[] {
  return [listMembers(parts), inviteMember(parts), changeMember(parts), removeMember(parts)];
}
