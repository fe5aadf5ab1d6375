/** Runs `visagectl` as the service's user. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../cli/main.js', import.meta.url));

const MAX_OUTPUT_CHARACTERS = 1_000_000;

const NICE = 10;

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

function collect(stream: ChildProcess['stdout']): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (part: string) => {
    if (text.length < MAX_OUTPUT_CHARACTERS) text += part;
  });
  return () => text;
}

function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, NICE);
  } catch {
    // The systemd sandbox denies this.
  }
}

export function startVisagectl(args: readonly string[], environment: NodeJS.ProcessEnv): RunningCommand {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  lowerPriority(child);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const outcome = new Promise<Outcome>((resolve) => {
    child.once('error', (error) => resolve({ code: null, stdout: '', stderr: error.message }));
    child.once('close', (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
  });
  return { outcome, stop: () => child.kill('SIGKILL') };
}

export function reasonOf({ stderr, code }: Outcome): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('visagectl: '));
  const last = lines.at(-1)?.slice('visagectl: '.length);
  return (last ?? `The command ended with ${code === null ? 'a signal' : `code ${code}`}.`).slice(0, 500);
}
