/** `/auth`: registration, log-in, refresh, log-out; and one's own password. */
import { VisageError } from '../errors.ts';
import type { CallerRoute, PublicRoute, Route, Schema } from '../http/route.ts';
import { nullable, object } from '../http/schema.ts';
import type { Member } from '../store/members.ts';
import type { Caller, CallingMember } from './caller.ts';
import { changePassword, logIn } from './login.ts';
import type { CookieGrant, MemberSessions, TokenGrant } from './member-sessions.ts';
import { type RegistrationParts, type RegistrationRequest, register } from './registration.ts';
import { expiredSessionCookies, isFromDashboard } from './session-cookie.ts';

const TAGS = ['Accounts'];

export interface AuthParts extends RegistrationParts {
  readonly sessions: MemberSessions;
  readonly dashboardOrigin: string | null;
}

/** An e-mail as a parameter. */
export const EMAIL = {
  type: 'string',
  minLength: 3,
  maxLength: 254,
  pattern: '^[^\\s@]+@[^\\s@]+$',
  examples: ['alice@example.com'],
};
/** How long a password may be is told by its own error, which does not depend on how characters are counted. */
const PASSWORD = {
  type: 'string',
  minLength: 1,
  maxLength: 2048,
  examples: ['your-secure-password'],
};
const NAME = { type: 'string', minLength: 1, maxLength: 255, examples: ['Alice'] };
const TIME = { type: 'string', examples: ['2026-01-15T10:30:00.000Z'] };
const ID = { type: 'string', examples: ['mem_01KF2M7Q8TC5V9XW3E6YB4NZRD'] };
const TOKEN = { type: 'string', examples: ['eyJ...'] };
const REFRESH_TOKEN = {
  type: 'string',
  minLength: 1,
  maxLength: 256,
  description: 'Good for one refresh; the answer holds the next one.',
};

/** Seed 004's envelope. */
function success(data: Readonly<Record<string, Schema>>, optional: readonly string[] = []) {
  return object({ success: { const: true }, data: object(data, { optional }) });
}

const SESSION_ANSWER = success(
  {
    token: { ...TOKEN, description: 'To be sent as `Authorization: Bearer <token>`.' },
    user_id: ID,
    expires_at: { ...TIME, description: 'Of the token, or of the cookie.' },
    refresh_token: REFRESH_TOKEN,
    csrf_token: { type: 'string', description: 'To be sent as `X-CSRF-Token`.' },
  },
  ['token', 'refresh_token', 'csrf_token'],
);

function tokenAnswer({ member, token, expiresAt, refreshToken }: TokenGrant) {
  return {
    success: true,
    data: {
      token,
      user_id: member.memberId,
      expires_at: new Date(expiresAt).toISOString(),
      ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    },
  };
}

function cookieAnswer({ member, csrfToken, expiresAt }: CookieGrant) {
  return {
    success: true,
    data: {
      user_id: member.memberId,
      csrf_token: csrfToken,
      expires_at: new Date(expiresAt).toISOString(),
    },
  };
}

/** What the audit log learns of a member whom the request itself did not name. */
function trailOf({ accountId, memberId }: Member) {
  return { actor: { kind: 'member', id: memberId } as const, accountId, target: memberId };
}

type RegistrationBody = Omit<RegistrationRequest, 'setupCode'> & { readonly setup_code: string | null };

function registerRoute(parts: AuthParts): PublicRoute {
  return {
    method: 'POST',
    path: '/auth/register-email',
    operationId: 'registerEmail',
    summary: 'Become a member',
    description:
      'The first owner needs the set-up code that the service prints to its log, unless the request comes from the ' +
      'machine itself. After that registration needs an invitation; where the setting `registration` is `open`, ' +
      'anybody else makes an account of their own, which shares nothing with the others.',
    tags: TAGS,
    access: { by: 'anyone' },
    body: object(
      {
        name: NAME,
        email: EMAIL,
        password: { ...PASSWORD, description: '8 to 256 characters of any script; not the e-mail.' },
        username: { ...nullable({ ...NAME, examples: ['alice'] }, 'Only shown.'), default: null },
        setup_code: {
          type: ['string', 'null'],
          maxLength: 64,
          default: null,
          description: 'From the log, for the first owner.',
        },
        invitation: {
          type: ['string', 'null'],
          maxLength: 128,
          default: null,
          description: 'The token of an invitation.',
        },
      },
      { optional: ['username', 'setup_code', 'invitation'] },
    ),
    responses: {
      201: {
        description: 'The member was made and can log in.',
        schema: success({
          user_id: ID,
          account_id: { type: 'string' },
          role: { type: 'string', enum: ['member', 'admin', 'owner'] },
        }),
      },
    },
    audit: { action: 'member.register' },
    errors: ['PERMISSION_DENIED', 'RATE_LIMIT_EXCEEDED', 'OVERLOADED', 'STORAGE_READ_ONLY'],
    handler: async ({ body, address, headers }) => {
      const { setup_code: setupCode, ...rest } = body as unknown as RegistrationBody;
      const member = await register(parts, { ...rest, setupCode }, { address, headers });
      const { memberId, accountId, role } = member;
      return {
        status: 201,
        body: { success: true, data: { user_id: memberId, account_id: accountId, role } },
        audit: trailOf(member),
      };
    },
  };
}

function loginRoute(parts: AuthParts): PublicRoute {
  return {
    method: 'POST',
    path: '/auth/login',
    operationId: 'login',
    summary: 'Log in',
    description:
      'Answers a token that lives for 15 minutes and a refresh token that lives for 30 days. With `session` ' +
      '`cookie`, for browsers on the dashboard only, it sets cookies instead; then every request but a GET carries ' +
      'the `csrf_token` as `X-CSRF-Token`. After five failures of an account, or twenty of an address, each further ' +
      'attempt has to wait, up to a minute and a quarter of an hour.',
    tags: TAGS,
    access: { by: 'anyone' },
    body: object(
      {
        email: EMAIL,
        password: PASSWORD,
        session: { type: 'string', enum: ['token', 'cookie'], default: 'token' },
      },
      { optional: ['session'] },
    ),
    responses: { 200: { description: 'Logged in.', schema: SESSION_ANSWER } },
    audit: { action: 'member.login' },
    errors: [
      'INVALID_CREDENTIALS',
      'PERMISSION_DENIED',
      'RATE_LIMIT_EXCEEDED',
      'OVERLOADED',
      'STORAGE_READ_ONLY',
    ],
    handler: async ({ body, address, headers }) => {
      const { email, password, session } = body as { email: string; password: string; session: string };
      if (session === 'cookie' && !isFromDashboard(headers, parts.dashboardOrigin)) {
        throw new VisageError('PERMISSION_DENIED', 'Session cookies are for browsers on the dashboard only.');
      }
      const member = await logIn(parts, { email, password }, address);
      const audit = trailOf(member);
      if (session === 'token') {
        const grant = await parts.sessions.beginToken(member);
        return { status: 200, body: tokenAnswer(grant), audit };
      }
      const grant = await parts.sessions.beginCookie(member);
      return { status: 200, body: cookieAnswer(grant), headers: { 'Set-Cookie': grant.setCookies }, audit };
    },
  };
}

function refreshRoute({ sessions }: AuthParts): PublicRoute {
  return {
    method: 'POST',
    path: '/auth/refresh',
    operationId: 'refresh',
    summary: 'Get a fresh token without logging in again',
    description:
      'With a `refresh_token`: it is good once, and the answer holds the next one; one that comes a second time ends ' +
      'the session. Or with `Authorization: Bearer <token>` alone, where the token is valid or expired less than ' +
      'five minutes ago. Both work only while the session lives.',
    tags: TAGS,
    access: { by: 'anyone' },
    body: object({ refresh_token: REFRESH_TOKEN }, { optional: ['refresh_token'] }),
    responses: { 200: { description: 'A fresh token.', schema: SESSION_ANSWER } },
    errors: ['AUTHENTICATION_REQUIRED', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'STORAGE_READ_ONLY'],
    handler: async ({ body, headers }) => {
      const refreshToken = body.refresh_token as string | undefined;
      if (refreshToken !== undefined) {
        return { status: 200, body: tokenAnswer(await sessions.refreshBySecret(refreshToken)) };
      }
      const [authorization, ...others] = headers.authorization ?? [];
      const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
      if (token === undefined || others.length > 0) {
        throw new VisageError(
          'AUTHENTICATION_REQUIRED',
          'Send "Authorization: Bearer <token>", or a refresh_token in the body.',
        );
      }
      return { status: 200, body: tokenAnswer(sessions.refreshByToken(token)) };
    },
  };
}

/** Of a route with `by: 'member'`. */
export function memberOf(caller: Caller): CallingMember {
  if (!caller.member) throw new Error('The gate let a key in where only members may go');
  return caller.member;
}

function logoutRoute({ sessions }: AuthParts): CallerRoute {
  return {
    method: 'POST',
    path: '/auth/logout',
    operationId: 'logout',
    summary: 'Log out',
    description: 'Ends the session: its tokens, its refresh token and its cookies are refused from now on.',
    tags: TAGS,
    access: { by: 'member', role: 'member' },
    responses: {
      200: { description: 'The session has ended.', schema: object({ success: { const: true } }) },
    },
    audit: { action: 'member.logout' },
    errors: ['STORAGE_READ_ONLY'],
    handler: async ({ caller }) => {
      const { id, sessionId } = memberOf(caller);
      await sessions.end(id, sessionId);
      return { status: 200, body: { success: true }, headers: { 'Set-Cookie': expiredSessionCookies() } };
    },
  };
}

interface PasswordBody {
  readonly current_password: string;
  readonly new_password: string;
}

function passwordRoute(parts: AuthParts): CallerRoute {
  return {
    method: 'POST',
    path: '/v1/auth/password',
    operationId: 'changePassword',
    summary: "Change one's own password",
    description: 'Ends every other session of the member.',
    tags: TAGS,
    access: { by: 'member', role: 'member' },
    body: object({ current_password: PASSWORD, new_password: PASSWORD }),
    responses: { 200: { description: 'Changed.', schema: object({ success: { const: true } }) } },
    audit: { action: 'member.password' },
    errors: ['INVALID_CREDENTIALS', 'RATE_LIMIT_EXCEEDED', 'OVERLOADED', 'STORAGE_READ_ONLY'],
    handler: async ({ caller, body, address }) => {
      const { id, sessionId } = memberOf(caller);
      const member = parts.store.members.get(caller.accountId, id);
      if (!member) throw new VisageError('TOKEN_INVALID', 'The session has ended; log in again.');
      const { current_password: current, new_password: next } = body as unknown as PasswordBody;
      const { confirm } = caller;
      await changePassword(parts, member, { current, next }, { sessionId, address, confirm });
      return { status: 200, body: { success: true } };
    },
  };
}

export function authRoutes(parts: AuthParts): Route[] {
  return [
    registerRoute(parts),
    loginRoute(parts),
    refreshRoute(parts),
    logoutRoute(parts),
    passwordRoute(parts),
  ];
}
