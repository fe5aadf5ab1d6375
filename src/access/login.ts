/** Log-in by e-mail and password, and the change of one's own password. */
import { VisageError } from '../errors.ts';
import type { Member, MemberRecord } from '../store/members.ts';
import type { Store } from '../store/store.ts';
import type { LoginThrottle } from './login-throttle.ts';
import { checkPassword, type Passwords } from './passwords.ts';

export interface LoginParts {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly throttle: LoginThrottle;
}

/** An e-mail as it is kept and compared. */
export function normalizedEmail(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase();
}

/**
 * The member of an e-mail and a password. An unknown e-mail takes the same time, the same answer and the same delays
 * as a wrong password.
 * @param address of the client.
 * @throws VisageError `INVALID_CREDENTIALS`, `RATE_LIMIT_EXCEEDED`, `OVERLOADED`.
 */
export async function logIn(
  { store, passwords, throttle }: LoginParts,
  credentials: { readonly email: string; readonly password: string },
  address: string,
): Promise<Member> {
  const email = normalizedEmail(credentials.email);
  const attempt = throttle.begin(email, address);
  const hash = store.members.byEmail(email)?.passwordHash ?? null;
  const fits = await passwords.verify(hash, credentials.password).catch((error: unknown) => {
    attempt.cancel();
    throw error;
  });
  // Looked up again: the member may have been removed, or given another password, while this one was checked.
  const member = store.members.byEmail(email);
  if (!fits || !member || member.passwordHash !== hash) {
    throw new VisageError('INVALID_CREDENTIALS', 'The e-mail or the password is not right.');
  }
  attempt.succeed();
  return member;
}

/**
 * Gives a member another password, who knows the present one. Ends every other session of the member; resolves when
 * that is on disk.
 * @param by the session that asks, the client's address, and what throws inside the transaction if it has ended.
 * @throws VisageError as {@link logIn}, and `VALIDATION_FAILED`.
 */
export async function changePassword(
  parts: LoginParts,
  member: Member,
  change: { readonly current: string; readonly next: string },
  by: {
    readonly sessionId: string;
    readonly address: string;
    readonly confirm?: (() => void) | undefined;
  },
): Promise<void> {
  checkPassword(change.next, member.email, '/new_password');
  await logIn(parts, { email: member.email, password: change.current }, by.address);
  const passwordHash = await parts.passwords.hash(change.next);
  const { accountId, memberId } = member;
  const { members } = parts.store;
  const decide = (record: MemberRecord) => {
    by.confirm?.();
    return { ...record, passwordHash };
  };
  await members.change(accountId, memberId, decide, by.sessionId);
}
