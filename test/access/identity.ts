import { createIdentity, type Identity } from '../../src/access/members/identity.ts';
import type { RegistrationRequest } from '../../src/access/members/registration.ts';
import { SigningKeys } from '../../src/access/tokens/signing-keys.ts';
import type { Role } from '../../src/api/roles.ts';
import type { Member } from '../../src/store/records.ts';
import { Store } from '../../src/store/store.ts';
import { addSigningKey } from '../../testing/signing-keys.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

export const HOME = '127.0.0.1';
export const AWAY = '198.51.100.7';

export const NO_AUDIT = { record: async () => {} };

export const PASSWORD = 'correct horse battery';

export interface IdentityFixture {
  readonly folder: string;
  readonly store: Store;
  readonly signingKeys: SigningKeys;
  readonly clock: { now: number };
  identity(settings?: { registration: 'closed' | 'open' }): Identity;
  member(email: string, role: Role, accountId?: string): Promise<Member>;
  close(): Promise<void>;
}

export function person(email: string, rest: Partial<RegistrationRequest> = {}): RegistrationRequest {
  return { name: 'A', email, password: PASSWORD, username: null, setupCode: null, invitation: null, ...rest };
}

export async function openIdentity(
  t: { after(work: () => void): void },
  shared?: SigningKeys,
): Promise<IdentityFixture> {
  const folder = temporaryFolder(t);
  const clock = { now: Date.UTC(2026, 0, 15) };
  const now = () => clock.now;
  const store = Store.open(folder, now);
  addSigningKey(folder);
  const signingKeys = shared ?? (await SigningKeys.open(folder, { now }));
  const made: Identity[] = [];
  let passwordHash: Promise<string> | null = null;
  const identity: IdentityFixture['identity'] = ({ registration } = { registration: 'closed' }) => {
    const another = createIdentity({
      store,
      signingKeys,
      audit: NO_AUDIT,
      registration,
      dashboardOrigin: null,
      access: { sessionIdleMs: 30 * 60_000 },
      now,
    });
    made.push(another);
    return another;
  };
  return {
    folder,
    store,
    signingKeys,
    clock,
    identity,
    member: async (email, role, accountId = store.accounts.first().accountId) => {
      passwordHash ??= identity().passwords.hash(PASSWORD);
      const record = { email, name: 'A', username: null, role, invitation: null, createdAt: clock.now };
      return store.members.add(accountId, { ...record, passwordHash: await passwordHash });
    },
    close: async () => {
      await Promise.all(made.map(({ passwords }) => passwords.close()));
      await store.close();
    },
  };
}
