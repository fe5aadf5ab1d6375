import { useQuery } from '@tanstack/react-query';
import { api, BACKGROUND, call } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import type { components } from '../../api/schema.d.ts';

export type Setting = components['schemas']['Setting'];
export type BackupState = components['schemas']['BackupState'];

const SYSTEM = ['system'];
const BACKUP = ['system', 'backup'];
const BACKUP_EVERY = 1000;

export function useSettings() {
  return useQuery({
    queryKey: ['system', 'settings'],
    queryFn: async ({ signal }) => (await call(api.GET('/v1/settings', { signal }))).settings,
  });
}

export function useBackup() {
  return useQuery({
    queryKey: BACKUP,
    async queryFn({ signal }) {
      const before = queryClient.getQueryData<BackupState>(BACKUP);
      const state = await call(api.GET('/v1/system/backup', { headers: BACKGROUND, signal }));
      if (before?.state === 'running' && state.state !== 'running') {
        void queryClient.invalidateQueries({ queryKey: SYSTEM, exact: true });
      }
      return state;
    },
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? BACKUP_EVERY : false),
  });
}

export async function startBackup(): Promise<void> {
  queryClient.setQueryData(BACKUP, await call(api.POST('/v1/system/backup')));
}

export async function downloadDiagnosis(): Promise<void> {
  const content = await call(api.GET('/v1/system/diagnosis', { parseAs: 'blob' }));
  const url = URL.createObjectURL(content as Blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = `visage-diagnosis-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
  URL.revokeObjectURL(url);
}

export function shownValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function isChanged({ source }: Setting): boolean {
  return source !== 'default';
}
