/** What members may do to each other. Every rule is applied inside the transaction that makes the change. */
import { VisageError } from '../errors.ts';
import type { Member, MemberDecision, MemberRole } from '../store/members.ts';
import type { Store } from '../store/store.ts';
import { type Role, reaches } from './roles.ts';

/** Who asks. */
export interface ActingMember {
  readonly accountId: string;
  readonly memberId: string;
  /** Throws inside the transaction if the call's log-in has ended meanwhile. */
  readonly confirm?: (() => void) | undefined;
}

function denied(why: string): VisageError {
  return new VisageError('PERMISSION_DENIED', why);
}

/** The one who asks, as they are now. @throws VisageError `PERMISSION_DENIED` if they are no admin any more. */
function actorOf(store: Store, { accountId, memberId, confirm }: ActingMember): Member {
  confirm?.();
  const actor = store.members.get(accountId, memberId);
  if (!actor || !reaches(actor.role, 'admin')) throw denied('Only an admin or an owner may do this.');
  return actor;
}

/** Owners are made, changed and removed by owners only. */
function checkOwners(actor: Member, roles: readonly Role[]): void {
  if (actor.role !== 'owner' && roles.includes('owner')) {
    throw denied('Only an owner may make, change or remove an owner.');
  }
}

/** @throws VisageError `PERMISSION_DENIED` if `by` may not invite somebody for this role. */
export function checkInvite(store: Store, by: ActingMember, role: MemberRole): void {
  checkOwners(actorOf(store, by), [role]);
}

/** Gives a member another role. Nobody raises themselves. */
export function roleChange(store: Store, by: ActingMember, role: MemberRole): MemberDecision {
  return (target, memberId) => {
    const actor = actorOf(store, by);
    checkOwners(actor, [target.role, role]);
    const isRaise = !reaches(target.role, role);
    if (memberId === by.memberId && isRaise) throw denied('Nobody may raise their own role.');
    return { ...target, role };
  };
}

/** Removes a member. Everybody may leave; only admins and owners remove others. */
export function removal(store: Store, by: ActingMember): MemberDecision {
  return (target, memberId) => {
    if (memberId === by.memberId) by.confirm?.();
    else checkOwners(actorOf(store, by), [target.role]);
    return null;
  };
}
