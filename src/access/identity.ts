/** Everything that knows members and tokens, put together. */
import type { Route } from '../http/route.ts';
import type { Store } from '../store/store.ts';
import { type AuthParts, authRoutes } from './auth-routes.ts';
import { LoginThrottle } from './login-throttle.ts';
import { MemberSessions } from './member-sessions.ts';
import { membersRoutes } from './members-routes.ts';
import { Passwords } from './passwords.ts';
import { SetupCode } from './setup-code.ts';
import type { SigningKeys } from './signing-keys.ts';
import { tokenRoutes } from './token-routes.ts';
import { Tokens } from './tokens.ts';

export interface Identity extends AuthParts {
  readonly tokens: Tokens;
}

export interface IdentityOptions {
  readonly store: Store;
  readonly signingKeys: SigningKeys;
  readonly registration: 'closed' | 'open';
  /** Where the dashboard is served, if not at the host that requests name. */
  readonly dashboardOrigin: string | null;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Where nobody is an owner yet, there is a set-up code. Whoever makes it closes its `passwords`. */
export function createIdentity(options: IdentityOptions): Identity {
  const { store, signingKeys, now } = options;
  const tokens = new Tokens(signingKeys, now);
  return {
    ...options,
    tokens,
    passwords: new Passwords(),
    throttle: new LoginThrottle(now),
    sessions: new MemberSessions({ ...options, tokens }),
    setupCode: store.members.hasOwner() ? null : new SetupCode(),
  };
}

/** Routes of accounts, members and tokens. */
export function identityRoutes(identity: Identity): Route[] {
  return [...authRoutes(identity), ...membersRoutes(identity), ...tokenRoutes(identity)];
}
