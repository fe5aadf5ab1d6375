import { useInfiniteQuery } from '@tanstack/react-query';
import { api, call } from '../../api/client.ts';
import type { components } from '../../api/schema.d.ts';
import { useKeys, useMemberNames } from '../api-keys/keys-data.ts';

export type Entry = components['schemas']['AuditEntry'];
interface AuditPage {
  readonly entries: readonly Entry[];
  readonly nextCursor: string | null;
}

const PAGE = 100;

export const ACTS = [
  'api-key.create',
  'api-key.change',
  'api-key.regenerate',
  'api-key.revoke',
  'collection.create',
  'collection.update',
  'collection.reset',
  'collection.delete',
  'collection.examine',
  'proposal.apply',
  'proposal.undo',
  'finding.dismiss',
  'finding.restore',
  'face.delete',
  'migration.start',
  'migration.pause',
  'migration.resume',
  'migration.switch',
  'migration.rollback',
  'migration.finish',
  'migration.sighting',
  'migration.confirm',
  'migration.remove-sighting',
  'external-key.rename',
  'events.recording',
  'member.login',
  'member.logout',
  'member.register',
  'member.invite',
  'member.role',
  'member.remove',
  'member.password',
  'member.confirm',
  'session.reuse',
  'tokens.rotate',
  'billing.top-up',
  'backup.start',
  'store.compact',
  'store.restore',
  'setting.widen',
] as const;

export interface Filters {
  readonly action: string;
  readonly actor: string;
  readonly target: string;
  readonly since: string;
}

export function useAudit(filters: Filters) {
  return useInfiniteQuery({
    queryKey: ['audit', filters],
    initialPageParam: null as string | null,
    queryFn({ pageParam, signal }): Promise<AuditPage> {
      const given = Object.entries(filters).filter(([, value]) => value !== '');
      const query = {
        ...Object.fromEntries(given),
        limit: PAGE,
        ...(pageParam === null ? {} : { cursor: pageParam }),
      };
      return call(api.GET('/v1/audit', { params: { query }, signal }));
    },
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
}

export function useActorNames(): ReadonlyMap<string, string> {
  const members = useMemberNames();
  const { data } = useKeys();
  const keys = data?.keys.map(({ id, name }): [string, string] => [id, name]) ?? [];
  return new Map([...members, ...keys]);
}
