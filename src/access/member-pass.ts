/** What a member may call, and whether that still holds. */
import { VisageError } from '../errors.ts';
import type { CallerAccess, Route } from '../http/route.ts';
import type { Store } from '../store/store.ts';
import type { Caller, CallingMember } from './caller.ts';
import { reaches } from './roles.ts';

/** The member behind a caller that has no key. */
export function checkMember({ member }: Caller): CallingMember {
  if (!member) throw new Error('A caller is a key or a member');
  return member;
}

/** @throws VisageError `AUTHENTICATION_REQUIRED` where only a key will do, `PERMISSION_DENIED` for a lesser role. */
export function checkMemberRoute(access: CallerAccess, { role }: Pick<CallingMember, 'role'>): void {
  if (access.by === 'key') {
    throw new VisageError('AUTHENTICATION_REQUIRED', 'This call takes an API key itself and nothing else.');
  }
  if (access.by !== 'caller' && !reaches(role, access.role)) {
    throw new VisageError('PERMISSION_DENIED', `This call needs the role ${access.role}.`);
  }
}

/** Inside a transaction: whether the member and the log-in are still there. @throws VisageError `TOKEN_INVALID`. */
export function confirmMember(store: Store, { access }: Route, caller: Caller): void {
  const { id, sessionId } = checkMember(caller);
  const member = store.members.get(caller.accountId, id);
  if (!member || !store.sessions.get(id, sessionId)) {
    throw new VisageError('TOKEN_INVALID', 'The session has ended; log in again.');
  }
  if (access.by !== 'anyone') checkMemberRoute(access, member);
}
