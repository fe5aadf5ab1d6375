/** The data folder: made, locked, and where its files are. */
import { chmodSync, closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '../native/system.ts';
import { EXIT, ExitError } from './exit-codes.ts';

/** The folder in it with snapshots of the vector index: nothing that cannot be made again from the store. */
export const SNAPSHOTS = 'snapshots';

/** `sockaddr_un` holds 108 bytes with the final zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Makes the folder (mode 0700) and takes its lock for the life of this process.
 * @throws ExitError `unavailable` if it cannot be made or written, `locked` if another process has it.
 */
export function takeDataFolder(folder: string): void {
  let isOurs: boolean;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    isOurs = lockFile(join(folder, 'visage.lock'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(EXIT.unavailable, `The data folder ${folder} cannot be used: ${why}`);
  }
  if (!isOurs) {
    throw new ExitError(EXIT.locked, `The data folder ${folder} is in use by another process of Visage.`);
  }
}

/** A path to the admin socket that the system takes, however long the folder's own is. */
export interface AdminSocketPath {
  readonly path: string;
  /** Lets go of what keeps the path short; it is not valid after. */
  release(): void;
}

/**
 * The path of the folder's `admin.sock`. Where it is too long for a socket it leads over an open file of the folder.
 * @throws the system's error if the folder is not there.
 */
export function adminSocketPath(folder: string): AdminSocketPath {
  const path = join(folder, 'admin.sock');
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return { path, release: () => {} };
  const descriptor = openSync(folder, 'r');
  return { path: `/proc/self/fd/${descriptor}/admin.sock`, release: () => closeSync(descriptor) };
}

/** Removes the socket of a process that has ended. Only for who holds the folder's lock. */
export function removeStaleSocket(path: string): void {
  rmSync(path, { force: true });
}
