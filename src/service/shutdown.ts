import { visible, visibleLines } from '../base/visible-text.ts';
import { exitNow } from '../native/system.ts';
import { EXIT, type ExitCode, exitCodeOf } from '../ops/exit-codes.ts';
import { leadsToJournal } from '../ops/journal.ts';
import type { Log } from '../ops/log.ts';

/** Each part closes before its dependencies. */
const STEPS = [
  'readiness',
  'connections',
  'log',
  'admin socket',
  'passwords',
  'migrations',
  'snapshots',
  'watchdog',
  'executor',
  'events',
  'idempotency',
  'usage',
  'audit log',
  'store',
] as const;
export type Step = (typeof STEPS)[number];

const SHUTDOWN_LIMIT_MS = 20_000;

const FAILED_START_LIMIT_MS = 5_000;

const STDERR = 2;

export class Undos {
  readonly #undos = new Map<Step, (() => unknown)[]>();

  /** Undos of one step run at the same time. */
  add(step: Step, undo: () => unknown): void {
    this.#undos.set(step, [...(this.#undos.get(step) ?? []), undo]);
  }

  async run(onError: (step: Step, error: unknown) => void): Promise<void> {
    for (const step of STEPS) {
      const undos = this.#undos.get(step) ?? [];
      const results = await Promise.allSettled(undos.map(async (undo) => undo()));
      for (const result of results) if (result.status === 'rejected') onError(step, result.reason);
    }
  }
}

export interface ShutdownOptions {
  readonly log: Log;
  readonly undos: Undos;
  readonly limitMs?: number;
  readonly exit?: (code: ExitCode) => void;
}

/**
 * The first call runs the undos and ends with `EXIT.ok`, or `EXIT.failure` if one failed. A second call ends
 * at once with `EXIT.forced`.
 */
export function createShutdown({
  log,
  undos,
  limitMs = SHUTDOWN_LIMIT_MS,
  exit = (code) => (code === EXIT.forced ? exitNow(code) : process.exit(code)),
}: ShutdownOptions): (reason: string) => void {
  let begun = false;
  let ended = false;

  const end = (code: ExitCode) => {
    if (ended) return;
    ended = true;
    exit(code);
  };

  const run = async () => {
    let code: ExitCode = EXIT.ok;
    await undos.run((step, error) => {
      log.error({ err: error, step }, 'shutdown step failed');
      code = EXIT.failure;
    });
    log.info({ code }, 'stopped');
    end(code);
  };

  return (reason) => {
    if (begun) {
      log.warn({ reason }, 'stopping by force');
      end(EXIT.forced);
      return;
    }
    begun = true;
    log.info({ reason }, 'stopping');
    setTimeout(() => {
      log.error({ limitMs }, 'shutdown took too long');
      end(EXIT.forced);
    }, limitMs).unref();
    void run();
  };
}

/** Writes the error, and exits with its code. Waits for native threads only if closing succeeds in time. */
export async function endFailedStart(
  error: unknown,
  undos: Undos,
  limitMs: number = FAILED_START_LIMIT_MS,
): Promise<never> {
  const lines = [messageOf(error)];
  const closing = undos.run((step, cause) => lines.push(`Closing failed at "${step}": ${messageOf(cause)}`));
  if (!(await endsWithin(closing, limitMs))) lines.push(`Closing took longer than ${limitMs} ms.`);
  // The journal shows errors in red (sd-daemon(3)).
  const priority = leadsToJournal(STDERR, process.env.JOURNAL_STREAM) ? '<3>' : '';
  for (const line of lines) process.stderr.write(`${priority}visage: ${line}\n`);
  const code = exitCodeOf(error);
  return lines.length === 1 ? process.exit(code) : exitNow(code);
}

async function endsWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
  });
  const isInTime = await Promise.race([promise.then(() => true), limit]);
  clearTimeout(timer);
  return isInTime;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return visible(String(error));
  return exitCodeOf(error) === EXIT.failure ? visibleLines(String(error.stack)) : visible(error.message);
}
