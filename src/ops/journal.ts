/** Lines for systemd's journal: a priority in front, as sd-daemon(3) says, and text that a person reads. */
import { fstatSync } from 'node:fs';

/** Syslog priorities of pino's levels. */
const PRIORITIES: Readonly<Record<string, number>> = {
  trace: 7,
  debug: 7,
  info: 6,
  warn: 4,
  error: 3,
  fatal: 2,
};

/** A value that needs no quotes to be told from the next. */
const PLAIN = /^[\w./:@{}+-]+$/;

/**
 * Whether a descriptor leads to the journal.
 * @param stream `JOURNAL_STREAM` as systemd sets it, `device:inode`. A descriptor that was redirected meanwhile does not match.
 */
export function leadsToJournal(descriptor: number, stream: string | undefined): boolean {
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** One value as text without a line break: one entry is one line, whatever it says. */
function textOf(value: unknown): string {
  if (typeof value !== 'string') {
    const { stack } = (value ?? {}) as { stack?: unknown };
    return JSON.stringify(typeof stack === 'string' ? stack : value);
  }
  return PLAIN.test(value) ? value : JSON.stringify(value);
}

/**
 * Writes one of pino's lines for the journal: `<6>request requestId=... status=200 ...`. The journal has the time
 * itself, and what is null says nothing.
 * @param json an object with `level` and `msg`.
 */
export function journalLine(json: string): string {
  const { level, time: _, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const words = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${textOf(value)}`);
  const message = String(msg ?? '').replaceAll(/\s+/g, ' ');
  return `<${PRIORITIES[String(level)] ?? 6}>${[message, ...words].join(' ')}\n`;
}
