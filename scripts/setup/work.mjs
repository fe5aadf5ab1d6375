/**
 * What a set-up step works with: commands whose output goes to a log file, and one line of progress.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

/** A failure whose message is a sentence for the person at the keyboard; `log` names a file that says more. */
export class SetupError extends Error {
  constructor(message, log) {
    super(message);
    this.log = log;
  }
}

/** The last lines of a log file, as text. */
export function tailOf(file, lines = 30) {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

const LINE_EVERY_MS = 10_000;

/**
 * Shows that a long step lives: one line that is written over on a terminal, else a new line every ten seconds.
 * @param {string} name
 * @param {NodeJS.WriteStream} output
 * @returns {{ report(text: string): void, end(): void }} `report` sets what stands behind the name
 */
export function showProgress(name, output) {
  const start = Date.now();
  let text = '';
  const line = () => `[set-up] ${name}: ${text}${text && ', '}${Math.round((Date.now() - start) / 1000)} s`;
  const draw = output.isTTY
    ? () => output.write(`\r\x1b[K${line().slice(0, (output.columns ?? 80) - 1)}`)
    : () => output.write(`${line()} ...\n`);
  const timer = setInterval(draw, output.isTTY ? 500 : LINE_EVERY_MS);
  return {
    report(now) {
      text = now;
    },
    end() {
      clearInterval(timer);
      if (output.isTTY) output.write('\r\x1b[K');
    },
  };
}

/**
 * Makes a step's runner of commands.
 * @param {{ log: string, cwd: string, signal: AbortSignal, lock: number }} where `lock` is a descriptor that every
 *   child gets, so that what outlives an interrupted set-up still keeps the next one waiting
 */
export function commandRunner({ log, cwd, signal, lock }) {
  mkdirSync(dirname(log), { recursive: true });
  let flags = 'w';
  /**
   * Runs a command to its end; its output goes to the log.
   * @param {string} command
   * @param {string[]} args
   * @param {{ cwd?: string, env?: object, onLine?: (line: string) => void, ifItFails?: string }} options `ifItFails`
   *   is a sentence that says what to do
   * @returns {Promise<string>} what it wrote to standard output
   * @throws SetupError if it cannot be started or ends with another code than 0
   */
  return async function run(command, args, options = {}) {
    const file = createWriteStream(log, { flags });
    flags = 'a';
    file.write(`$ ${[command, ...args].join(' ')}\n`);
    const child = spawn(command, args, {
      cwd: options.cwd ?? cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', lock],
      signal,
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      file.write(text);
    });
    child.stderr.on('data', (bytes) => file.write(bytes));
    if (options.onLine) createInterface(child.stdout).on('line', options.onLine);
    const advice = options.ifItFails ? ` ${options.ifItFails}` : '';
    try {
      const [code, killedBy] = await once(child, 'close');
      if (code !== 0) {
        const end = killedBy ? `was ended by ${killedBy}` : `ended with code ${code}`;
        throw new SetupError(`\`${command} ${args[0] ?? ''}\` ${end}.${advice}`, log);
      }
    } catch (cause) {
      if (cause.code === 'ENOENT')
        throw new SetupError(`The program \`${command}\` is not installed.${advice}`, log);
      throw cause;
    } finally {
      file.end();
      await once(file, 'close');
    }
    return stdout;
  };
}
