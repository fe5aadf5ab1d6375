/** What a command of visagectl is: adding one is one file and one line in `main.ts`. */
import { resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { nearest } from '../config/nearest.ts';
import type { Config } from '../config/settings.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';

export interface Command {
  /** Words that call it, such as `keys create`. */
  readonly name: string;
  /** What follows the words, such as `--name NAME [--json]`. */
  readonly usage: string;
  /** One line of what it does. */
  readonly summary: string;
  /** @param args what follows the words. Results go to stdout, everything else to stderr. */
  run(args: string[]): Promise<void>;
}

/** The command line is wrong. */
export function usageError(message: string): ExitError {
  return new ExitError(EXIT.usage, message);
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** Options that every command has that needs the service's data. */
export const DATA_OPTIONS = {
  'data-dir': { type: 'string' },
  config: { type: 'string' },
} as const satisfies Options;

export const DATA_USAGE = '[--data-dir DIR] [--config FILE]';

/** Values of {@link DATA_OPTIONS}. */
export interface DataOptions {
  readonly 'data-dir'?: string | undefined;
  readonly config?: string | undefined;
}

/**
 * The settings that a command works with.
 * @param options `data-dir` and `config` stand over `VISAGE_DATA_DIR` and `VISAGE_CONFIG`.
 * @throws ConfigError.
 */
export function configOf(options: DataOptions): Config {
  const environment = { ...process.env };
  if (options.config !== undefined) environment.VISAGE_CONFIG = options.config;
  if (options['data-dir'] !== undefined) environment.VISAGE_DATA_DIR = resolve(options['data-dir']);
  return loadConfig(environment);
}

/**
 * Reads options; `--name VALUE`, `--name=VALUE`.
 * @param words how many words beside the options the command takes.
 * @throws ExitError `usage` that says what is wrong.
 */
export function readOptions<const T extends Options>(args: string[], options: T, words: number) {
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true, strict: true });
    if (parsed.positionals.length !== words) {
      throw usageError(
        words === 0 ? `Unexpected "${parsed.positionals[0]}".` : 'The number of arguments is wrong.',
      );
    }
    return parsed;
  } catch (error) {
    if (error instanceof ExitError || !(error instanceof TypeError)) throw error;
    const typed = /^Unknown option '--([^'=]*)/.exec(error.message)?.[1];
    const near = typed === undefined ? null : nearest(typed, Object.keys(options));
    if (typed !== undefined)
      throw usageError(`Unknown option --${typed}${near ? `: did you mean --${near}?` : '.'}`);
    throw usageError(error.message.split('. ', 1)[0] ?? error.message);
  }
}
