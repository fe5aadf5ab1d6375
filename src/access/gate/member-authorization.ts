import type { Caller, CallingMember } from '../../api/caller.ts';
import { type Role, reaches } from '../../api/roles.ts';
import type { CallerAccess, Route } from '../../api/route.ts';
import { VisageError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';

export function checkMember({ member }: Caller): CallingMember {
  if (!member) throw new Error('A caller is a key or a member');
  return member;
}

/** @throws `AUTHENTICATION_REQUIRED` if the route needs an API key; `PERMISSION_DENIED`. */
export function checkMemberRoute(
  { accounts }: Pick<Store, 'accounts'>,
  access: CallerAccess,
  { accountId, role }: { readonly accountId: string; readonly role: Role },
): void {
  if (access.by === 'key') {
    throw new VisageError(
      'AUTHENTICATION_REQUIRED',
      'This endpoint needs an API key; tokens and sessions are not accepted.',
    );
  }
  if (access.by !== 'caller' && !reaches(role, access.role)) {
    throw new VisageError(
      'PERMISSION_DENIED',
      `This endpoint needs the role ${access.role}; your role is ${role}.`,
    );
  }
  if (access.by === 'member' && access.appliance && accountId !== accounts.first().accountId) {
    throw new VisageError(
      'PERMISSION_DENIED',
      'This endpoint concerns the appliance; only admins of its first account may use it.',
    );
  }
}

/** @throws `CONFIRMATION_REQUIRED`. */
export function checkConfirmation(
  { confirmed }: Pick<Route, 'confirmed'>,
  { confirmedUntil }: Pick<CallingMember, 'confirmedUntil'>,
  now: number,
): void {
  if (!confirmed || confirmedUntil === null || now < confirmedUntil) return;
  throw new VisageError(
    'CONFIRMATION_REQUIRED',
    'Confirm the password with POST /v1/auth/confirm, then send the request again.',
  );
}

/** @throws `TOKEN_INVALID`. */
export function confirmMember(store: Store, { access }: Route, caller: Caller): void {
  const { id, sessionId } = checkMember(caller);
  const member = store.members.get(caller.accountId, id);
  if (!member || !store.sessions.get(id, sessionId)) {
    throw new VisageError('TOKEN_INVALID', 'The session has ended; log in again.');
  }
  if (access.by !== 'anyone') checkMemberRoute(store, access, member);
}
