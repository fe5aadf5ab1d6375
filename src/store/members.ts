import { VisageError } from '../errors.ts';
import type { Databases, MemberKey, Session } from './databases.ts';
import { newIdentifier } from './identifiers.ts';
import { Remembered } from './remembered.ts';
import { removeSessions } from './sessions.ts';

/** What a member may do, least first: each may all that the ones before it may. */
export type MemberRole = 'member' | 'admin' | 'owner';

/** A person of an account. Without a password it is one who was invited and has not answered. */
export interface MemberRecord {
  /** Lower case; unique in the account, and among those with a password in the whole store. */
  readonly email: string;
  readonly name: string | null;
  readonly username: string | null;
  readonly role: MemberRole;
  /** PHC string of Argon2id. */
  readonly passwordHash: string | null;
  /** SHA-256 of the invitation's secret; null once it was answered. */
  readonly invitation: { readonly hash: string; readonly expiresAt: number } | null;
  readonly createdAt: number;
}

export interface Member extends MemberRecord {
  readonly accountId: string;
  readonly memberId: string;
}

/** A member who can log in. */
export type ActiveMemberRecord = MemberRecord & { readonly passwordHash: string; readonly invitation: null };

/** Decides on a member inside a transaction: the record to keep, or null to remove it. Throws to change nothing. */
export type MemberDecision = (record: MemberRecord, memberId: string) => MemberRecord | null;

/**
 * Members, their e-mails and their invitations. Rules that must hold whatever runs at the same time are kept here:
 * an e-mail logs in to one account, and an account that has an owner keeps one.
 */
export class Members {
  readonly #session: Session;
  readonly #records: Remembered<MemberRecord, MemberKey>;

  constructor(session: Session) {
    this.#session = session;
    this.#records = new Remembered(session, session.db.members);
  }

  get(accountId: string, memberId: string): Member | null {
    const record = this.#records.get([accountId, memberId]);
    return record ? { accountId, memberId, ...record } : null;
  }

  /** The member who logs in with an e-mail, given in lower case. */
  byEmail(email: string): Member | null {
    const place = this.#session.db.memberEmails.get(email);
    return place ? this.get(...place) : null;
  }

  /** @param hash SHA-256 of an invitation's secret. */
  byInvitation(hash: string): Member | null {
    const place = this.#session.db.invitations.get(hash);
    return place ? this.get(...place) : null;
  }

  /** Members of an account, oldest first. @param after the last member of the page before. */
  list(accountId: string, after: string | null, limit: number): Member[] {
    const range = this.#session.db.members.getRange({
      start: [accountId, after ?? ''],
      end: [accountId, '\uffff'],
      limit: limit + 1,
    });
    const members = Array.from(range, ({ key, value }) => ({ accountId, memberId: key[1], ...value }));
    return members.filter(({ memberId }) => memberId !== after).slice(0, limit);
  }

  /** Every member of every account. */
  all(): Member[] {
    const range = this.#session.db.members.getRange();
    return Array.from(range, ({ key: [accountId, memberId], value }) => ({ accountId, memberId, ...value }));
  }

  /** Whether anybody can log in as an owner, of any account. */
  hasOwner(): boolean {
    for (const { value } of this.#session.db.members.getRange()) {
      if (value.role === 'owner' && value.passwordHash !== null) return true;
    }
    return false;
  }

  /**
   * Adds a member to an account. Resolves when it is on disk.
   * @param check runs inside the transaction before anything is written; what it throws changes nothing.
   * @throws VisageError `VALIDATION_FAILED` if the e-mail is taken, `ACCOUNT_NOT_FOUND`.
   */
  add(accountId: string, record: MemberRecord, check: () => void = () => {}): Promise<Member> {
    const { db, write } = this.#session;
    return write(() => {
      check();
      return addMember(db, accountId, record);
    });
  }

  /** Makes an account and its owner in one transaction. Resolves when both are on disk. */
  addWithAccount(accountName: string, owner: ActiveMemberRecord): Promise<Member> {
    const { db, write } = this.#session;
    return write(() => {
      // Ids sort by time, and the first account stays the appliance's own even where its clock was set back.
      const [first] = db.accounts.getRange({ limit: 1 });
      const time = Math.max(owner.createdAt, (first?.value.createdAt ?? 0) + 1);
      const accountId = newIdentifier('acc_', time);
      db.accounts.put(accountId, { name: accountName, createdAt: owner.createdAt });
      return addMember(db, accountId, owner);
    });
  }

  /**
   * Changes or removes a member by a decision that is made inside the transaction. A removal ends every session of
   * the member, a new password every session but `keepSession`.
   * @returns the member as it is after; null if it was removed.
   * @throws what `decide` throws; VisageError `NOT_FOUND`, `PERMISSION_DENIED` for the last owner,
   * `VALIDATION_FAILED` if the e-mail is taken.
   */
  change(
    accountId: string,
    memberId: string,
    decide: MemberDecision,
    keepSession: string | null = null,
  ): Promise<Member | null> {
    const { db, write } = this.#session;
    return write(() => {
      const before = db.members.get([accountId, memberId]);
      if (!before) throw new VisageError('NOT_FOUND', 'There is no member of this id.');
      const after = decide(before, memberId);
      if (isOwner(before) && !(after && isOwner(after)) && ownerCount(db, accountId) < 2) {
        throw new VisageError(
          'PERMISSION_DENIED',
          'The last owner of an account cannot be removed or demoted.',
        );
      }
      unlink(db, before);
      if (after?.passwordHash !== before.passwordHash) removeSessions(db, memberId, after && keepSession);
      if (after === null) {
        db.members.remove([accountId, memberId]);
        return null;
      }
      db.members.put([accountId, memberId], after);
      link(db, accountId, memberId, after);
      return { accountId, memberId, ...after };
    });
  }
}

function isOwner({ role, passwordHash }: MemberRecord): boolean {
  return role === 'owner' && passwordHash !== null;
}

function membersOf(db: Databases, accountId: string): MemberRecord[] {
  return Array.from(
    db.members.getRange({ start: [accountId], end: [accountId, '\uffff'] }),
    ({ value }) => value,
  );
}

function ownerCount(db: Databases, accountId: string): number {
  return membersOf(db, accountId).filter(isOwner).length;
}

function addMember(db: Databases, accountId: string, record: MemberRecord): Member {
  if (!db.accounts.doesExist(accountId)) {
    throw new VisageError('ACCOUNT_NOT_FOUND', 'There is no such account.');
  }
  if (membersOf(db, accountId).some(({ email }) => email === record.email)) throw emailTaken();
  const memberId = newIdentifier('mem_', record.createdAt);
  db.members.put([accountId, memberId], record);
  link(db, accountId, memberId, record);
  return { accountId, memberId, ...record };
}

/** Makes a member findable by what it has: its e-mail once it can log in, its invitation until then. */
function link(db: Databases, accountId: string, memberId: string, record: MemberRecord): void {
  if (record.passwordHash !== null) {
    if (db.memberEmails.doesExist(record.email)) throw emailTaken();
    db.memberEmails.put(record.email, [accountId, memberId]);
  }
  if (record.invitation !== null) db.invitations.put(record.invitation.hash, [accountId, memberId]);
}

function unlink(db: Databases, { email, passwordHash, invitation }: MemberRecord): void {
  if (passwordHash !== null) db.memberEmails.remove(email);
  if (invitation !== null) db.invitations.remove(invitation.hash);
}

function emailTaken(): VisageError {
  const message = 'cannot be used: a member has it';
  return new VisageError('VALIDATION_FAILED', `/email: ${message}.`, [{ path: '/email', message }]);
}
