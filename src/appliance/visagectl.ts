/** Runs `visagectl` as the service's user. */
import { Socket } from 'node:net';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { exitOf, type SpawnedProgram, spawnProgram } from '../native/system.ts';

const PROGRAM = fileURLToPath(new URL('../cli/main.js', import.meta.url));

const MAX_OUTPUT_CHARACTERS = 1_000_000;

const NICE = 10;

const POLL_MS = 20;

export interface Outcome {
  /** Null after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly outcome: Promise<Outcome>;
  readonly stop: () => void;
}

/** @returns the output up to its end, or what came before an error. */
function collect(fd: number): Promise<string> {
  let text = '';
  const stream = new Socket({ fd, readable: true, writable: false });
  stream
    .setEncoding('utf8')
    .on('error', () => {})
    .on('data', (part: string) => {
      if (text.length < MAX_OUTPUT_CHARACTERS) text += part;
    });
  return new Promise((resolve) => stream.once('close', () => resolve(text)));
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICE);
  } catch {
    // The systemd sandbox denies this.
  }
}

export function startVisagectl(args: readonly string[], environment: NodeJS.ProcessEnv): RunningCommand {
  let child: SpawnedProgram;
  try {
    child = spawnProgram([process.execPath, PROGRAM, ...args], environment);
  } catch (error) {
    const stderr = error instanceof Error ? error.message : String(error);
    return { outcome: Promise.resolve({ code: null, stdout: '', stderr }), stop: () => {} };
  }
  const { pid } = child;
  lowerPriority(pid);
  let isRunning = true;
  const ended = async () => {
    const [stdout, stderr] = await Promise.all([collect(child.stdout), collect(child.stderr)]);
    let code = exitOf(pid);
    for (; code === undefined; code = exitOf(pid)) await sleep(POLL_MS);
    isRunning = false;
    return { code, stdout, stderr };
  };
  const stop = () => {
    // Later, another process can have the number.
    if (isRunning) process.kill(pid, 'SIGKILL');
  };
  return { outcome: ended(), stop };
}

export function reasonOf({ stderr, code }: Outcome): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('visagectl: '));
  const last = lines.at(-1)?.slice('visagectl: '.length);
  return (last ?? `The command ended with ${code === null ? 'a signal' : `code ${code}`}.`).slice(0, 500);
}
