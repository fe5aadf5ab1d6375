import type { Caller, CallingMember } from '../../api/caller.ts';
import { type Route, route } from '../../api/route.ts';
import { nullable, object, type Properties, type Schema } from '../../api/schema.ts';
import { VisageError } from '../../errors.ts';
import type { Member } from '../../store/records.ts';
import type { Audit } from '../audit/audit.ts';
import { deviceCookieOf, newDeviceCookie } from './device-cookie.ts';
import { EMAIL } from './email.ts';
import { changePassword, type LoginParts, logIn } from './login.ts';
import type { CookieGrant, MemberSessions, TokenGrant } from './member-sessions.ts';
import { type RegistrationParts, register } from './registration.ts';
import { expiredSessionCookies, isFromDashboard } from './session-cookie.ts';

const TAGS = ['Accounts'];

export interface AuthParts extends RegistrationParts, LoginParts {
  readonly sessions: MemberSessions;
  readonly audit: Pick<Audit, 'record'>;
  readonly dashboardOrigin: string | null;
}

/** The password rules check the length in characters of any script. */
const PASSWORD = {
  type: 'string',
  minLength: 1,
  maxLength: 2048,
  examples: ['your-secure-password'],
} as const satisfies Schema;
const NAME = { type: 'string', minLength: 1, maxLength: 255, examples: ['Alice'] } as const satisfies Schema;
const TIME = { type: 'string', examples: ['2026-01-15T10:30:00.000Z'] } as const satisfies Schema;
const ID = { type: 'string', examples: ['mem_01KF2M7Q8TC5V9XW3E6YB4NZRD'] } as const satisfies Schema;
const TOKEN = { type: 'string', examples: ['eyJ...'] } as const satisfies Schema;
const REFRESH_TOKEN = {
  type: 'string',
  minLength: 1,
  maxLength: 256,
  description: 'Works for one refresh; the answer has the next one.',
} as const satisfies Schema;

function success<const P extends Properties, const O extends keyof P & string = never>(
  data: P,
  optional: readonly O[] = [],
) {
  return object({ success: { const: true }, data: object(data, { optional }) });
}

const SESSION_ANSWER = success(
  {
    token: { ...TOKEN, description: 'Send as `Authorization: Bearer <token>`.' },
    user_id: ID,
    expires_at: { ...TIME, description: 'Expiry of the token or cookie.' },
    refresh_token: REFRESH_TOKEN,
    csrf_token: { type: 'string', description: 'Send as `X-CSRF-Token`.' },
  },
  ['token', 'refresh_token', 'csrf_token'],
);

function tokenAnswer({ member, token, expiresAt, refreshToken }: TokenGrant) {
  return {
    success: true as const,
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
    success: true as const,
    data: {
      user_id: member.memberId,
      csrf_token: csrfToken,
      expires_at: new Date(expiresAt).toISOString(),
    },
  };
}

function trailOf({ accountId, memberId }: Member) {
  return { actor: { kind: 'member', id: memberId } as const, accountId, target: memberId };
}

function registerRoute(parts: AuthParts): Route {
  return route({
    method: 'POST',
    path: '/auth/register-email',
    operationId: 'registerEmail',
    summary: 'Register a member',
    description:
      'The first owner needs the setup code that the service writes to its log. Everyone else needs an ' +
      'invitation, unless the setting `registration` is `open`: then registration without an invitation ' +
      'creates a separate account. The same e-mail may have a member in several accounts.',
    tags: TAGS,
    access: { by: 'anyone' },
    body: object(
      {
        name: NAME,
        email: EMAIL,
        password: {
          ...PASSWORD,
          description: '8 to 256 characters of any script; not the e-mail, a name or a common password.',
        },
        username: { ...nullable({ ...NAME, examples: ['alice'] }, 'Display name only.'), default: null },
        setup_code: {
          type: ['string', 'null'],
          maxLength: 64,
          default: null,
          description: 'The setup code from the log, for the first owner.',
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
        description: 'The member is registered and can log in.',
        schema: success({
          user_id: ID,
          account_id: { type: 'string' },
          role: { type: 'string', enum: ['member', 'admin', 'owner'] },
        }),
      },
    },
    audit: { action: 'member.register' },
    errors: ['PERMISSION_DENIED', 'RATE_LIMIT_EXCEEDED', 'OVERLOADED', 'STORAGE_READ_ONLY'],
    handler: async ({ body, address }) => {
      const { setup_code: setupCode, ...rest } = body;
      const member = await register(parts, { ...rest, setupCode }, address);
      const { memberId, accountId, role } = member;
      return {
        status: 201,
        body: { success: true, data: { user_id: memberId, account_id: accountId, role } },
        audit: trailOf(member),
      };
    },
  });
}

function loginRoute(parts: AuthParts): Route {
  return route({
    method: 'POST',
    path: '/auth/login',
    operationId: 'login',
    summary: 'Log in',
    description:
      'Returns a token that lives 15 minutes and a refresh token that lives 30 days. With `session` ' +
      '`cookie`, which only browsers on the dashboard may use, sets cookies instead. Then every request ' +
      'except GET must send the `csrf_token` as `X-CSRF-Token`. After 5 failures of an e-mail or 20 of an ' +
      'address, each further attempt must wait: up to a minute for an e-mail, a quarter of an hour for an ' +
      'address. Every log-in sets the cookie `__Host-visage_device`; attempts that send it do not wait for ' +
      'failures of other devices.',
    tags: TAGS,
    access: { by: 'anyone' },
    body: object(
      {
        email: EMAIL,
        password: PASSWORD,
        session: { type: 'string', enum: ['token', 'cookie'], default: 'token' },
        account_id: {
          type: ['string', 'null'],
          maxLength: 64,
          default: null,
          description:
            'For an e-mail with members in several accounts. Default: the first of at most four accounts that accepts the password.',
        },
      },
      { optional: ['session', 'account_id'] },
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
      const { email, password, session, account_id: accountId } = body;
      if (session === 'cookie' && !isFromDashboard(headers, parts.dashboardOrigin)) {
        throw new VisageError('PERMISSION_DENIED', 'Session cookies are for browsers on the dashboard only.');
      }
      const from = { address, device: deviceCookieOf(headers) };
      const member = await logIn(parts, { email, password, accountId }, from);
      const audit = trailOf(member);
      const device = newDeviceCookie(member);
      if (session === 'token') {
        const grant = await parts.sessions.beginToken(member);
        return { status: 200, body: tokenAnswer(grant), headers: { 'Set-Cookie': device }, audit };
      }
      const grant = await parts.sessions.beginCookie(member);
      const cookies = [...grant.setCookies, device];
      return { status: 200, body: cookieAnswer(grant), headers: { 'Set-Cookie': cookies }, audit };
    },
  });
}

function refreshRoute({ sessions, audit }: AuthParts): Route {
  return route({
    method: 'POST',
    path: '/auth/refresh',
    operationId: 'refresh',
    summary: 'Refresh a token',
    description:
      'Send a `refresh_token`: it works once, and the answer has the next one. A repeat within ten seconds ' +
      'gets another successor; a later repeat ends the session. Or send `Authorization: Bearer <token>` ' +
      'alone, until twelve hours after log-in, with a token that is valid or expired less than five minutes ' +
      'ago. Both need a live session.',
    tags: TAGS,
    access: { by: 'anyone' },
    body: object({ refresh_token: REFRESH_TOKEN }, { optional: ['refresh_token'] }),
    responses: { 200: { description: 'A fresh token.', schema: SESSION_ANSWER } },
    errors: ['AUTHENTICATION_REQUIRED', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'STORAGE_READ_ONLY'],
    handler: async ({ body, headers, address, requestId }) => {
      const refreshToken = body.refresh_token;
      if (refreshToken !== undefined) {
        const grant = await sessions.refreshBySecret(refreshToken, ({ accountId, memberId }) =>
          audit.record({
            actor: { kind: 'anonymous', id: null },
            action: 'session.reuse',
            accountId,
            target: memberId,
            result: 'TOKEN_INVALID',
            address,
            requestId,
          }),
        );
        return { status: 200, body: tokenAnswer(grant) };
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
  });
}

export function memberOf(caller: Caller): CallingMember {
  if (!caller.member) throw new Error('The gate admitted an API key to a route for members');
  return caller.member;
}

function logoutRoute({ sessions }: AuthParts): Route {
  return route({
    method: 'POST',
    path: '/auth/logout',
    operationId: 'logout',
    summary: 'Log out',
    description: 'Ends the session and invalidates its tokens, refresh token and cookies.',
    tags: TAGS,
    access: { by: 'member', role: 'member' },
    responses: {
      200: { description: 'The session is over.', schema: object({ success: { const: true } }) },
    },
    audit: { action: 'member.logout' },
    errors: ['STORAGE_READ_ONLY'],
    handler: async ({ caller }) => {
      const { id, sessionId } = memberOf(caller);
      await sessions.end(id, sessionId);
      return { status: 200, body: { success: true }, headers: { 'Set-Cookie': expiredSessionCookies() } };
    },
  });
}

function passwordRoute(parts: AuthParts): Route {
  return route({
    method: 'POST',
    path: '/v1/auth/password',
    operationId: 'changePassword',
    secret: true,
    summary: 'Change your own password',
    description:
      'Ends all other sessions of the member, and invalidates all device cookies except the one in this ' +
      'answer.',
    tags: TAGS,
    access: { by: 'member', role: 'member' },
    body: object({ current_password: PASSWORD, new_password: PASSWORD }),
    responses: {
      200: { description: 'The password is changed.', schema: object({ success: { const: true } }) },
    },
    audit: { action: 'member.password' },
    errors: ['INVALID_CREDENTIALS', 'RATE_LIMIT_EXCEEDED', 'OVERLOADED', 'STORAGE_READ_ONLY'],
    handler: async ({ caller, body, headers, address }) => {
      const { id, sessionId } = memberOf(caller);
      const member = parts.store.members.get(caller.accountId, id);
      if (!member) throw new VisageError('TOKEN_INVALID', 'The session has ended; log in again.');
      const { current_password: current, new_password: next } = body;
      const { confirm } = caller;
      const by = { sessionId, address, device: deviceCookieOf(headers), confirm };
      const changed = await changePassword(parts, member, { current, next }, by);
      const device = newDeviceCookie(changed);
      return { status: 200, body: { success: true }, headers: { 'Set-Cookie': device } };
    },
  });
}

function confirmRoute(parts: AuthParts): Route {
  return route({
    method: 'POST',
    path: '/v1/auth/confirm',
    operationId: 'confirmPassword',
    secret: true,
    summary: 'Confirm your password',
    description:
      'Permits destructive acts of this session for ten minutes, as a log-in does. Without it, a session ' +
      'with a cookie gets `CONFIRMATION_REQUIRED`. Wrong passwords count and wait as failed log-ins do.',
    tags: TAGS,
    access: { by: 'member', role: 'member' },
    body: object({ password: PASSWORD }),
    responses: {
      200: {
        description: 'The password is confirmed.',
        schema: success({ confirmed_until: { ...TIME, description: 'When the confirmation ends.' } }),
      },
    },
    audit: { action: 'member.confirm' },
    errors: ['INVALID_CREDENTIALS', 'RATE_LIMIT_EXCEEDED', 'OVERLOADED', 'STORAGE_READ_ONLY'],
    handler: async ({ caller, body, headers, address }) => {
      const { id, sessionId } = memberOf(caller);
      const member = parts.store.members.get(caller.accountId, id);
      if (!member) throw new VisageError('TOKEN_INVALID', 'The session has ended; log in again.');
      const { accountId, email } = member;
      const from = { address, device: deviceCookieOf(headers) };
      await logIn(parts, { email, password: body.password, accountId }, from);
      const until = await parts.sessions.confirm(id, sessionId, caller.confirm);
      return {
        status: 200,
        body: { success: true, data: { confirmed_until: new Date(until).toISOString() } },
      };
    },
  });
}

export function authRoutes(parts: AuthParts): Route[] {
  return [
    registerRoute(parts),
    loginRoute(parts),
    refreshRoute(parts),
    logoutRoute(parts),
    passwordRoute(parts),
    confirmRoute(parts),
  ];
}
