import type { Role } from '../../api/roles.ts';
import { VisageError } from '../../errors.ts';
import type { InvitedMemberRecord } from '../../store/members.ts';
import type { ActiveMemberRecord, Member, MemberRecord } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';
import { emailOf } from './email.ts';
import { ownerOf } from './login.ts';
import type { LoginThrottle } from './login-throttle.ts';
import { isInvitationBacked } from './member-rules.ts';
import { checkPassword, type Passwords } from './passwords.ts';
import { hashSecret, newSecret, type SetupCode } from './secrets.ts';

const INVITATION_LIFETIME_MS = 7 * 24 * 3_600_000;

export interface RegistrationParts {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly registrationThrottle: LoginThrottle;
  readonly setupCode: SetupCode | null;
  readonly registration: 'closed' | 'open';
  readonly now: () => number;
}

export interface RegistrationRequest {
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly username: string | null;
  readonly setupCode: string | null;
  readonly invitation: string | null;
}

function refused(): VisageError {
  return new VisageError(
    'PERMISSION_DENIED',
    'Registration is closed: ask an admin of the account for an invitation.',
  );
}

type Person = Omit<ActiveMemberRecord, 'role'>;

type Admit = (person: Person) => Promise<Member>;

/**
 * An invitation joins the inviting account; the set-up code makes the appliance's first owner; otherwise open
 * registration makes an account.
 * @throws `VALIDATION_FAILED`, `PERMISSION_DENIED`, `RATE_LIMIT_EXCEEDED`, `OVERLOADED`.
 */
export async function register(
  parts: RegistrationParts,
  request: RegistrationRequest,
  address: string,
): Promise<Member> {
  const email = emailOf(request.email);
  const { name, username } = request;
  checkPassword(request.password, ownerOf({ email, name, username }), '/password');
  const admit = admissionOf(parts, request, email, address);
  const passwordHash = await parts.passwords.hashNew(request.password, '/password');
  return admit({ email, name, username, passwordHash, invitation: null, createdAt: parts.now() });
}

/** Correct secrets do not count, so wrong ones from their address cannot block them. */
function admissionOf(
  parts: RegistrationParts,
  request: RegistrationRequest,
  email: string,
  address: string,
): Admit {
  const { store, setupCode, registration, registrationThrottle: throttle } = parts;
  const { invitation, setupCode: code } = request;
  if (invitation !== null) {
    const hash = hashSecret(invitation);
    const invited = store.members.byInvitation(hash);
    if (invited && isGoodInvitation(parts, invited.accountId, invited, hash, email)) {
      return (person) => acceptInvitation(parts, invited, hash, person);
    }
    throttle.begin('invitation', address);
    throw invalidInvitation();
  }
  if (!store.members.hasOwner()) {
    if (code !== null && setupCode?.matches(code)) return (person) => addFirstOwner(parts, person);
    throttle.begin('set-up code', address);
    throw new VisageError(
      'PERMISSION_DENIED',
      'The first owner needs the set-up code from the log of the service as setup_code, ' +
        'or "visagectl members create --role owner" on the machine.',
    );
  }
  if (registration === 'closed') throw refused();
  throttle.begin(email, null);
  return (person) => store.members.addWithAccount(request.name, { ...person, role: 'owner' });
}

function addFirstOwner({ store }: RegistrationParts, person: Person): Promise<Member> {
  const { accountId } = store.accounts.first();
  return store.members.add(accountId, { ...person, role: 'owner' }, () => {
    if (store.members.hasOwner()) throw refused();
  });
}

function invalidInvitation(): VisageError {
  return new VisageError(
    'PERMISSION_DENIED',
    'The invitation is not valid for this e-mail: it was used, replaced or withdrawn, or is older than a week.',
  );
}

function isGoodInvitation(
  { store, now }: RegistrationParts,
  accountId: string,
  record: MemberRecord,
  hash: string,
  email: string,
): boolean {
  const { invitation } = record;
  const isOwn = invitation?.hash === hash && invitation.expiresAt > now() && record.email === email;
  return isOwn && isInvitationBacked(store, accountId, record);
}

async function acceptInvitation(
  parts: RegistrationParts,
  { accountId, memberId }: Member,
  hash: string,
  person: Person,
): Promise<Member> {
  const member = await parts.store.members.change(accountId, memberId, (before) => {
    if (!isGoodInvitation(parts, accountId, before, hash, person.email)) throw invalidInvitation();
    return { ...person, role: before.role, createdAt: before.createdAt };
  });
  return member as Member;
}

export interface NewInvitation {
  readonly member: Member;
  readonly token: string;
  readonly expiresAt: number;
}

/**
 * Replaces an open invitation's token.
 * @param check runs inside the transaction with the invitation.
 * @throws errors of `check`; `VALIDATION_FAILED` for a member of this account.
 */
export async function invite(
  { store, now }: Pick<RegistrationParts, 'store' | 'now'>,
  accountId: string,
  person: { readonly email: string; readonly role: Role },
  by: string,
  check: (pending: MemberRecord | null) => void,
): Promise<NewInvitation> {
  const token = `inv_${newSecret()}`;
  const expiresAt = now() + INVITATION_LIFETIME_MS;
  const record: InvitedMemberRecord = {
    email: emailOf(person.email),
    name: null,
    username: null,
    role: person.role,
    passwordHash: null,
    invitation: { hash: hashSecret(token), expiresAt, by },
    createdAt: now(),
  };
  return { member: await store.members.invite(accountId, record, check), token, expiresAt };
}
