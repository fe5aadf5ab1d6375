/** The log: JSON lines to stdout. Never a secret, a body, a query or a picture. */
import { type Logger, pino } from 'pino';
import type { LogLevel } from '../config/settings.ts';

export type Log = Logger;

/** What is known of a request when its answer has left. */
export interface RequestRecord {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, such as `/v1/face/search`; null where no route matched. */
  readonly route: string | null;
  readonly status: number;
  /** Milliseconds from the first byte of the header to the last of the answer. */
  readonly ms: number;
  /** Code of `errors.ts`; null for a success. */
  readonly code: string | null;
  /** The client went away before the answer was complete. */
  readonly aborted: boolean;
}

/** @param level lines below it are left out. */
export function createLog(level: LogLevel): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** Writes the one line of a request: a server's failure as an error, the rest as info. */
export function logRequest(log: Log, record: RequestRecord): void {
  const line = { ...record, ms: Math.round(record.ms * 10) / 10 };
  if (record.status === 500) log.error(line, 'request');
  else log.info(line, 'request');
}
