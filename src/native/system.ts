/** System calls that Node lacks. */
import { addon } from './addon.ts';

interface Exports {
  exitNow(code: number): never;
  forbidCoreDumps(): void;
  lockFile(path: string): boolean;
  sendDatagram(socket: string, text: string): void;
}

/** Excludes this process's memory from core dumps and from debuggers of the same user (`PR_SET_DUMPABLE`). */
export function forbidCoreDumps(): void {
  addon<Exports>().forbidCoreDumps();
}

/**
 * Calls `_exit`. `process.exit` joins libuv's threads, and deadlocks if a thread waits for this thread's LMDB
 * transaction.
 */
export function exitNow(code: number): never {
  return addon<Exports>().exitNow(code);
}

/**
 * Locks a file for this process's lifetime (`flock`); creates it if missing.
 * @returns false if another process holds the lock.
 * @throws Error if the file cannot be opened.
 */
export function lockFile(path: string): boolean {
  return addon<Exports>().lockFile(path);
}

/**
 * Waits up to half a second if the receiver's queue is full.
 * @param socket path, or `@` and an abstract name; at most 107 bytes.
 * @throws Error with the system's message if there is no receiver.
 */
export function sendDatagram(socket: string, text: string): void {
  addon<Exports>().sendDatagram(socket, text);
}

interface Exports {
  releaseBytes(bytes: Uint8Array): boolean;
}

/**
 * Frees bytes at once and empties the array. V8 counts uncollected buffers, so one image per request triggers a full
 * collection every two hundred requests.
 * @returns false, without effect, for part of a buffer or bytes that running work reads.
 */
export function releaseBytes(bytes: Uint8Array): boolean {
  return addon<Exports>().releaseBytes(bytes);
}
