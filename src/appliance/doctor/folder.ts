import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { COMPACTING, RESTORING } from '../../ops/data-folder.ts';
import { readLastBackup } from '../../store/backup.ts';
import { replacedFolders } from '../../store/restore.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const MIB = 1024 ** 2;
const LITTLE_BYTES = 1024 * MIB;
const TOO_LITTLE_BYTES = 128 * MIB;
const SLOW_SYNC_MS = 1000;
const DAY_MS = 86_400_000;
const OLD_BACKUP_DAYS = 2;

const VOLATILE = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
]);
/** LMDB cannot trust their locks and memory maps. */
const REMOTE = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
]);

export function checkRoom(folder: string, available: number, storeBytes: number): Finding {
  const words = `${Math.floor(available / MIB)} MiB free for ${folder}`;
  const advice = 'Free space or move data_dir to a larger disk: a full disk refuses writes.';
  if (available < TOO_LITTLE_BYTES) return problem('disk', words, advice);
  if (available < Math.max(LITTLE_BYTES, storeBytes / 4)) return warning('disk', words, advice);
  return ok('disk', words);
}

export function checkFileSystem(type: number): Finding[] {
  const unsigned = type >>> 0;
  const lost = VOLATILE.get(unsigned);
  if (lost)
    return [
      problem(
        'disk',
        `data_dir is on ${lost}, which loses its data when the machine stops`,
        'Set data_dir to a folder on a local disk.',
      ),
    ];
  const remote = REMOTE.get(unsigned);
  if (!remote) return [];
  return [
    problem(
      'disk',
      `data_dir is on ${remote}, which is not safe for the store`,
      'Set data_dir to a folder on a local disk.',
    ),
  ];
}

function checkFlush(folder: string): Finding {
  const file = join(folder, `.doctor-${process.pid}`);
  const began = performance.now();
  try {
    const descriptor = openSync(file, 'wx', 0o600);
    writeSync(descriptor, 'flushed');
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const advice =
      code === 'EACCES'
        ? `Make the service's user its owner: chown -R visage: ${folder}`
        : 'Check the disk with dmesg and smartctl.';
    return problem('disk', `cannot write to ${folder} (${code})`, advice);
  } finally {
    rmSync(file, { force: true });
  }
  const took = Math.round(performance.now() - began);
  if (took < SLOW_SYNC_MS) return ok('disk', 'writes are flushed');
  return warning(
    'disk',
    `flushing a write took ${took} ms`,
    'Use a faster or less busy disk: each added face waits for a flush.',
  );
}

/** @param secrets only their owner may read these. */
function checkPermissions(folder: string, secrets: readonly string[]): Finding[] {
  const { uid, mode } = statSync(folder);
  const findings: Finding[] = [];
  if ((mode & 0o077) !== 0) {
    findings.push(problem('permissions', `other users can access ${folder}`, `chmod 700 ${folder}`));
  }
  for (const path of readdirSync(folder, { recursive: true }).map(String)) {
    const stat = statSync(join(folder, path), { throwIfNoEntry: false });
    if (!stat) continue;
    if (stat.uid !== uid) {
      findings.push(
        problem(
          'permissions',
          `${path} and ${folder} have different owners`,
          `chown -R --reference=${folder} ${folder}`,
        ),
      );
    }
    if (stat.isFile() && secrets.some((name) => path.startsWith(`${name}/`)) && (stat.mode & 0o077) !== 0) {
      findings.push(
        problem(
          'permissions',
          `other users can read ${path}`,
          `chmod 600 ${join(folder, path)}, then \`visagectl tokens rotate\``,
        ),
      );
    }
  }
  return findings.length > 0 ? findings : [ok('permissions', `only the owner can access ${folder}`)];
}

function checkLeftOver(folder: string): Finding[] {
  const left = [
    ...replacedFolders(folder),
    ...[RESTORING, COMPACTING].map((name) => join(folder, name)).filter((path) => existsSync(path)),
  ];
  return left.map((path) =>
    warning(
      'restore',
      `${path} contains faces of a replaced store`,
      `Delete it when you no longer need it: rm -r ${path}`,
    ),
  );
}

function checkBackup(folder: string, now: number): Finding {
  const last = readLastBackup(folder);
  const advice =
    'Back up daily: systemctl enable --now visage-backup.timer, or visagectl backup --to DIR --keep 7.';
  if (!last) return warning('backup', 'no backup found', advice);
  const days = Math.floor((now - Date.parse(last.at)) / DAY_MS);
  if (days >= OLD_BACKUP_DAYS) return warning('backup', `the last backup is ${days} days old`, advice);
  if (!existsSync(last.folder)) {
    return warning('backup', `the last backup, ${last.folder}, is missing`, advice);
  }
  return ok('backup', `last backup: ${last.folder}`);
}

export function checkFolder(folder: string, secrets: readonly string[], now: number): Finding[] {
  const { bavail, bsize, type } = statfsSync(folder);
  const storeBytes = statSync(join(folder, 'data.mdb'), { throwIfNoEntry: false })?.size ?? 0;
  return [
    checkRoom(folder, bavail * bsize, storeBytes),
    ...checkFileSystem(type),
    checkFlush(folder),
    ...checkPermissions(folder, secrets),
    ...checkLeftOver(folder),
    checkBackup(folder, now),
  ];
}
