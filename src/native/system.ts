import { addon } from './addon.ts';

interface Exports {
  exitNow(code: number): never;
  forbidCoreDumps(): void;
  lockFile(path: string): boolean;
  sendDatagram(socket: string, text: string): void;
}

/** `PR_SET_DUMPABLE`; also keeps debuggers of the same user out. */
export function forbidCoreDumps(): void {
  addon<Exports>().forbidCoreDumps();
}

/**
 * `process.exit` joins libuv's threads, and deadlocks if a thread waits for this thread's LMDB transaction.
 */
export function exitNow(code: number): never {
  return addon<Exports>().exitNow(code);
}

/**
 * Lasts until this process ends.
 * @returns false if another process holds the lock.
 */
export function lockFile(path: string): boolean {
  return addon<Exports>().lockFile(path);
}

/**
 * Waits up to half a second for a full receiver.
 * @param socket path, or `@` and an abstract name; at most 107 bytes.
 * @throws Error without a receiver.
 */
export function sendDatagram(socket: string, text: string): void {
  addon<Exports>().sendDatagram(socket, text);
}

interface Exports {
  spawnProgram(command: readonly string[], environment: readonly string[]): SpawnedProgram;
  exitOf(pid: number): number | null | undefined;
}

export interface SpawnedProgram {
  readonly pid: number;
  /** Descriptors of pipes; the caller closes them. */
  readonly stdout: number;
  readonly stderr: number;
}

/**
 * In a large process, Node's `spawn` holds the event loop for 20 ms, since it forks.
 * @param command absolute path and arguments.
 * @throws Error.
 */
export function spawnProgram(command: readonly string[], environment: NodeJS.ProcessEnv): SpawnedProgram {
  const entries = Object.entries(environment).filter(([, value]) => value !== undefined);
  return addon<Exports>().spawnProgram(
    command,
    entries.map(([name, value]) => `${name}=${value}`),
  );
}

/** @returns undefined while the program runs, null after a signal. Forgets the program at its end. */
export function exitOf(pid: number): number | null | undefined {
  return addon<Exports>().exitOf(pid);
}

interface Exports {
  releaseBytes(bytes: Uint8Array): boolean;
}

/**
 * Empties the array. V8 counts uncollected buffers, so images would trigger full collections.
 * @returns false, without effect, for part of a buffer or bytes that running work reads.
 */
export function releaseBytes(bytes: Uint8Array): boolean {
  return addon<Exports>().releaseBytes(bytes);
}
