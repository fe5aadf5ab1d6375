/** The log: lines to stdout. Never a secret, a body, a query or a picture. */
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/settings.ts';
import { journalLine, leadsToJournal } from './journal.ts';

export type Log = Logger;

const STDOUT = 1;

/** What is known of a request when its answer has left. */
export interface RequestRecord {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, such as `/v1/face/search`; null where no route matched. */
  readonly route: string | null;
  /** The route's `operationId`; null where no route of the table matched. */
  readonly operation: string | null;
  readonly status: number;
  /** Milliseconds from the first byte of the header to the last of the answer. */
  readonly ms: number;
  /** Code of `errors.ts`; null for a success. */
  readonly code: string | null;
  /** The client went away before the answer was complete. */
  readonly aborted: boolean;
  /** Ids of who is calling, as far as that became known. */
  readonly account: string | null;
  readonly key: string | null;
  readonly member: string | null;
}

/** What is written of an error: other properties, such as the bytes that a parser gave up on, are not. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, cause } = error as NodeJS.ErrnoException;
  const stack = cause instanceof Error ? `${error.stack}\ncaused by: ${cause.stack}` : error.stack;
  return { type: error.name, message: error.message, stack, ...(code === undefined ? {} : { code }) };
}

/** Standard output: JSON lines, or the journal's own form where that is where it leads. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: STDOUT, sync: true });
  if (!leadsToJournal(STDOUT, process.env.JOURNAL_STREAM)) return output;
  return { write: (line) => void output.write(journalLine(line)) };
}

/** @param level lines below it are left out. @param destination takes JSON lines; standard output if absent. */
export function createLog(level: LogLevel, destination: DestinationStream = standardOutput()): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: plainError },
    },
    destination,
  );
}

/** Writes the one line of a request: a server's failure as an error, a busy server as a warning, the rest as info. */
export function logRequest(log: Log, record: RequestRecord): void {
  const line = { ...record, ms: Math.round(record.ms * 10) / 10 };
  if (record.status === 500) log.error(line, 'request');
  else if (record.status === 503) log.warn(line, 'request');
  else log.info(line, 'request');
}
