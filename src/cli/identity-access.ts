/** Where visagectl administers members and signing keys. */
import { type IdentityAdministration, identityAdministration } from '../access/identity-administration.ts';
import { Passwords } from '../access/passwords.ts';
import { SigningKeys } from '../access/signing-keys.ts';
import { administer, auditOf, type Ways } from './admin-access.ts';
import { type DataOptions, type Options, usageError } from './command.ts';

const WAYS: Ways<IdentityAdministration> = {
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
  local: (store, config) =>
    identityAdministration({
      store,
      passwords: new Passwords(),
      audit: auditOf(store, config),
      now: Date.now,
      signingKeys: () => SigningKeys.open(config.dataDir),
    }),
};

/** Does something with the members of the service that the settings name. @throws ConfigError, ExitError, VisageError. */
export function withIdentity<T>(
  options: DataOptions,
  work: (identity: IdentityAdministration) => Promise<T>,
): Promise<T> {
  return administer(options, WAYS, work);
}

/** Options of commands that give a member a password. */
export const PASSWORD_OPTIONS = {
  'password-stdin': { type: 'boolean', about: 'take the password from the first line of standard input' },
} as const satisfies Options;

/** The operand that says which member is meant. */
export const MEMBER = { name: 'MEMBER', about: "the member's id or e-mail" } as const;

/** The first line of standard input, if it is asked for; null where a password is to be made up. */
export async function readPassword(options: { readonly 'password-stdin': boolean }): Promise<string | null> {
  if (!options['password-stdin']) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const [line = ''] = Buffer.concat(chunks).toString().split(/\r?\n/, 1);
  if (line === '') throw usageError('--password-stdin found no password.');
  return line;
}
