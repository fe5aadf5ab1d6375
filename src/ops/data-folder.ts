import { chmodSync, closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../native/system.ts';
import { EXIT, ExitError } from './exit-codes.ts';
import { checkOwnFolder, takeOwnFiles } from './own-files.ts';

/** The service can rebuild these. */
export const SNAPSHOTS = 'snapshots';

export const RESTORING = 'restoring';
export const COMPACTING = 'compacting';

/** `sockaddr_un` holds 108 bytes including the final zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Locks the folder until this process ends, and sets a private umask. Removes other users' permissions and
 * leftovers of killed commands.
 * @returns paths with changed permissions.
 * @throws ExitError `unavailable` for an unwritable folder, a symbolic link or another user's file in it;
 * `locked`.
 */
export function takeDataFolder(folder: string): string[] {
  let isOurs: boolean;
  let repaired: string[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stats = statSync(folder);
    checkOwnFolder(stats);
    process.umask(0o077);
    if ((stats.mode & 0o777) !== 0o700) {
      chmodSync(folder, 0o700);
      repaired = [folder];
    }
    isOurs = lockFile(join(folder, 'visage.lock'));
    if (isOurs) {
      repaired = [...repaired, ...takeOwnFiles(folder)];
      for (const name of [RESTORING, COMPACTING])
        rmSync(join(folder, name), { recursive: true, force: true });
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(EXIT.unavailable, `The data folder ${folder} cannot be used: ${why}.`);
  }
  if (!isOurs) {
    throw new ExitError(EXIT.locked, `The data folder ${folder} is in use by another process of Visage.`);
  }
  return repaired;
}

export interface AdminSocketPath {
  readonly path: string;
  release(): void;
}

/**
 * Leads through an open descriptor if too long.
 * @throws the system's error for a missing folder.
 */
export function adminSocketPath(folder: string): AdminSocketPath {
  const path = join(folder, 'admin.sock');
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return { path, release: () => {} };
  const descriptor = openSync(folder, 'r');
  return { path: `/proc/self/fd/${descriptor}/admin.sock`, release: () => closeSync(descriptor) };
}

/** The caller must hold the folder's lock. */
export function removeStaleSocket(path: string): void {
  rmSync(path, { force: true });
}
