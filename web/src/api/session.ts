import { useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import { forgetUploads } from '../uploads/pending.ts';
import { api, BACKGROUND, call, csrfToken } from './client.ts';
import { ApiError } from './problem.ts';
import { queryClient } from './query-client.ts';
import type { components } from './schema.d.ts';

export type Me = components['schemas']['GetMeResult']['data'];
export type Role = Me['role'];

export type SessionState =
  | { readonly kind: 'member'; readonly me: Me }
  | { readonly kind: 'anonymous'; readonly needsOwner: boolean };

const CHECK_EVERY = 20_000;

export const SESSION_KEY = ['session'];

async function currentState(): Promise<SessionState> {
  // Without this cookie there is no session, so the call would only fail.
  if (csrfToken() !== null) {
    try {
      const { data } = await call(api.GET('/v1/auth/me', { headers: BACKGROUND }));
      return { kind: 'member', me: data };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
    }
  }
  const { needsOwner } = await call(api.GET('/v1/setup'));
  return { kind: 'anonymous', needsOwner };
}

function forgetData(): void {
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
}

export function prefetchSession(): Promise<void> {
  return queryClient.prefetchQuery({ queryKey: SESSION_KEY, queryFn: currentState });
}

export function useSessionState() {
  return useQuery({
    queryKey: SESSION_KEY,
    queryFn: currentState,
    staleTime: CHECK_EVERY,
    refetchInterval: CHECK_EVERY,
  });
}

export function useMe(): Me {
  const { data } = useSessionState();
  const last = useRef<Me | null>(null);
  if (data?.kind === 'member') last.current = data.me;
  if (last.current === null) throw new Error('A screen shows without a session');
  return last.current;
}

const RANKS: Readonly<Record<Role, number>> = { member: 0, admin: 1, owner: 2 };

export interface Access {
  readonly role?: Role;
  readonly isBox?: boolean;
}

export function allows(me: Me, { role = 'member', isBox = false }: Access): boolean {
  return RANKS[me.role] >= RANKS[role] && (!isBox || me.account.is_first);
}

export async function logIn(email: string, password: string): Promise<void> {
  await call(api.POST('/auth/login', { body: { email, password, session: 'cookie' } }));
  forgetData();
  await queryClient.fetchQuery({ queryKey: SESSION_KEY, queryFn: currentState, staleTime: 0 });
}

export async function logOut(): Promise<void> {
  await call(api.POST('/auth/logout')).catch(() => {});
  forgetUploads();
  endSession();
}

export function endSession(): void {
  forgetData();
  const state: SessionState = { kind: 'anonymous', needsOwner: false };
  queryClient.setQueryData(SESSION_KEY, state);
}
