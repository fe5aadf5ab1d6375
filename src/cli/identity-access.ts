import type { IdentityAdministration } from '../access/members/identity-administration.ts';
import { type Administrations, administer } from './admin-access.ts';
import type { DataOptions } from './command.ts';

const ADMINISTRATIONS: Administrations<IdentityAdministration> = {
  remote: (call) => {
    const path = (member: string) => `/members/${encodeURIComponent(member)}`;
    return {
      createMember: async (member) => (await call('POST', '/members', member)) as never,
      listMembers: async () => ((await call('GET', '/members')) as { members: never }).members,
      setRole: async (member, role) => (await call('PATCH', path(member), { role })) as never,
      removeMember: async (member) => {
        await call('DELETE', path(member));
      },
      resetPassword: async (member, password) =>
        (await call('POST', `${path(member)}/password`, { password })) as never,
      rotateTokenKey: async () => (await call('POST', '/tokens/rotate')) as never,
    };
  },
  local: async (store, config) => {
    const { identityAdministration } = await import('../access/members/identity-administration.ts');
    const { Passwords } = await import('../access/members/passwords.ts');
    const { SigningKeys } = await import('../access/tokens/signing-keys.ts');
    const { auditOf } = await import('./stopped-store.ts');
    return identityAdministration({
      store,
      passwords: new Passwords(),
      audit: auditOf(store, config),
      now: Date.now,
      signingKeys: () => SigningKeys.open(config.dataDir),
    });
  },
};

/** @throws ConfigError, ExitError, VisageError. */
export function withIdentity<T>(
  options: DataOptions & { readonly create?: boolean },
  work: (identity: IdentityAdministration) => Promise<T>,
): Promise<T> {
  return administer(options, ADMINISTRATIONS, work);
}
