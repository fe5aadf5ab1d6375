import type { Caller } from '../../api/caller.ts';
import { decodeCursor, encodeCursor, NEXT_CURSOR, PAGING } from '../../api/paging.ts';
import { ROLES } from '../../api/roles.ts';
import { type Route, route } from '../../api/route.ts';
import { type FromSchema, object, type Properties, type Schema, titled } from '../../api/schema.ts';
import { inPages, mapInTurns } from '../../base/turns.ts';
import type { Member } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';
import { memberOf } from './auth-routes.ts';
import { EMAIL } from './email.ts';
import { type ActingMember, checkInvite, removal, roleChange } from './member-rules.ts';
import { invite } from './registration.ts';

const TAGS = ['Members'];
const ID_PATTERN = /^mem_[0-9A-HJKMNP-TV-Z]{26}$/;

export interface MembersParts {
  readonly store: Store;
  readonly now: () => number;
}

const ROLE = { type: 'string', enum: ROLES, examples: ['member'] } as const satisfies Schema;
const TIME = { type: 'string', examples: ['2026-01-15T10:30:00.000Z'] } as const satisfies Schema;
const OPTIONAL_TEXT = { type: ['string', 'null'] } as const satisfies Schema;

const MEMBER_PROPERTIES = {
  id: { type: 'string', examples: ['mem_01KF2M7Q8TC5V9XW3E6YB4NZRD'] },
  email: EMAIL,
  name: OPTIONAL_TEXT,
  username: OPTIONAL_TEXT,
  role: ROLE,
  status: {
    type: 'string',
    enum: ['active', 'invited'],
    description: '`invited` until the person registers.',
  },
  created_at: TIME,
} as const satisfies Properties;
const MEMBER = titled('Member', object(MEMBER_PROPERTIES));

export type MemberView = FromSchema<typeof MEMBER>;

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

function actorOf(caller: Caller): ActingMember {
  return { accountId: caller.accountId, memberId: memberOf(caller).id, confirm: caller.confirm };
}

function listMembers({ store }: MembersParts): Route {
  return route({
    method: 'GET',
    path: '/v1/auth/members',
    operationId: 'listMembers',
    summary: 'List the members of the account',
    description: 'Oldest first, including invited members.',
    tags: TAGS,
    access: { by: 'member', role: 'admin' },
    query: object(PAGING, { required: [] }),
    responses: {
      200: {
        description: 'The members.',
        schema: object({ members: { type: 'array', items: MEMBER }, nextCursor: NEXT_CURSOR }),
      },
    },
    errors: [],
    handler: async ({ caller, query }) => {
      const { limit, cursor } = query;
      const after = decodeCursor(cursor, ID_PATTERN);
      const found = await inPages<Member>(limit + 1, (last, most) =>
        store.members.list(caller.accountId, last?.memberId ?? after, most),
      );
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const members = await mapInTurns(page, memberView);
      return { status: 200, body: { members, nextCursor: last ? encodeCursor(last.memberId) : null } };
    },
  });
}

function inviteMember(parts: MembersParts): Route {
  return route({
    method: 'POST',
    path: '/v1/auth/members/invite',
    operationId: 'inviteMember',
    secret: true,
    summary: 'Invite a member',
    description:
      'Returns a token, shown once and valid for a week. The person sends it as `invitation` to ' +
      '`/auth/register-email`, with this e-mail. Inviting again replaces the token. Only an owner can ' +
      'invite an owner.',
    tags: TAGS,
    access: { by: 'member', role: 'admin' },
    body: object({ email: EMAIL, role: { ...ROLE, default: 'member' } }, { optional: ['role'] }),
    responses: {
      201: {
        description: 'The invitation.',
        schema: object({
          ...MEMBER_PROPERTIES,
          invitation: { type: 'string', description: 'Shown only in this answer.', examples: ['inv_...'] },
          expires_at: TIME,
        }),
      },
    },
    audit: { action: 'member.invite' },
    errors: ['PERMISSION_DENIED', 'STORAGE_READ_ONLY'],
    handler: async ({ caller, body: { email, role } }) => {
      const by = actorOf(caller);
      const made = await invite(parts, by.accountId, { email, role }, by.memberId, (pending) =>
        checkInvite(parts.store, by, role, pending),
      );
      const { member, token, expiresAt } = made;
      const expires_at = new Date(expiresAt).toISOString();
      return {
        status: 201,
        body: { ...memberView(member), invitation: token, expires_at },
        audit: { target: member.memberId },
      };
    },
  });
}

const ONE = {
  path: '/v1/auth/members/{id}',
  params: { id: { type: 'string', pattern: ID_PATTERN.source } },
  tags: TAGS,
} as const;

function changeMember({ store }: MembersParts): Route {
  return route({
    ...ONE,
    method: 'PATCH',
    operationId: 'changeMember',
    summary: "Change a member's role",
    description:
      'Applies from the next request of the member and of their API keys. Only an owner can make or change ' +
      'an owner. No member can raise their own role, and the last owner cannot be changed.',
    access: { by: 'member', role: 'admin' },
    confirmed: true,
    body: object({ role: ROLE }),
    responses: { 200: { description: 'The changed member.', schema: MEMBER } },
    audit: { action: 'member.role', target: 'id' },
    errors: ['NOT_FOUND', 'PERMISSION_DENIED', 'STORAGE_READ_ONLY'],
    handler: async ({ caller, params: { id }, body: { role } }) => {
      const by = actorOf(caller);
      const member = await store.members.change(by.accountId, id, roleChange(store, by, role));
      return { status: 200, body: memberView(member as Member) };
    },
  });
}

function removeMember({ store }: MembersParts): Route {
  return route({
    ...ONE,
    method: 'DELETE',
    operationId: 'removeMember',
    summary: 'Remove a member or revoke an invitation',
    description:
      'Ends all sessions of the member and suspends their API keys at once. Members may remove themselves. ' +
      'Only an owner can remove an owner, and the last owner cannot be removed.',
    access: { by: 'member', role: 'member' },
    confirmed: true,
    responses: {
      200: { description: 'The member is removed.', schema: object({ success: { const: true } }) },
    },
    audit: { action: 'member.remove', target: 'id' },
    errors: ['NOT_FOUND', 'PERMISSION_DENIED', 'STORAGE_READ_ONLY'],
    handler: async ({ caller, params }) => {
      const by = actorOf(caller);
      await store.members.change(by.accountId, params.id, removal(store, by));
      return { status: 200, body: { success: true } };
    },
  });
}

export function membersRoutes(parts: MembersParts): Route[] {
  return [listMembers(parts), inviteMember(parts), changeMember(parts), removeMember(parts)];
}
