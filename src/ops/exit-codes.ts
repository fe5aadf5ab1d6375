import { ConfigError } from '../config/config-error.ts';

/** Exit codes of the service and visagectl; follow BSD's sysexits.h where possible. */
export const EXIT = {
  ok: 0,
  /** Unexpected error; the log has its stack. */
  failure: 1,
  /** Invalid command line (EX_USAGE). */
  usage: 64,
  /** A missing or refused item, such as a key to revoke (EX_DATAERR). */
  data: 65,
  /** Missing or broken dependency: addon, model pack, store, address (EX_UNAVAILABLE). */
  unavailable: 69,
  /** Another process holds the data folder (EX_TEMPFAIL). */
  locked: 75,
  /** Unknown or invalid setting (EX_CONFIG). */
  config: 78,
  /** A second signal or the time limit ended the shutdown early. */
  forced: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the process with a message for the operator and no stack. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A plain `Error` carries a message for the operator; JavaScript's errors (such as `TypeError`) are bugs. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof ConfigError) return EXIT.config;
  return error instanceof Error && error.name === 'Error' ? EXIT.unavailable : EXIT.failure;
}
