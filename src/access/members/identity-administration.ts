/** The operator may set any role, but an account keeps an owner. */

import { randomBytes } from 'node:crypto';
import type { Role } from '../../api/roles.ts';
import { inTurns } from '../../base/turns.ts';
import { VisageError } from '../../errors.ts';
import type { InvitationRecord, Member } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import { LONGEST_TOKEN, type SigningKeys } from '../tokens/signing-keys.ts';
import { emailOf, normalizedEmail } from './email.ts';
import { ownerOf } from './login.ts';
import { type MemberView, memberView } from './members-routes.ts';
import { checkPassword, type Passwords } from './passwords.ts';

export interface OperatorMemberView extends MemberView {
  readonly account_id: string;
}

export interface WithPassword extends OperatorMemberView {
  readonly password: string | null;
}

export interface NewMember {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  /** Null generates one. */
  readonly password: string | null;
}

/** `member` is an id or an e-mail. */
export interface IdentityAdministration {
  /** @throws `VALIDATION_FAILED`. */
  createMember(member: NewMember): Promise<WithPassword>;
  listMembers(): Promise<OperatorMemberView[]>;
  /** @throws `NOT_FOUND`; `PERMISSION_DENIED` for the last owner. */
  setRole(member: string, role: Role): Promise<OperatorMemberView>;
  /**
   * Ends the member's sessions.
   * @throws `NOT_FOUND`, `PERMISSION_DENIED`.
   */
  removeMember(member: string): Promise<void>;
  /**
   * Ends the member's sessions.
   * @throws `NOT_FOUND`, `VALIDATION_FAILED`.
   */
  resetPassword(member: string, password: string | null): Promise<WithPassword>;
  /** @throws `PERMISSION_DENIED` if systemd supplies the keys. */
  rotateTokenKey(): Promise<RotatedKey>;
}

export interface RotatedKey {
  readonly kid: string;
  readonly previous_verifies_until: string;
}

export interface IdentityAdministrationParts {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly audit: Pick<Audit, 'record'>;
  readonly now: () => number;
  readonly signingKeys: () => Promise<SigningKeys>;
}

function invalid(path: string, message: string): VisageError {
  return new VisageError('VALIDATION_FAILED', `${path}: ${message}.`, [{ path, message }]);
}

function generatePassword(): string {
  const alphabet = '23456789abcdefghjkmnpqrstuvwxyz-';
  return Array.from(randomBytes(20), (byte) => alphabet[byte & 31]).join('');
}

function view(member: Member): OperatorMemberView {
  return { ...memberView(member), account_id: member.accountId };
}

/** Drops `by`: the operator now grants the role. */
function backedByOperator({ hash, expiresAt }: InvitationRecord): InvitationRecord {
  return { hash, expiresAt };
}

export function identityAdministration(parts: IdentityAdministrationParts): IdentityAdministration {
  const { store, passwords, audit, now } = parts;

  const find = async (member: string): Promise<Member> => {
    const email = normalizedEmail(member);
    const all: Member[] = [];
    for await (const each of inTurns(store.members.all())) {
      if (each.memberId === member || each.email === email) all.push(each);
    }
    const [found, ...others] = all;
    if (!found) throw new VisageError('NOT_FOUND', 'No member has this id or e-mail.');
    if (others.length > 0) {
      const message =
        'Several accounts have a member with this e-mail: use the id from `visagectl members list` instead.';
      throw new VisageError('VALIDATION_FAILED', message);
    }
    return found;
  };
  const record = (action: string, { accountId, memberId }: Member) =>
    audit.record({ actor: { kind: 'operator', id: null }, action, accountId, target: memberId });

  return {
    createMember: async ({ email: typed, name, role, password }) => {
      const email = emailOf(typed);
      if (name.length < 1 || name.length > 255) throw invalid('/name', 'expected 1 to 255 characters');
      const used = password ?? generatePassword();
      checkPassword(used, ownerOf({ email, name, username: null }), '/password');
      const { accountId } = store.accounts.first();
      const member = await store.members.add(accountId, {
        email,
        name,
        username: null,
        role,
        passwordHash: await passwords.hashNew(used, '/password'),
        invitation: null,
        createdAt: now(),
      });
      await record('member.create', member);
      return { ...view(member), password: password === null ? used : null };
    },
    listMembers: async () => {
      const views: OperatorMemberView[] = [];
      for await (const member of inTurns(store.members.all())) views.push(view(member));
      return views;
    },
    setRole: async (member, role) => {
      const { accountId, memberId } = await find(member);
      const changed = (await store.members.change(accountId, memberId, (before) => ({
        ...before,
        role,
        invitation: before.invitation && backedByOperator(before.invitation),
      }))) as Member;
      await record('member.role', changed);
      return view(changed);
    },
    removeMember: async (member) => {
      const found = await find(member);
      await store.members.change(found.accountId, found.memberId, () => null);
      await record('member.remove', found);
    },
    resetPassword: async (member, password) => {
      const found = await find(member);
      const { accountId, memberId } = found;
      if (found.passwordHash === null)
        throw new VisageError('NOT_FOUND', 'The member was invited and has no password yet.');
      const used = password ?? generatePassword();
      checkPassword(used, ownerOf(found), '/password');
      const passwordHash = await passwords.hashNew(used, '/password');
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
