import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ApplianceFacts, attentionOf } from '../../src/appliance/attention.ts';

const DAY = 86_400_000;
const GIB = 1024 ** 3;
const NOW = Date.UTC(2026, 0, 15);
const SOUND: ApplianceFacts = {
  now: NOW,
  certificate: { expiresAt: NOW + 300 * DAY, isSelfSigned: false },
  isExposedWithoutTls: false,
  lastBackup: NOW - DAY,
  backupFailure: null,
  backupDir: '/backups',
  disk: { freeBytes: 50 * GIB, totalBytes: 100 * GIB },
  memory: { rssBytes: GIB, limitBytes: null, systemFreeBytes: 4 * GIB },
  eventsDays: 1,
  isRegistrationOpen: false,
  settingsThatNeedRestart: [],
  errorsOfLastHour: 0,
};

function found(facts: Partial<ApplianceFacts>): string[] {
  return attentionOf({ ...SOUND, ...facts }).map(({ code, severity, text, action }) => {
    assert.match(text, /^[A-Z].*\.$/);
    assert.match(action, /^[A-Z].*\.$/);
    return `${code} ${severity}: ${text}`;
  });
}

describe('What needs attention', () => {
  test('is nothing on a sound appliance', () => {
    assert.deepEqual(found({}), []);
  });

  test('is a certificate that ends soon or has ended', () => {
    const at = (days: number) => found({ certificate: { expiresAt: NOW + days * DAY, isSelfSigned: true } });
    assert.deepEqual(at(22), []);
    assert.deepEqual(at(12), ['CERTIFICATE_EXPIRES warning: The TLS certificate expires in 12 days.']);
    assert.deepEqual(at(1), ['CERTIFICATE_EXPIRES warning: The TLS certificate expires in 1 day.']);
    assert.deepEqual(at(0.5), ['CERTIFICATE_EXPIRES warning: The TLS certificate expires today.']);
    assert.deepEqual(at(-1), [
      'CERTIFICATE_EXPIRED error: The TLS certificate has expired: clients refuse it.',
    ]);
  });

  test('is missing TLS, more so where other machines can connect', () => {
    assert.match(String(found({ certificate: null })), /^TLS_OFF info/);
    assert.match(String(found({ certificate: null, isExposedWithoutTls: true })), /^TLS_OFF warning/);
    assert.match(String(found({ isExposedWithoutTls: true })), /^TLS_OFF warning/);
  });

  test('is a backup that is missing, old or failed', () => {
    assert.deepEqual(found({ lastBackup: null }), ['BACKUP_MISSING warning: There is no backup.']);
    assert.deepEqual(found({ lastBackup: NOW - 9.5 * DAY }), [
      'BACKUP_OLD warning: There is no backup of the last 9 days.',
    ]);
    assert.match(String(found({ backupFailure: 'No space.' })), /^BACKUP_FAILED error: .*No space\.$/);
  });

  test('is a disk that is nearly full, by what is left of it', () => {
    const disk = (freeBytes: number, totalBytes = 100 * GIB) => found({ disk: { freeBytes, totalBytes } });
    assert.deepEqual(disk(8 * GIB), ['DISK_FULL warning: The disk is 92 % full; 8192 MiB are free.']);
    assert.match(String(disk(4 * GIB)), /^DISK_FULL error/);
    assert.deepEqual(disk(40 * GIB, 1000 * GIB), []);
    assert.match(String(disk(GIB / 16, GIB / 8)), /^DISK_FULL error/);
    assert.deepEqual(found({ disk: null }), []);
  });

  test('is memory that runs out, for the machine or by the limit', () => {
    const memory = { rssBytes: 0.95 * GIB, limitBytes: GIB, systemFreeBytes: GIB };
    assert.match(String(found({ memory })), /^MEMORY_LOW warning: The service uses 972 MiB of the 1024 MiB/);
    assert.match(
      String(found({ memory: { ...memory, limitBytes: null, systemFreeBytes: 1 } })),
      /Only 0 MiB/,
    );
    assert.deepEqual(found({ memory: { ...memory, limitBytes: null } }), []);
  });

  test('is what the settings leave off or open, and failed requests; the worst comes first', () => {
    assert.deepEqual(
      found({
        eventsDays: 0,
        isRegistrationOpen: true,
        settingsThatNeedRestart: ['threads'],
        errorsOfLastHour: 1,
        backupFailure: 'No.',
      }).map((each) => each.split(':')[0]),
      [
        'BACKUP_FAILED error',
        'RESTART_NEEDED warning',
        'REQUESTS_FAILED warning',
        'EVENTS_OFF info',
        'REGISTRATION_OPEN info',
      ],
    );
  });
});
