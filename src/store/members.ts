import { VisageError } from '../errors.ts';
import type { Databases, MemberKey, StoreContext } from './databases.ts';
import { RecordCache } from './record-cache.ts';
import {
  type Account,
  type ActiveMemberRecord,
  type InvitationRecord,
  type Member,
  type MemberRecord,
  newIdentifier,
} from './records.ts';
import { removeSessions } from './sessions.ts';

/** Null removes the member. */
export type MemberDecision = (record: MemberRecord, memberId: string) => MemberRecord | null;

export type InvitedMemberRecord = MemberRecord & {
  readonly passwordHash: null;
  readonly invitation: InvitationRecord;
};

export interface EmailChoice {
  readonly accountId?: string | null;
  readonly first?: string | undefined;
  readonly most?: number;
}

/** E-mails are unique within an account, which keeps an owner. */
export class Members {
  readonly #context: StoreContext;
  readonly #records: RecordCache<MemberRecord, MemberKey>;
  #changes = 0;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#records = new RecordCache(context, context.db.members);
  }

  get(accountId: string, memberId: string): Member | null {
    const record = this.#records.get([accountId, memberId]);
    return record ? { accountId, memberId, ...record } : null;
  }

  isActive(accountId: string, memberId: string): boolean {
    return typeof this.get(accountId, memberId)?.passwordHash === 'string';
  }

  /** Increases before a change settles; caches compare it. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Active members, one per account.
   * @param choice has a limit: strangers can create thousands with one e-mail.
   */
  byEmail(email: string, { accountId = null, first, most }: EmailChoice = {}): Member[] {
    const places = placesOf(this.#context.db, email).filter(
      ([account]) => accountId === null || account === accountId,
    );
    const preferred = places.filter(([, memberId]) => memberId === first);
    const others = places.filter(([, memberId]) => memberId !== first);
    return [...preferred, ...others].slice(0, most).flatMap((place) => this.get(...place) ?? []);
  }

  byInvitation(hash: string): Member | null {
    const place = this.#context.db.invitations.get(hash);
    return place ? this.get(...place) : null;
  }

  list(accountId: string, after: string | null, limit: number): Member[] {
    const range = this.#context.db.members.getRange({
      start: [accountId, after ?? ''],
      end: [accountId, '\uffff'],
      limit: limit + 1,
    });
    const members = Array.from(range, ({ key, value }) => ({ accountId, memberId: key[1], ...value }));
    return members.filter(({ memberId }) => memberId !== after).slice(0, limit);
  }

  *all(): Generator<Member> {
    for (const { key, value } of this.#context.db.members.getRange()) {
      yield { accountId: key[0], memberId: key[1], ...value };
    }
  }

  hasOwner(): boolean {
    for (const { value } of this.#context.db.members.getRange()) {
      if (value.role === 'owner' && value.passwordHash !== null) return true;
    }
    return false;
  }

  /** @throws `VALIDATION_FAILED` if the account has the e-mail; `ACCOUNT_NOT_FOUND`. */
  add(accountId: string, record: MemberRecord, check: () => void = () => {}): Promise<Member> {
    const { db, write } = this.#context;
    return write(() => {
      check();
      return addMember(db, accountId, record);
    });
  }

  /**
   * Replaces a pending invitation.
   * @throws `VALIDATION_FAILED` if an active member has the e-mail; `ACCOUNT_NOT_FOUND`.
   */
  invite(
    accountId: string,
    record: InvitedMemberRecord,
    check: (pending: MemberRecord | null) => void,
  ): Promise<Member> {
    const { db, write } = this.#context;
    return write(() => {
      const pending = membersOf(db, accountId).find(
        ({ value }) => value.email === record.email && value.passwordHash === null,
      );
      check(pending?.value ?? null);
      if (!pending) return addMember(db, accountId, record);
      const [, memberId] = pending.key;
      const renewed = { ...record, createdAt: pending.value.createdAt };
      unlink(db, accountId, pending.value);
      db.members.put(pending.key, renewed);
      link(db, accountId, memberId, renewed);
      return { accountId, memberId, ...renewed };
    });
  }

  addWithAccount(accountName: string, owner: ActiveMemberRecord): Promise<Member> {
    const { db, write } = this.#context;
    return write(() => {
      // Keeps ids sorted even if the clock is set back.
      const [first] = db.accounts.getRange({ limit: 1 });
      const time = Math.max(owner.createdAt, (first?.value.createdAt ?? 0) + 1);
      const accountId = newIdentifier('acc_', time);
      db.accounts.put(accountId, { name: accountName, createdAt: owner.createdAt });
      return addMember(db, accountId, owner);
    });
  }

  /**
   * Removal ends the member's sessions; a new password ends all but `keepSession`.
   * @returns null if removed.
   * @throws `NOT_FOUND`; `PERMISSION_DENIED` for the last owner.
   */
  change(
    accountId: string,
    memberId: string,
    decide: MemberDecision,
    keepSession: string | null = null,
  ): Promise<Member | null> {
    const { db, write } = this.#context;
    const changed = write(() => {
      const before = db.members.get([accountId, memberId]);
      if (!before) throw new VisageError('NOT_FOUND', 'There is no member of this id.');
      const after = decide(before, memberId);
      if (isOwner(before) && !(after && isOwner(after)) && ownerCount(db, accountId) < 2) {
        throw new VisageError(
          'PERMISSION_DENIED',
          'The last owner of an account cannot be removed or demoted. Give another member the role owner first.',
        );
      }
      unlink(db, accountId, before);
      if (after?.passwordHash !== before.passwordHash) removeSessions(db, memberId, after && keepSession);
      if (after === null) {
        db.members.remove([accountId, memberId]);
        return null;
      }
      db.members.put([accountId, memberId], after);
      link(db, accountId, memberId, after);
      return { accountId, memberId, ...after };
    });
    return changed.finally(() => this.#changes++);
  }
}

/** Per account: a transaction reads them all. */
const MAX_MEMBERS = 1_000;

function isOwner({ role, passwordHash }: MemberRecord): boolean {
  return role === 'owner' && passwordHash !== null;
}

function membersOf(db: Databases, accountId: string) {
  return Array.from(db.members.getRange({ start: [accountId], end: [accountId, '\uffff'] }));
}

function ownerCount(db: Databases, accountId: string): number {
  return membersOf(db, accountId).filter(({ value }) => isOwner(value)).length;
}

function addMember(db: Databases, accountId: string, record: MemberRecord): Member {
  if (!db.accounts.doesExist(accountId)) {
    throw new VisageError('ACCOUNT_NOT_FOUND', 'There is no such account.');
  }
  const members = membersOf(db, accountId);
  if (members.some(({ value }) => value.email === record.email)) throw emailTaken();
  if (members.length >= MAX_MEMBERS) {
    throw new VisageError(
      'VALIDATION_FAILED',
      `An account has at most ${MAX_MEMBERS} members, pending invitations included. Remove one first.`,
    );
  }
  const memberId = newIdentifier('mem_', record.createdAt);
  db.members.put([accountId, memberId], record);
  link(db, accountId, memberId, record);
  return { accountId, memberId, ...record };
}

export function placesOf(db: Pick<Databases, 'memberEmails'>, email: string): readonly MemberKey[] {
  const value = db.memberEmails.get(email) ?? [];
  return isPlace(value) ? [value] : value;
}

function isPlace(value: MemberKey | readonly MemberKey[]): value is MemberKey {
  return typeof value[0] === 'string';
}

function putPlaces(db: Databases, email: string, places: readonly MemberKey[]): void {
  const [only, ...others] = places;
  if (only === undefined) db.memberEmails.remove(email);
  else db.memberEmails.put(email, others.length === 0 ? only : places);
}

function link(db: Databases, accountId: string, memberId: string, record: MemberRecord): void {
  if (record.passwordHash !== null) {
    const places: MemberKey[] = [...placesOf(db, record.email), [accountId, memberId]];
    putPlaces(
      db,
      record.email,
      places.sort(([first], [second]) => (first < second ? -1 : 1)),
    );
  }
  if (record.invitation !== null) db.invitations.put(record.invitation.hash, [accountId, memberId]);
}

function unlink(db: Databases, accountId: string, { email, passwordHash, invitation }: MemberRecord): void {
  if (passwordHash !== null) {
    const others = placesOf(db, email).filter(([account]) => account !== accountId);
    putPlaces(db, email, others);
  }
  if (invitation !== null) db.invitations.remove(invitation.hash);
}

function emailTaken(): VisageError {
  const message = 'already belongs to a member or a pending invitation of this account';
  return new VisageError('VALIDATION_FAILED', `/email: ${message}.`, [{ path: '/email', message }]);
}

export class Accounts {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  get(accountId: string): Account | null {
    const record = this.#context.db.accounts.get(accountId);
    return record ? { accountId, ...record } : null;
  }

  hasSeveral(): boolean {
    return Array.from(this.#context.db.accounts.getKeys({ limit: 2 })).length > 1;
  }

  first(): Account {
    for (const { key, value } of this.#context.db.accounts.getRange({ limit: 1 })) {
      return { accountId: key, ...value };
    }
    throw new Error('The store holds no account');
  }
}
