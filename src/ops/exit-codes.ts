import { ConfigError } from '../config/config-error.ts';

/** Exit codes of the service and of visagectl, after BSD's sysexits.h where it has one. */
export const EXIT = {
  /** Ended as asked. */
  ok: 0,
  /** An error that should not happen; the log holds its stack. */
  failure: 1,
  /** The command line is wrong (EX_USAGE). */
  usage: 64,
  /** What was asked for is not there, such as the key to revoke (EX_DATAERR). */
  data: 65,
  /** Something that the start needs is missing or broken: addon, model pack, store, address (EX_UNAVAILABLE). */
  unavailable: 69,
  /** Another process holds the data folder (EX_TEMPFAIL): try again when it has ended. */
  locked: 75,
  /** A setting is unknown or wrong (EX_CONFIG). */
  config: 78,
  /** A second signal, or the time limit, ended the shutdown before it was done. */
  forced: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Stops the process with a sentence for the operator and a code, without a stack. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * The code for an error that ends the start. A plain `Error` was written for the operator, and so were the system's;
 * what JavaScript itself throws (`TypeError` and its like) is a mistake of ours.
 */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof ConfigError) return EXIT.config;
  return error instanceof Error && error.name === 'Error' ? EXIT.unavailable : EXIT.failure;
}
