import { VisageError } from '../../errors.ts';
import type { Member, MemberRecord } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';
import { type DeviceCookie, isDeviceOf } from './device-cookie.ts';
import { emailOf } from './email.ts';
import type { Attempt, LoginThrottle } from './login-throttle.ts';
import { checkPassword, type Passwords } from './passwords.ts';

/** Or the time would reveal how many accounts have the e-mail. */
const MAX_TRIED = 4;

export interface LoginParts {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly throttle: LoginThrottle;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
  readonly accountId?: string | null | undefined;
}

export interface LoginOrigin {
  readonly address: string;
  readonly device: DeviceCookie | null;
}

interface Admitted {
  readonly attempt: Attempt;
  readonly isOfEmail: boolean;
  readonly members: readonly Member[];
}

/** A device may try only its member. */
function admit(
  throttle: LoginThrottle,
  email: string,
  members: readonly Member[],
  { address, device }: LoginOrigin,
): Admitted {
  try {
    return { attempt: throttle.begin(email, address), isOfEmail: true, members };
  } catch (error) {
    const known = members.find((each) => device !== null && isDeviceOf(each, device));
    const attempt = known && device && throttle.beginWithDevice(device.mac);
    if (!attempt) throw error;
    return { attempt, isOfEmail: false, members: [known] };
  }
}

/**
 * Unknown e-mails and wrong passwords take the same time and get the same answer.
 * @throws `INVALID_CREDENTIALS`, `RATE_LIMIT_EXCEEDED`, `OVERLOADED`.
 */
export async function logIn(
  { store, passwords, throttle }: LoginParts,
  { email: typed, password, accountId = null }: Credentials,
  from: LoginOrigin,
): Promise<Member> {
  const email = emailOf(typed);
  // The device's account comes first: strangers may have created accounts for the e-mail.
  const wanted = store.members.byEmail(email, { accountId, first: from.device?.memberId, most: MAX_TRIED });
  const { attempt, isOfEmail, members } = admit(throttle, email, wanted, from);
  const hasSeveral = store.accounts.hasSeveral();
  const places = accountId === null && hasSeveral ? MAX_TRIED : 1;
  const hashes = Array.from({ length: places }, (_, at) => members[at]?.passwordHash ?? null);
  const index = await passwords.find(hashes, password).catch((error: unknown) => {
    attempt.cancel();
    throw error;
  });
  const tried = members[index];
  const member = tried && store.members.get(tried.accountId, tried.memberId);
  if (!member || member.passwordHash !== tried.passwordHash) {
    const hint = places > 1 ? ' For an e-mail with members in several accounts, send account_id.' : '';
    throw new VisageError('INVALID_CREDENTIALS', `The e-mail or the password is wrong.${hint}`);
  }
  // A correct password must not reset guesses at other members of the e-mail, and an exception for single
  // members would reveal others.
  if (hasSeveral && isOfEmail) attempt.cancel();
  else attempt.succeed();
  return member;
}

/**
 * Ends the member's other sessions.
 * @param by the requesting session.
 * @throws as `logIn`; `VALIDATION_FAILED`.
 */
export async function changePassword(
  parts: LoginParts,
  member: Member,
  change: { readonly current: string; readonly next: string },
  by: LoginOrigin & {
    readonly sessionId: string;
    readonly confirm?: (() => void) | undefined;
  },
): Promise<Member> {
  const { accountId, memberId, email } = member;
  checkPassword(change.next, ownerOf(member), '/new_password');
  await logIn(parts, { email, password: change.current, accountId }, by);
  const passwordHash = await parts.passwords.hashNew(change.next, '/new_password');
  const { members } = parts.store;
  const decide = (record: MemberRecord) => {
    by.confirm?.();
    return { ...record, passwordHash };
  };
  return (await members.change(accountId, memberId, decide, by.sessionId)) as Member;
}

export function ownerOf({ email, name, username }: Pick<MemberRecord, 'email' | 'name' | 'username'>) {
  return { email, names: [name, username].filter((text) => text !== null) };
}
