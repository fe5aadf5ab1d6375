import { visible } from '../base/visible-text.ts';
import { fieldsOf } from './journal.ts';

const COLOURS: Readonly<Record<string, number>> = { debug: 2, trace: 2, warn: 33, error: 31, fatal: 31 };

/** Follows no-color.org. */
export function mayColour({ NO_COLOR, TERM }: NodeJS.ProcessEnv): boolean {
  return !NO_COLOR && TERM !== 'dumb';
}

function localTime(time: unknown): string {
  const date = new Date(String(time));
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

function stackOf(err: unknown): string {
  const { stack } = (err ?? {}) as { stack?: unknown };
  if (typeof stack !== 'string') return '';
  return stack
    .split('\n')
    .map((line) => `    | ${visible(line)}\n`)
    .join('');
}

/** @param json has `level`, `time` and `msg`. */
export function terminalLine(json: string, isColoured: boolean): string {
  const { level, time, msg, err, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const name = String(level);
  const colour = isColoured ? COLOURS[name] : undefined;
  const shown = name.toUpperCase().padEnd(5);
  const words = [
    localTime(time),
    colour === undefined ? shown : `\x1b[${colour}m${shown}\x1b[0m`,
    visible(String(msg ?? '')),
    ...fieldsOf(fields),
  ];
  return `${words.join(' ')}\n${stackOf(err)}`;
}
