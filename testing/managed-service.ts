import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { childEnvironment, ROOT } from './service.ts';

const SOURCE = join(ROOT, 'test/systemd/manager.cc');
const MAIN = join(ROOT, 'dist/src/main.js');

export function buildManager(folder: string): string {
  const program = join(folder, 'manager');
  execFileSync('g++', ['-std=c++20', '-O1', '-o', program, SOURCE]);
  return program;
}

export interface ManagedOptions {
  readonly manager: string;
  readonly notifySocket: string;
  readonly sockets: readonly string[];
  readonly settings: Record<string, string>;
  readonly command?: readonly string[];
}

export class ManagedService {
  readonly ports = new Map<string, number>();
  readonly started: number[] = [];
  readonly ended: number[] = [];
  readonly told: string[] = [];
  readonly log: Record<string, unknown>[] = [];
  stderr = '';
  readonly #process;
  readonly #closed: Promise<unknown>;
  #wake: () => void = () => {};

  constructor({
    manager,
    notifySocket,
    sockets,
    settings,
    command = [process.execPath, MAIN],
  }: ManagedOptions) {
    this.#process = spawn(manager, [notifySocket, ...sockets, '--', ...command], {
      env: childEnvironment(settings),
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#closed = once(this.#process, 'close');
    this.#process.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    createInterface(this.#process.stdout).on('line', (line) => this.#read(line));
  }

  #read(line: string): void {
    const [word, ...rest] = line.split(' ');
    if (line.startsWith('{')) this.log.push(JSON.parse(line));
    else if (word === 'socket') this.ports.set(rest[0] as string, Number(rest[1]));
    else if (word === 'started') this.started.push(Number(rest[0]));
    else if (word === 'ended') this.ended.push(Number(rest[0]));
    else if (word === 'told') this.told.push(rest.join(' '));
    this.#wake();
  }

  /** Waits for a condition on the manager's output. @throws if it ends before. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const next = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const ended = await Promise.race([next, this.#closed.then(() => 'ended')]);
      if (ended && !holds()) throw new Error(`It ended before: ${this.stderr}\n${this.told.join('\n')}`);
    }
  }

  async hears(pattern: RegExp, since = 0): Promise<string> {
    const find = () => this.told.slice(since).find((text) => pattern.test(text));
    await this.until(() => find() !== undefined);
    return find() as string;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.started.at(-1) as number, signal);
  }

  restart(): void {
    this.#process.kill('SIGUSR1');
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.#closed;
  }
}
