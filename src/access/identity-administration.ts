/** The operator's way to members and signing keys: no rule of roles applies but that an account keeps an owner. */
import { randomBytes } from 'node:crypto';
import { VisageError } from '../errors.ts';
import type { Member, MemberRole } from '../store/members.ts';
import type { Store } from '../store/store.ts';
import type { Audit } from './audit.ts';
import { EMAIL } from './auth-routes.ts';
import { normalizedEmail } from './login.ts';
import { type MemberView, memberView } from './members-routes.ts';
import { checkPassword, type Passwords } from './passwords.ts';
import { LONGEST_TOKEN, type SigningKeys } from './signing-keys.ts';

/** A member as the operator sees it: of whichever account. */
export interface OperatorMemberView extends MemberView {
  readonly account_id: string;
}

/** A password that was made up for a member is shown this once; null where one was given. */
export interface WithPassword extends OperatorMemberView {
  readonly password: string | null;
}

export interface NewMember {
  readonly email: string;
  readonly name: string;
  readonly role: MemberRole;
  /** Null for one that is made up. */
  readonly password: string | null;
}

/** Over the admin socket, or on the store itself while no service runs. `member` is an id or an e-mail. */
export interface IdentityAdministration {
  /** Makes a member of the appliance's own account. @throws VisageError `VALIDATION_FAILED`. */
  createMember(member: NewMember): Promise<WithPassword>;
  listMembers(): Promise<OperatorMemberView[]>;
  /** @throws VisageError `NOT_FOUND`, `PERMISSION_DENIED` for the last owner. */
  setRole(member: string, role: MemberRole): Promise<OperatorMemberView>;
  /** Ends every session of the member too. @throws VisageError `NOT_FOUND`, `PERMISSION_DENIED`. */
  removeMember(member: string): Promise<void>;
  /** Ends every session of the member too. @throws VisageError `NOT_FOUND`, `VALIDATION_FAILED`. */
  resetPassword(member: string, password: string | null): Promise<WithPassword>;
  /** Lets a new key sign. @throws VisageError `PERMISSION_DENIED` where systemd gives the keys. */
  rotateTokenKey(): Promise<RotatedKey>;
}

export interface RotatedKey {
  readonly kid: string;
  /** UTC, ISO 8601: until then tokens of the key before are good. */
  readonly previous_verifies_until: string;
}

export interface IdentityAdministrationParts {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly audit: Pick<Audit, 'record'>;
  readonly now: () => number;
  /** Where the signing keys are; only asked when they are needed. */
  readonly signingKeys: () => Promise<SigningKeys>;
}

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
}

/** 100 random bits that can be read aloud. */
function inventPassword(): string {
  const alphabet = '23456789abcdefghjkmnpqrstuvwxyz-';
  return Array.from(randomBytes(20), (byte) => alphabet[byte & 31]).join('');
}

function view(member: Member): OperatorMemberView {
  return { ...memberView(member), account_id: member.accountId };
}

/** Administers the members of a store and the keys of its tokens. */
export function identityAdministration(parts: IdentityAdministrationParts): IdentityAdministration {
  const { store, passwords, audit, now } = parts;

  const find = (member: string): Member => {
    const email = normalizedEmail(member);
    const found = store.members.all().find((each) => each.memberId === member || each.email === email);
    if (!found) throw new VisageError('NOT_FOUND', 'There is no member of this id or e-mail.');
    return found;
  };
  const record = (action: string, { accountId, memberId }: Member) =>
    audit.record({ actor: { kind: 'operator', id: null }, action, accountId, target: memberId });

  return {
    createMember: async ({ email: typed, name, role, password }) => {
      const email = normalizedEmail(typed);
      if (!new RegExp(EMAIL.pattern).test(email) || email.length > EMAIL.maxLength)
        throw invalid('/email', 'is not an e-mail');
      if (name.length < 1 || name.length > 255) throw invalid('/name', 'must have 1 to 255 characters');
      const used = password ?? inventPassword();
      checkPassword(used, email, '/password');
      const { accountId } = store.accounts.first();
      const member = await store.members.add(accountId, {
        email,
        name,
        username: null,
        role,
        passwordHash: await passwords.hash(used),
        invitation: null,
        createdAt: now(),
      });
      await record('member.create', member);
      return { ...view(member), password: password === null ? used : null };
    },
    listMembers: async () => store.members.all().map(view),
    setRole: async (member, role) => {
      const { accountId, memberId } = find(member);
      const changed = (await store.members.change(accountId, memberId, (before) => ({
        ...before,
        role,
      }))) as Member;
      await record('member.role', changed);
      return view(changed);
    },
    removeMember: async (member) => {
      const found = find(member);
      await store.members.change(found.accountId, found.memberId, () => null);
      await record('member.remove', found);
    },
    resetPassword: async (member, password) => {
      const { accountId, memberId, email, passwordHash: known } = find(member);
      if (known === null)
        throw new VisageError('NOT_FOUND', 'The member was invited and has no password yet.');
      const used = password ?? inventPassword();
      checkPassword(used, email, '/password');
      const passwordHash = await passwords.hash(used);
      const changed = (await store.members.change(accountId, memberId, (before) => ({
        ...before,
        passwordHash,
      }))) as Member;
      await record('member.password', changed);
      return { ...view(changed), password: password === null ? used : null };
    },
    rotateTokenKey: async () => {
      const keys = await parts.signingKeys();
      const { kid } = await keys.rotate();
      const actor = { kind: 'operator', id: null } as const;
      await audit.record({ actor, action: 'tokens.rotate', target: kid });
      return { kid, previous_verifies_until: new Date(now() + LONGEST_TOKEN * 1000).toISOString() };
    },
  };
}
