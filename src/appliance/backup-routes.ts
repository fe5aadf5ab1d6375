import { type Route, route } from '../api/route.ts';
import { object, titled } from '../api/schema.ts';
import { APPLIANCE_ADMIN, APPLIANCE_TAGS } from './access.ts';
import type { BackupJob, BackupState } from './backup-job.ts';
import { TIME } from './system-routes.ts';

export interface BackupParts {
  readonly backup: BackupJob;
}

const STATE = titled(
  'BackupState',
  object({
    state: { type: 'string', enum: ['none', 'running', 'succeeded', 'failed'] },
    startedAt: { ...TIME, type: ['string', 'null'] },
    endedAt: { ...TIME, type: ['string', 'null'] },
    bytes: { type: ['integer', 'null'], minimum: 0, description: 'Size of the backup.' },
    detail: { type: ['string', 'null'], description: 'Why the backup failed; null otherwise.' },
  }),
);

const COMMON = { path: '/v1/system/backup', tags: APPLIANCE_TAGS, access: APPLIANCE_ADMIN } as const;

function visible({ startedAt, endedAt, ...rest }: BackupState) {
  const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());
  return { ...rest, startedAt: iso(startedAt), endedAt: iso(endedAt) };
}

export function backupRoutes(parts: () => BackupParts): Route[] {
  return [
    route({
      ...COMMON,
      method: 'POST',
      operationId: 'startBackup',
      summary: 'Start a backup on the machine',
      description:
        'Writes a backup into the folder of the setting `backup_dir`, and removes the oldest ones beyond `backup_keep`. ' +
        'Backups never leave over HTTP: copy them from that folder. While a backup runs, starts no other one. For admins ' +
        'of the first account.',
      responses: { 202: { description: 'The backup runs.', schema: STATE } },
      audit: { action: 'backup.start' },
      errors: ['VALIDATION_FAILED'],
      handler: () => ({ status: 202, body: visible(parts().backup.start()) }),
    }),
    route({
      ...COMMON,
      method: 'GET',
      operationId: 'getBackup',
      summary: 'Get the state of the last started backup',
      description:
        'Of the backup that an admin started over the API since the start of the service. For admins of the first account.',
      responses: { 200: { description: 'The state.', schema: STATE } },
      errors: [],
      handler: () => ({ status: 200, body: visible(parts().backup.state) }),
    }),
  ];
}
