import { fork } from 'node:child_process';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { isCrash } from '../store/isolated-store.ts';

export function isIsolated(): boolean {
  if (!process.channel) return false;
  process.once('disconnect', () => process.exit());
  process.channel.unref();
  return true;
}

/** @throws ExitError if the store crashed the child. */
export function runIsolated(args: readonly string[]): Promise<void> {
  const child = fork(process.argv[1] as string, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (signal !== null && isCrash(signal)) {
        const advice = 'Run `visagectl verify` for details, then restore the newest sound backup.';
        const message = `The store is damaged: reading it crashed the process (${signal}). ${advice}`;
        return reject(new ExitError(EXIT.data, message));
      }
      process.exitCode = code ?? EXIT.failure;
      resolve();
    });
  });
}
