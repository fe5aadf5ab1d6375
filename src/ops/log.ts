/** Never log secrets, bodies, queries or images. */
import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, pino } from 'pino';
import { visibleLines } from '../base/visible-text.ts';
import type { LogLevel } from '../config/config.ts';
import { journalLine, leadsToJournal } from './journal.ts';
import { mayColour, terminalLine } from './terminal-line.ts';

export type Log = Logger;

const STDOUT = 1;

export interface RequestRecord {
  readonly requestId: string;
  readonly method: string;
  readonly route: string | null;
  readonly operation: string | null;
  readonly status: number;
  /** From the first byte of the head to the last of the answer. */
  readonly ms: number;
  readonly code: string | null;
  readonly aborted: boolean;
  readonly account: string | null;
  readonly key: string | null;
  readonly member: string | null;
}

/** Other properties may hold bytes from a parser. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, cause } = error as NodeJS.ErrnoException;
  const stack = cause instanceof Error ? `${error.stack}\ncaused by: ${cause.stack}` : error.stack;
  return { type: error.name, message: error.message, stack, ...(code === undefined ? {} : { code }) };
}

/** Also in files: a terminal may show them later. */
function lineForm(): (line: string) => string {
  if (leadsToJournal(STDOUT, process.env.JOURNAL_STREAM)) return journalLine;
  if (!isatty(STDOUT)) return visibleLines;
  const isColoured = mayColour(process.env);
  return (line) => terminalLine(line, isColoured);
}

function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: STDOUT, sync: true });
  const form = lineForm();
  return { write: (line) => void output.write(form(line)) };
}

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

export function logRequest(log: Log, record: RequestRecord): void {
  const line = { ...record, ms: Math.round(record.ms * 10) / 10 };
  if (record.status === 500) log.error(line, 'request');
  else if (record.status === 503) log.warn(line, 'request');
  else log.info(line, 'request');
}
