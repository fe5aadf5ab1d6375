/** A damaged file can crash the process that opens it. */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Inspection, StoreAnswer, StoreTask } from './store-process.ts';
import type { StoreSummary } from './store-reader.ts';

const PROGRAM = fileURLToPath(new URL('./store-process.js', import.meta.url));

/** A sound store of a million faces is five times faster. */
const BYTES_PER_SECOND = 1024 ** 2;
const MIN_MS = 60_000;

const MAX_HEAP_MIB = 1024;
const MAX_MEMORY_KIB = 2 * 1024 ** 2;
const WATCH_MS = 200;

const CRASHES: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP']);

export function isCrash(signal: NodeJS.Signals): boolean {
  return CRASHES.has(signal);
}

/** Its `message` has no full stop. */
export class DamagedStoreError extends Error {}

export interface Limits {
  readonly limitMs?: number;
}

/** @throws DamagedStoreError, or Error. */
export function inspectStore(folder: string, limits: Limits = {}): Promise<Inspection> {
  return perform({ kind: 'inspect', folder }, limits) as Promise<Inspection>;
}

/** @throws as `inspectStore`. */
export async function checkReadable(folder: string, limits: Limits = {}): Promise<void> {
  await perform({ kind: 'structure', folder }, limits);
}

/** @throws as `inspectStore`. */
export async function summaryOf(folder: string, limits: Limits = {}): Promise<StoreSummary> {
  return ((await perform({ kind: 'summary', folder }, limits)) as Inspection).store;
}

/**
 * Copies live data into an empty folder while writers continue.
 * @throws as `inspectStore`.
 */
export async function copyStore(folder: string, to: string, limits: Limits = {}): Promise<void> {
  await perform({ kind: 'copy', folder, to }, limits);
}

async function perform(task: StoreTask, { limitMs }: Limits): Promise<Inspection | null> {
  const { folder } = task;
  const file = join(folder, 'data.mdb');
  if (!existsSync(file)) throw new Error(`There is no store in ${folder}.`);
  const limit = limitMs ?? MIN_MS + (statSync(file).size / BYTES_PER_SECOND) * 1000;
  const child = fork(PROGRAM, [JSON.stringify(task)], {
    execArgv: [`--max-old-space-size=${MAX_HEAP_MIB}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const answer = await answerOf(child, limit);
  if (typeof answer === 'string') throw new DamagedStoreError(`The store in ${folder} is damaged: ${answer}`);
  if ('inspection' in answer) return answer.inspection;
  if (answer.isDamage) throw new DamagedStoreError(`The store in ${folder} is damaged: ${answer.error}`);
  throw new Error(answer.error);
}

function answerOf(child: ChildProcess, limitMs: number): Promise<StoreAnswer | string> {
  return new Promise((resolve, reject) => {
    let answer: StoreAnswer | null = null;
    let verdict: string | null = null;
    const end = (why: string) => {
      verdict ??= why;
      child.kill('SIGKILL');
    };
    const limit = setTimeout(() => end('reading it takes too long'), limitMs);
    const watch = setInterval(() => {
      if (memoryOf(child.pid) > MAX_MEMORY_KIB) end('reading it takes more memory than a sound store needs');
    }, WATCH_MS);
    child.on('message', (message) => {
      answer ??= message as StoreAnswer;
      // The child waits for this, so no answer gets lost.
      child.disconnect();
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(limit);
      clearInterval(watch);
      if (answer !== null || verdict !== null) return resolve(answer ?? (verdict as string));
      const how = signal ?? `code ${code}`;
      if (signal === null || isCrash(signal)) return resolve(`reading it crashed the process (${how})`);
      reject(new Error(`${how} ended the process that reads the store; the system may be out of memory.`));
    });
  });
}

function memoryOf(pid: number | undefined): number {
  try {
    return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
