/** sd-daemon(3) priorities. */
import { fstatSync } from 'node:fs';
import { visible } from '../base/visible-text.ts';

const PRIORITIES: Readonly<Record<string, number>> = {
  trace: 7,
  debug: 7,
  info: 6,
  warn: 4,
  error: 3,
  fatal: 2,
};

const PLAIN = /^[\w./:@{}+-]+$/;

export function leadsToJournal(descriptor: number, stream: string | undefined): boolean {
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** `journalctl` shows lines with control characters as a blob. */
function textOf(value: unknown): string {
  if (typeof value !== 'string') {
    const { stack } = (value ?? {}) as { stack?: unknown };
    return visible(JSON.stringify(typeof stack === 'string' ? stack : value));
  }
  return PLAIN.test(value) ? value : visible(JSON.stringify(value));
}

export function fieldsOf(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${visible(name)}=${textOf(value)}`);
}

/** @param json has `level` and `msg`. */
export function journalLine(json: string): string {
  const { level, time: _, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const message = visible(String(msg ?? '').replaceAll(/\s+/g, ' '));
  return `<${PRIORITIES[String(level)] ?? 6}>${[message, ...fieldsOf(fields)].join(' ')}\n`;
}
