import { useInfiniteQuery } from '@tanstack/react-query';
import { api, call } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import type { components } from '../../api/schema.d.ts';
import type { Me, Role } from '../../api/session.ts';

export type Member = components['schemas']['Member'];
export type Invitation = components['schemas']['InviteMemberResult'];
interface MemberPage {
  readonly members: readonly Member[];
  readonly nextCursor: string | null;
}

const PAGE = 200;

export function useMembers() {
  return useInfiniteQuery({
    queryKey: ['members', 'list'],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }): Promise<MemberPage> =>
      call(
        api.GET('/v1/auth/members', {
          params: { query: { limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
          signal,
        }),
      ),
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
}

function refresh(): void {
  void queryClient.invalidateQueries({ queryKey: ['members'] });
}

export async function invite(email: string, role: Role): Promise<Invitation> {
  const invitation = await call(api.POST('/v1/auth/members/invite', { body: { email, role } }));
  refresh();
  return invitation;
}

export async function changeRole(id: string, role: Role): Promise<void> {
  await call(api.PATCH('/v1/auth/members/{id}', { params: { path: { id } }, body: { role } }));
  refresh();
}

export async function remove(id: string): Promise<void> {
  await call(api.DELETE('/v1/auth/members/{id}', { params: { path: { id } } }));
  refresh();
}

/** Browsers send no fragment, so no log of a proxy has the token. */
export function linkOf({ invitation }: Invitation): string {
  return `${location.origin}/join#${invitation}`;
}

export function rolesFor(me: Me): readonly Role[] {
  return me.role === 'owner' ? ['member', 'admin', 'owner'] : ['member', 'admin'];
}

export function canChange(me: Me, member: Member): boolean {
  return member.id !== me.user_id && rolesFor(me).includes(member.role);
}
