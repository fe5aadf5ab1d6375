export interface Attention {
  readonly code: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly text: string;
  readonly action: string;
}

export interface ApplianceFacts {
  readonly now: number;
  readonly certificate: { readonly expiresAt: number; readonly isSelfSigned: boolean } | null;
  readonly isExposedWithoutTls: boolean;
  readonly lastBackup: number | null;
  readonly backupFailure: string | null;
  readonly backupDir: string | null;
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | null;
  readonly memory: {
    readonly rssBytes: number;
    readonly limitBytes: number | null;
    readonly systemFreeBytes: number;
  };
  readonly eventsDays: number;
  readonly isRegistrationOpen: boolean;
  readonly settingsThatNeedRestart: readonly string[];
  readonly errorsOfLastHour: number;
}

const DAY_MS = 86_400_000;
const EXPIRY_NOTICE_DAYS = 21;
const OLD_BACKUP_DAYS = 2;
const MIB = 1024 ** 2;
const FULL_DISK = 0.85;
const VERY_FULL_DISK = 0.95;
/** Suffices even on a small disk. */
const ENOUGH_DISK_BYTES = 20 * 1024 * MIB;
const LITTLE_DISK_BYTES = 128 * MIB;
const LITTLE_MEMORY_BYTES = 256 * MIB;
const FULL_MEMORY = 0.9;

function days(count: number): string {
  return count === 1 ? '1 day' : `${count} days`;
}

function certificate({ now, certificate }: ApplianceFacts): Attention[] {
  if (certificate === null) return [];
  const left = Math.floor((certificate.expiresAt - now) / DAY_MS);
  const action = certificate.isSelfSigned
    ? 'Restart the service after the certificate expires: it then makes a new one, which clients must accept again.'
    : 'Replace the certificate, then run `visagectl reload`.';
  if (left < 0) {
    const text = 'The TLS certificate has expired: clients refuse it.';
    return [{ code: 'CERTIFICATE_EXPIRED', severity: 'error', text, action }];
  }
  if (left > EXPIRY_NOTICE_DAYS) return [];
  const text = `The TLS certificate expires ${left === 0 ? 'today' : `in ${days(left)}`}.`;
  return [{ code: 'CERTIFICATE_EXPIRES', severity: 'warning', text, action }];
}

function tls({ certificate, isExposedWithoutTls }: ApplianceFacts): Attention[] {
  if (isExposedWithoutTls) {
    return [
      {
        code: 'TLS_OFF',
        severity: 'warning',
        text: 'Other machines can connect without TLS, so passwords, keys and images cross the network unencrypted.',
        action: 'Set `tls_listen`, and `tls_redirect = true`, or keep `listen` on 127.0.0.1.',
      },
    ];
  }
  if (certificate !== null) return [];
  return [
    {
      code: 'TLS_OFF',
      severity: 'info',
      text: 'TLS is off; only this machine can connect.',
      action: 'Set `tls_listen`, such as "0.0.0.0:8443", so that other machines can connect.',
    },
  ];
}

function backup({ now, lastBackup, backupFailure, backupDir }: ApplianceFacts): Attention[] {
  const action =
    backupDir === null
      ? 'Set `backup_dir` and start a backup here, or run `visagectl backup --to DIR --keep 7` daily.'
      : 'Start a backup here, or back up daily: `systemctl enable --now visage-backup.timer`.';
  const found: Attention[] = [];
  if (backupFailure !== null) {
    const text = `The last backup failed: ${backupFailure}`;
    found.push({
      code: 'BACKUP_FAILED',
      severity: 'error',
      text,
      action: 'Remove the cause, then start it again.',
    });
  }
  const old = lastBackup === null ? null : Math.floor((now - lastBackup) / DAY_MS);
  if (old === null) {
    found.push({ code: 'BACKUP_MISSING', severity: 'warning', text: 'There is no backup.', action });
  } else if (old >= OLD_BACKUP_DAYS) {
    const text = `There is no backup of the last ${days(old)}.`;
    found.push({ code: 'BACKUP_OLD', severity: 'warning', text, action });
  }
  return found;
}

function disk({ disk }: ApplianceFacts): Attention[] {
  if (disk === null || disk.totalBytes === 0) return [];
  const { freeBytes, totalBytes } = disk;
  const used = 1 - freeBytes / totalBytes;
  const isVeryFull =
    freeBytes < LITTLE_DISK_BYTES || (used >= VERY_FULL_DISK && freeBytes < ENOUGH_DISK_BYTES);
  if (!isVeryFull && (used < FULL_DISK || freeBytes >= ENOUGH_DISK_BYTES)) return [];
  return [
    {
      code: 'DISK_FULL',
      severity: isVeryFull ? 'error' : 'warning',
      text: `The disk is ${Math.floor(used * 100)} % full; ${Math.floor(freeBytes / MIB)} MiB are free.`,
      action: 'Free space, or move `data_dir` to a larger disk: a full disk refuses writes.',
    },
  ];
}

function memory({ memory: { rssBytes, limitBytes, systemFreeBytes } }: ApplianceFacts): Attention[] {
  const isNearLimit = limitBytes !== null && rssBytes > limitBytes * FULL_MEMORY;
  if (!isNearLimit && systemFreeBytes >= LITTLE_MEMORY_BYTES) return [];
  return [
    {
      code: 'MEMORY_LOW',
      severity: 'warning',
      text: isNearLimit
        ? `The service uses ${Math.floor(rssBytes / MIB)} MiB of the ${Math.floor(limitBytes / MIB)} MiB that it may use.`
        : `Only ${Math.floor(systemFreeBytes / MIB)} MiB of memory are available.`,
      action: 'Stop other programs or add memory: the index keeps all faces in memory.',
    },
  ];
}

function settings(facts: ApplianceFacts): Attention[] {
  const found: Attention[] = [];
  if (facts.settingsThatNeedRestart.length > 0) {
    found.push({
      code: 'RESTART_NEEDED',
      severity: 'warning',
      text: `Changed settings wait for a restart: ${facts.settingsThatNeedRestart.join(', ')}.`,
      action: 'Restart the service, for example with `systemctl restart visage`.',
    });
  }
  if (facts.eventsDays === 0) {
    found.push({
      code: 'EVENTS_OFF',
      severity: 'info',
      text: 'Event recording is off, so the live view stays empty.',
      action: 'Set `events_days` to the days that events are to be kept.',
    });
  }
  if (facts.isRegistrationOpen) {
    found.push({
      code: 'REGISTRATION_OPEN',
      severity: 'info',
      text: 'Anyone who can connect can create an account.',
      action: 'Set `registration = "closed"`, so that admins invite.',
    });
  }
  return found;
}

function errors({ errorsOfLastHour: count }: ApplianceFacts): Attention[] {
  if (count === 0) return [];
  return [
    {
      code: 'REQUESTS_FAILED',
      severity: 'warning',
      text: `In the last hour ${count} ${count === 1 ? 'request' : 'requests'} failed or found the appliance too busy.`,
      action: 'Read the log, for example with `journalctl -u visage -p warning`.',
    },
  ];
}

const ORDER = ['error', 'warning', 'info'] as const;

/** Most severe first. */
export function attentionOf(facts: ApplianceFacts): Attention[] {
  const found = [certificate, tls, backup, disk, memory, settings, errors].flatMap((look) => look(facts));
  return found.sort((first, second) => ORDER.indexOf(first.severity) - ORDER.indexOf(second.severity));
}
