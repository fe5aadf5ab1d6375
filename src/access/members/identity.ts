import type { Route } from '../../api/route.ts';
import type { AccessConfig } from '../../config/config.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import type { SigningKeys } from '../tokens/signing-keys.ts';
import { tokenRoutes } from '../tokens/token-routes.ts';
import { Tokens } from '../tokens/tokens.ts';
import { type AuthParts, authRoutes } from './auth-routes.ts';
import { LoginThrottle } from './login-throttle.ts';
import { MemberSessions } from './member-sessions.ts';
import { membersRoutes } from './members-routes.ts';
import { ownAccountRoutes } from './own-account-routes.ts';
import { Passwords } from './passwords.ts';
import { SetupCode } from './secrets.ts';

export interface Identity extends AuthParts {
  readonly tokens: Tokens;
  readonly access: Pick<AccessConfig, 'sessionIdleMs'>;
}

export interface IdentityOptions {
  readonly store: Store;
  readonly signingKeys: SigningKeys;
  readonly audit: Pick<Audit, 'record'>;
  readonly registration: 'closed' | 'open';
  readonly dashboardOrigin: string | null;
  readonly access: Pick<AccessConfig, 'sessionIdleMs'>;
  readonly now: () => number;
}

/** The caller must close `passwords`. */
export function createIdentity(options: IdentityOptions): Identity {
  const { store, signingKeys, now } = options;
  const tokens = new Tokens(signingKeys, now);
  return {
    ...options,
    tokens,
    passwords: new Passwords(),
    throttle: new LoginThrottle(now),
    registrationThrottle: new LoginThrottle(now),
    sessions: new MemberSessions({ ...options, tokens }),
    setupCode: store.members.hasOwner() ? null : new SetupCode(),
  };
}

export function identityRoutes(identity: Identity): Route[] {
  return [
    ...authRoutes(identity),
    ...ownAccountRoutes(identity),
    ...membersRoutes(identity),
    ...tokenRoutes(identity),
  ];
}
