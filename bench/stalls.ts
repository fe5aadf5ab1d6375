/** The longest stall of a child's event loop, as `stall.ts` measures it inside the child. */
import type { ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ROOT } from '../testing/service.ts';
import { STALL_FILE } from './stall.ts';

export function stallSettings(file: string): Record<string, string> {
  return {
    NODE_OPTIONS: `--import ${join(ROOT, 'dist/bench/stall.js')}`,
    [STALL_FILE]: file,
  };
}

/** Milliseconds since this was last asked. */
export async function stallOf(child: ChildProcess, file: string): Promise<number> {
  return (await stallsOf(child, file))[0];
}

export async function stallsOf(
  child: ChildProcess,
  file: string,
): Promise<[clock: number, processor: number]> {
  await rm(file, { force: true });
  child.kill('SIGUSR2');
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return JSON.parse(text);
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('A contestant ended');
    await wait(5);
  }
}
