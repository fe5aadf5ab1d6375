import { ConfigError } from '../config/config-error.ts';

export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 64,
  /** A missing or refused item, such as a key to revoke. */
  data: 65,
  unavailable: 69,
  locked: 75,
  config: 78,
  /** A second signal or the time limit ended the shutdown. */
  forced: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Shows the message without a stack. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function usageError(message: string): ExitError {
  return new ExitError(EXIT.usage, message);
}

/** A plain `Error` is for the operator; subclasses such as `TypeError` are bugs. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof ConfigError) return EXIT.config;
  return error instanceof Error && error.name === 'Error' ? EXIT.unavailable : EXIT.failure;
}
