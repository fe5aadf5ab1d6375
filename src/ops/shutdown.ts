/** The way down: in order, once, and by force if it is asked for twice. */
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Log } from './log.ts';

/** One step of the way down. */
export interface ShutdownStep {
  readonly name: string;
  readonly run: () => Promise<unknown> | unknown;
}

export interface ShutdownOptions {
  readonly log: Log;
  /** Run one after the other; one that fails is logged and does not keep the next from running. */
  readonly steps: readonly ShutdownStep[];
  /** Milliseconds for all steps together; then the process ends with `EXIT.forced`. */
  readonly limitMs: number;
  /** Called once with the exit code. */
  readonly exit: (code: ExitCode) => void;
}

/**
 * Makes the function that a signal calls: the first call runs the steps and ends with `EXIT.ok`, or `EXIT.failure` if
 * one failed; a second call ends at once with `EXIT.forced`.
 */
export function createShutdown(options: ShutdownOptions): (reason: string) => void {
  const { log, steps, limitMs, exit } = options;
  let begun = false;
  let ended = false;

  const end = (code: ExitCode) => {
    if (ended) return;
    ended = true;
    exit(code);
  };

  const run = async () => {
    let code: ExitCode = EXIT.ok;
    for (const step of steps) {
      try {
        await step.run();
      } catch (error) {
        log.error({ err: error, step: step.name }, 'shutdown step failed');
        code = EXIT.failure;
      }
    }
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
