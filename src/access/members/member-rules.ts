/** These run inside the change's transaction. */

import { type Role, reaches } from '../../api/roles.ts';
import { VisageError } from '../../errors.ts';
import type { MemberDecision } from '../../store/members.ts';
import type { Member, MemberRecord } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';

export interface ActingMember {
  readonly accountId: string;
  readonly memberId: string;
  readonly confirm?: (() => void) | undefined;
}

function denied(why: string): VisageError {
  return new VisageError('PERMISSION_DENIED', why);
}

function actorOf(store: Store, { accountId, memberId, confirm }: ActingMember): Member {
  confirm?.();
  const actor = store.members.get(accountId, memberId);
  if (!actor || !reaches(actor.role, 'admin')) throw denied('Only an admin or an owner may do this.');
  return actor;
}

function mayManage(actor: Member | null, roles: readonly Role[]): boolean {
  if (!actor || !reaches(actor.role, 'admin')) return false;
  return actor.role === 'owner' || !roles.includes('owner');
}

function checkOwners(actor: Member, roles: readonly Role[]): void {
  if (!mayManage(actor, roles)) throw denied('Only an owner may create, change or remove an owner.');
}

/** @throws `PERMISSION_DENIED`. */
export function checkInvite(
  store: Store,
  by: ActingMember,
  role: Role,
  pending: MemberRecord | null = null,
): void {
  checkOwners(actorOf(store, by), pending ? [pending.role, role] : [role]);
}

/** Removing or demoting an admin voids their invitations. */
export function isInvitationBacked(
  store: Store,
  accountId: string,
  { role, invitation }: MemberRecord,
): boolean {
  if (invitation?.by === undefined) return true;
  return mayManage(store.members.get(accountId, invitation.by), [role]);
}

export function roleChange(store: Store, by: ActingMember, role: Role): MemberDecision {
  return (target) => {
    // Owners alone make owners: no admin raises the own role.
    checkOwners(actorOf(store, by), [target.role, role]);
    const invitation = target.invitation && { ...target.invitation, by: by.memberId };
    return { ...target, role, invitation };
  };
}

export function removal(store: Store, by: ActingMember): MemberDecision {
  return (target, memberId) => {
    if (memberId === by.memberId) by.confirm?.();
    else checkOwners(actorOf(store, by), [target.role]);
    return null;
  };
}
