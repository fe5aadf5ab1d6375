/** Members and tokens on a real store, without HTTP; only the clock is not real. */
import { createIdentity, type Identity } from '../../src/access/identity.ts';
import type { RegistrationRequest } from '../../src/access/registration.ts';
import { SigningKeys } from '../../src/access/signing-keys.ts';
import type { Member, MemberRole } from '../../src/store/members.ts';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../store/temporary-store.ts';

export const HOME = { address: '127.0.0.1', headers: { host: ['127.0.0.1:8080'] } };
export const AWAY = { address: '198.51.100.7', headers: { host: ['visage.example'] } };

export const PASSWORD = 'correct horse battery';

export interface IdentityFixture {
  readonly folder: string;
  readonly store: Store;
  readonly signingKeys: SigningKeys;
  readonly clock: { now: number };
  /** Made anew, as a restart does. */
  identity(settings?: { registration: 'closed' | 'open' }): Identity;
  /** A member who can log in, put into the store past every rule. */
  member(email: string, role: MemberRole, accountId?: string): Promise<Member>;
  close(): Promise<void>;
}

export function person(email: string, rest: Partial<RegistrationRequest> = {}): RegistrationRequest {
  return { name: 'A', email, password: PASSWORD, username: null, setupCode: null, invitation: null, ...rest };
}

/** @param t its folder is gone after it. @param shared keys of another fixture: making some takes a second. */
export async function openIdentity(
  t: { after(work: () => void): void },
  shared?: SigningKeys,
): Promise<IdentityFixture> {
  const folder = temporaryFolder(t);
  const clock = { now: Date.UTC(2026, 0, 15) };
  const now = () => clock.now;
  const store = Store.open(folder, now);
  const signingKeys = shared ?? (await SigningKeys.open(folder, { now }));
  const made: Identity[] = [];
  let passwordHash: Promise<string> | null = null;
  const identity: IdentityFixture['identity'] = ({ registration } = { registration: 'closed' }) => {
    const another = createIdentity({ store, signingKeys, registration, dashboardOrigin: null, now });
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
