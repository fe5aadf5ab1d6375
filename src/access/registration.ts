/** How people become members: the first owner, by invitation, or on their own where that is allowed. */
import { VisageError } from '../errors.ts';
import type { RequestHeaders } from '../http/route.ts';
import type { ActiveMemberRecord, Member, MemberRole } from '../store/members.ts';
import { type LoginParts, normalizedEmail } from './login.ts';
import { checkPassword } from './passwords.ts';
import { hashSecret, newSecret } from './session-secret.ts';
import { isFromThisMachine, type SetupCode } from './setup-code.ts';

/** Invitations are good for a week. */
const INVITATION_LIFETIME_MS = 7 * 24 * 3_600_000;

export interface RegistrationParts extends LoginParts {
  /** Null where an owner was there at the start. */
  readonly setupCode: SetupCode | null;
  /** `open`: anybody may make an account of their own. */
  readonly registration: 'closed' | 'open';
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What a person says of themselves. */
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

/**
 * Makes a member of the person who asks: with an invitation, of the account that invited; the first owner, of the
 * appliance's own account, with the set-up code or from this machine; else, where registration is open, the owner of
 * a new account. Resolves when that is on disk.
 * @param from the client's address and the request's headers.
 * @throws VisageError `VALIDATION_FAILED`, `PERMISSION_DENIED`, `RATE_LIMIT_EXCEEDED`, `OVERLOADED`.
 */
export async function register(
  parts: RegistrationParts,
  request: RegistrationRequest,
  from: { readonly address: string; readonly headers: RequestHeaders },
): Promise<Member> {
  const email = normalizedEmail(request.email);
  checkPassword(request.password, email, '/password');
  const attempt = parts.throttle.begin(`registration ${email}`, from.address);
  const isFirst = !parts.store.members.hasOwner();
  if (request.invitation === null && isFirst) checkSetupCode(parts, request.setupCode, from);
  else if (request.invitation === null && parts.registration === 'closed') throw refused();
  const passwordHash = await parts.passwords.hash(request.password);
  const { name, username } = request;
  const person = { email, name, username, passwordHash, invitation: null, createdAt: parts.now() };
  const member = await (request.invitation !== null
    ? acceptInvitation(parts, request.invitation, person)
    : isFirst
      ? addFirstOwner(parts, { ...person, role: 'owner' })
      : parts.store.members.addWithAccount(name, { ...person, role: 'owner' }));
  attempt.succeed();
  return member;
}

function checkSetupCode(
  { setupCode, throttle }: RegistrationParts,
  sent: string | null,
  { address, headers }: { readonly address: string; readonly headers: RequestHeaders },
): void {
  if (isFromThisMachine(address, headers)) return;
  const attempt = throttle.begin('set-up code', address);
  if (sent === null || !setupCode?.matches(sent)) {
    throw new VisageError(
      'PERMISSION_DENIED',
      'The first owner is made with the set-up code from the log of the service, or on the machine itself.',
    );
  }
  attempt.succeed();
}

function addFirstOwner({ store }: RegistrationParts, owner: ActiveMemberRecord): Promise<Member> {
  const { accountId } = store.accounts.first();
  return store.members.add(accountId, owner, () => {
    if (store.members.hasOwner()) throw refused();
  });
}

async function acceptInvitation(
  { store, now }: RegistrationParts,
  token: string,
  person: Omit<ActiveMemberRecord, 'role'>,
): Promise<Member> {
  const hash = hashSecret(token);
  const invited = store.members.byInvitation(hash);
  const invalid = () => new VisageError('PERMISSION_DENIED', 'The invitation is not valid for this e-mail.');
  if (!invited) throw invalid();
  const member = await store.members.change(invited.accountId, invited.memberId, (before) => {
    const { invitation, email, role, createdAt } = before;
    const isGood = invitation?.hash === hash && invitation.expiresAt > now() && email === person.email;
    if (!isGood) throw invalid();
    return { ...person, role, createdAt };
  });
  return member as Member;
}

/** An invitation at the one time when its token is known. */
export interface NewInvitation {
  readonly member: Member;
  readonly token: string;
  readonly expiresAt: number;
}

/**
 * Invites a person; who was invited already and has not answered gets a new token in place of the old one.
 * @param check runs inside the transaction: whether the inviting one still may. Resolves when it is on disk.
 * @throws what `check` throws; VisageError `VALIDATION_FAILED` if the person is a member.
 */
export async function invite(
  { store, now }: Pick<RegistrationParts, 'store' | 'now'>,
  accountId: string,
  person: { readonly email: string; readonly role: MemberRole },
  check: () => void,
): Promise<NewInvitation> {
  const email = normalizedEmail(person.email);
  const token = `inv_${newSecret()}`;
  const expiresAt = now() + INVITATION_LIFETIME_MS;
  const record = {
    email,
    name: null,
    username: null,
    role: person.role,
    passwordHash: null,
    invitation: { hash: hashSecret(token), expiresAt },
    createdAt: now(),
  };
  const pending = store.members
    .list(accountId, null, Number.MAX_SAFE_INTEGER)
    .find((each) => each.email === email && each.invitation !== null);
  if (!pending) return { member: await store.members.add(accountId, record, check), token, expiresAt };
  const member = await store.members.change(accountId, pending.memberId, (before) => {
    check();
    if (before.invitation === null) {
      throw new VisageError('VALIDATION_FAILED', '/email: belongs to a member already.');
    }
    return { ...record, createdAt: before.createdAt };
  });
  return { member: member as Member, token, expiresAt };
}
