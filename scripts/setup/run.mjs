import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Its message is for a person and needs no stack. */
export class SetupError extends Error {}

export function exitWith(cause) {
  console.error(`[set-up] ${cause instanceof SetupError ? cause.message : cause.stack}`);
  process.exit(1);
}

/**
 * @callback Run Prints a command and runs it in the clone.
 * @param {string | string[]} command words separated by spaces, or a list
 * @param {string} [advice] what to do if the command fails
 * @returns {Promise<void>}
 * @throws SetupError if the command fails
 */

/**
 * @param {{ cwd?: string, output?: NodeJS.WritableStream, lock?: number }} options commands inherit the descriptor
 *   `lock`: one that outlives set-up still holds the lock
 * @returns {Run}
 */
export function commandRunner({ cwd = ROOT, output = process.stderr, lock } = {}) {
  return async (command, advice = '') => {
    const [program, ...args] = Array.isArray(command) ? command : command.split(' ');
    const line = [program, ...args].join(' ');
    output.write(`[set-up] $ ${line}\n`);
    const child = spawn(program, args, { cwd, stdio: ['ignore', 2, 2, lock ?? 'ignore'] });
    const [code, signal] = await once(child, 'exit').catch((cause) => {
      throw cause.code === 'ENOENT'
        ? new SetupError(`\`${program}\` is not installed. ${advice}`.trim())
        : cause;
    });
    if (code === 0) return;
    const end = signal ? `was ended by ${signal}` : `ended with code ${code}`;
    throw new SetupError(`\`${line}\` ${end}; its output is above. ${advice}`.trim());
  };
}

export async function takeLock(file, onWait) {
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, 'a');
  const flock = async (...options) => {
    const child = spawn('flock', [...options, '3'], { stdio: ['ignore', 'ignore', 'inherit', descriptor] });
    const [code] = await once(child, 'exit');
    return code === 0;
  };
  if (await flock('--nonblock')) return descriptor;
  onWait();
  if (await flock()) return descriptor;
  throw new SetupError(`Cannot lock ${file}.`);
}
