/** The data folder: room, flushing, whose its files are, what is left over in it. */
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
import { readLastBackup } from '../../store/last-backup.ts';
import { replacedFolders } from '../../store/restore.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const MIB = 1024 ** 2;
const LITTLE_BYTES = 1024 * MIB;
const TOO_LITTLE_BYTES = 128 * MIB;
const SLOW_SYNC_MS = 1000;
const DAY_MS = 86_400_000;
/** A daily backup that was missed once. */
const OLD_BACKUP_DAYS = 2;

/** File systems that forget everything when the machine stops, by statfs(2)'s magic numbers. */
const VOLATILE = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
]);
/** Those whose locks and memory maps LMDB must not rely on. */
const REMOTE = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
]);

/** @param available bytes; @param storeBytes size of the store. */
export function checkRoom(folder: string, available: number, storeBytes: number): Finding {
  const words = `${Math.floor(available / MIB)} MiB are left for ${folder}`;
  const advice = 'Make room, or move data_dir to a larger disk: writes are refused when it is full.';
  if (available < TOO_LITTLE_BYTES) return problem('disk', words, advice);
  if (available < Math.max(LITTLE_BYTES, storeBytes / 4)) return warning('disk', words, advice);
  return ok('disk', words);
}

/** @param type statfs(2)'s magic number. */
export function checkFileSystem(type: number): Finding[] {
  const unsigned = type >>> 0;
  const lost = VOLATILE.get(unsigned);
  if (lost)
    return [
      problem(
        'disk',
        `data_dir is on ${lost}, which is lost when the machine stops`,
        'Set data_dir to a disk.',
      ),
    ];
  const remote = REMOTE.get(unsigned);
  if (!remote) return [];
  return [
    problem(
      'disk',
      `data_dir is on ${remote}, which the store must not be on`,
      'Set data_dir to a local disk.',
    ),
  ];
}

/** Writes a small file and flushes it. */
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
        ? `Let its owner be the service's user: chown -R visage: ${folder}`
        : 'Look at the disk: dmesg, smartctl.';
    return problem('disk', `${folder} takes no file (${code})`, advice);
  } finally {
    rmSync(file, { force: true });
  }
  const took = Math.round(performance.now() - began);
  if (took < SLOW_SYNC_MS) return ok('disk', `a write is flushed`);
  return warning(
    'disk',
    `a write took ${took} ms to be flushed`,
    'Every face that is added waits for that: use a faster or less busy disk.',
  );
}

/** @param secrets folders whose files nobody but their owner may read. */
function checkPermissions(folder: string, secrets: readonly string[]): Finding[] {
  const { uid, mode } = statSync(folder);
  const findings: Finding[] = [];
  if ((mode & 0o077) !== 0) {
    findings.push(problem('permissions', `${folder} can be read by others`, `chmod 700 ${folder}`));
  }
  for (const path of readdirSync(folder, { recursive: true }).map(String)) {
    const stat = statSync(join(folder, path), { throwIfNoEntry: false });
    if (!stat) continue;
    if (stat.uid !== uid) {
      findings.push(
        problem(
          'permissions',
          `${path} belongs to another user than ${folder}`,
          `chown -R --reference=${folder} ${folder}`,
        ),
      );
    }
    if (stat.isFile() && secrets.some((name) => path.startsWith(`${name}/`)) && (stat.mode & 0o077) !== 0) {
      findings.push(
        problem(
          'permissions',
          `${path} can be read by others`,
          `chmod 600 ${join(folder, path)}, then \`visagectl tokens rotate\``,
        ),
      );
    }
  }
  return findings.length > 0
    ? findings
    : [ok('permissions', `${folder} and its files are their owner's alone`)];
}

function checkLeftOver(folder: string): Finding[] {
  const left = [
    ...replacedFolders(folder),
    ...[join(folder, 'restoring')].filter((path) => existsSync(path)),
  ];
  return left.map((path) =>
    warning('restore', `${path} holds faces that a restore replaced`, `When you are sure: rm -r ${path}`),
  );
}

/** @param now milliseconds since 1970. */
export function checkBackup(folder: string, now: number): Finding {
  const last = readLastBackup(folder);
  const advice =
    'Back up daily: systemctl enable --now visage-backup.timer, or visagectl backup --to DIR --keep 7.';
  if (!last) return warning('backup', 'there is none', advice);
  const days = Math.floor((now - Date.parse(last.at)) / DAY_MS);
  if (days >= OLD_BACKUP_DAYS) return warning('backup', `the last one is ${days} days old`, advice);
  if (!existsSync(last.folder)) {
    return warning('backup', `the last one, ${last.folder}, is not there any more`, advice);
  }
  return ok('backup', `the last one is ${last.folder}`);
}

/** Everything about a data folder that is there. */
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
