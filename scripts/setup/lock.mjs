import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Takes an exclusive lock on a file, made if missing. The kernel ends it when the descriptor is closed in this process
 * and in every child that was given it, however they end, so a lock can not be left behind.
 * @param {string} file
 * @param {() => void} onWait called once if another process holds the lock, before waiting for it
 * @param {AbortSignal} signal ends the waiting
 * @returns {Promise<{ descriptor: number, release(): void }>}
 */
export async function takeLock(file, onWait, signal) {
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, 'a');
  // util-linux's flock locks the open file that it shares with this process; Node itself has no such call.
  const flock = async (...options) => {
    const child = spawn('flock', [...options, '3'], {
      stdio: ['ignore', 'ignore', 'inherit', descriptor],
      signal,
    });
    const [code] = await once(child, 'exit');
    return code === 0;
  };
  if (!(await flock('--nonblock'))) {
    onWait();
    if (!(await flock())) throw new Error(`${file} cannot be locked.`);
  }
  return { descriptor, release: () => closeSync(descriptor) };
}
