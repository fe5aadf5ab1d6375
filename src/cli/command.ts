/**
 * What a command of visagectl is: one file, and one line in `commands.ts`. Its usage, its help, its manual page and
 * what the shell completes are all made from what it says here.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import { nearest } from '../config/nearest.ts';
import type { Config } from '../config/settings.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { becomeOwnerOf } from './privileges.ts';

/** What the shell offers in a place: paths of files or folders, or words. */
export type Completion = 'file' | 'folder' | readonly string[];

/** `--name VALUE`, or `--name` alone for a boolean, which is false unless it is given. */
export interface Option {
  readonly type: 'string' | 'boolean';
  /** What it does, for people: a phrase without a full stop. */
  readonly about: string;
  /** Stands for the value, such as `DIR`; its choices do where it has some. */
  readonly value?: string;
  /** The only values. */
  readonly choices?: readonly string[];
  readonly completion?: Completion;
  /** May be given several times: its values are a list, empty if it is not given. */
  readonly multiple?: boolean;
  readonly required?: boolean;
  readonly default?: string;
}

export type Options = Readonly<Record<string, Option>>;

/** A word after the command's own. */
export interface Operand {
  /** In capitals, such as `ID`. */
  readonly name: string;
  readonly about: string;
  readonly choices?: readonly string[];
  readonly completion?: Completion;
  readonly optional?: boolean;
}

type Chosen<T> = T extends { readonly choices: readonly (infer Choice)[] } ? Choice : string;

type ValueOf<T extends Option> = T extends { readonly type: 'boolean' }
  ? boolean
  : T extends { readonly multiple: true }
    ? readonly string[]
    : T extends { readonly required: true } | { readonly default: string }
      ? Chosen<T>
      : Chosen<T> | undefined;

/** What was given for each option. */
export type Values<T extends Options> = { readonly [Name in keyof T]: ValueOf<T[Name]> };

type Words<T extends readonly Operand[]> = {
  readonly [At in keyof T]: T[At] extends { readonly optional: true }
    ? Chosen<T[At]> | undefined
    : Chosen<T[At]>;
};

export interface Command {
  /** Words that call it, such as `keys create`. */
  readonly name: string;
  /** One line of what it does. */
  readonly summary: string;
  /** What else there is to know, in paragraphs. */
  readonly details: readonly string[];
  /** Command lines that work, without `visagectl`. */
  readonly examples: readonly string[];
  readonly operands: readonly Operand[];
  readonly options: Options;
  /** @param args what follows the words. Results go to stdout, everything else to stderr. */
  run(args: string[]): Promise<void>;
}

/** Makes a command. `run` is given its options and its operands, checked. */
export function command<const T extends Options, const W extends readonly Operand[] = readonly []>(spec: {
  readonly name: string;
  readonly summary: string;
  readonly details?: readonly string[];
  readonly examples?: readonly string[];
  readonly operands?: W;
  readonly options: T;
  run(values: Values<T>, operands: Words<W>): Promise<void>;
}): Command {
  const { name, summary, details = [], examples = [], options } = spec;
  const operands: readonly Operand[] = spec.operands ?? [];
  const run = async (args: string[]): Promise<void> => {
    const { values, words } = readArguments(args, options, operands);
    await spec.run(values as Values<T>, words as unknown as Words<W>);
  };
  return { name, summary, details, examples, operands, options, run };
}

/** The command line is wrong. */
export function usageError(message: string): ExitError {
  return new ExitError(EXIT.usage, message);
}

/** Prints the answer as JSON, on one line. */
export const JSON_OPTION = {
  json: { type: 'boolean', about: 'answer in JSON, for programs' },
} as const satisfies Options;

/** Options that every command has that needs the service's data. */
export const DATA_OPTIONS = {
  'data-dir': {
    type: 'string',
    value: 'DIR',
    completion: 'folder',
    about: "the service's data folder, in place of the settings' data_dir",
  },
  config: { type: 'string', value: 'FILE', completion: 'file', about: 'the settings file' },
} as const satisfies Options;

/** Values of {@link DATA_OPTIONS}. */
export type DataOptions = Values<typeof DATA_OPTIONS>;

/**
 * The settings that a command works with. From here on root is whoever owns the data folder.
 * @param options `data-dir` and `config` stand over `VISAGE_DATA_DIR` and `VISAGE_CONFIG`.
 * @throws ConfigError.
 */
export function configOf(options: DataOptions): Config {
  const config = loadConfig(environmentOf(options));
  becomeOwnerOf(config.dataDir);
  return config;
}

/** The environment of {@link configOf}. */
export function environmentOf(options: DataOptions): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  if (options.config !== undefined) environment.VISAGE_CONFIG = options.config;
  if (options['data-dir'] !== undefined) environment.VISAGE_DATA_DIR = resolve(options['data-dir']);
  return environment;
}

/** Prints an answer: one line of JSON, or what `text` makes of it for people. */
export function print<T>(answer: T, asJson: boolean, text: (answer: T) => string): void {
  process.stdout.write(asJson ? `${JSON.stringify(answer)}\n` : text(answer));
}

/** Rows of words, each column as wide as its widest word; nothing for no rows. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((word, at) => {
      widths[at] = Math.max(widths[at] ?? 0, word.length);
    });
  const line = (row: readonly string[]) => row.map((word, at) => word.padEnd(widths[at] ?? 0)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

function checkChoice(where: string, value: string, choices: readonly string[] | undefined): void {
  if (choices && !choices.includes(value)) {
    const near = nearest(value, choices);
    throw usageError(`${where} is one of ${choices.join(', ')}${near ? `: did you mean ${near}?` : '.'}`);
  }
}

function parse(args: string[], options: Options) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const typed = /^Unknown option '--([^'=]*)/.exec(error.message)?.[1];
    const near = typed === undefined ? null : nearest(typed, Object.keys(options));
    if (typed !== undefined)
      throw usageError(`Unknown option --${typed}${near ? `: did you mean --${near}?` : '.'}`);
    throw usageError(error.message.split('. ', 1)[0] ?? error.message);
  }
}

function readArguments(args: string[], options: Options, operands: readonly Operand[]) {
  const { values, positionals: words } = parse(args, options);
  const read: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const given = values[name];
    if (given === undefined && option.required) {
      throw usageError(`--${name} ${placeholderOf(option)} is missing.`);
    }
    read[name] = given ?? (option.type === 'boolean' ? false : option.multiple ? [] : undefined);
    for (const value of [given].flat()) {
      if (typeof value === 'string') checkChoice(`--${name}`, value, option.choices);
    }
  }
  operands.forEach(({ name, optional, choices }, at) => {
    const word = words[at];
    if (word !== undefined) checkChoice(name, word, choices);
    else if (!optional) throw usageError(`${name} is missing.`);
  });
  if (words.length > operands.length) throw usageError(`Unexpected "${words[operands.length]}".`);
  return { values: read, words };
}

/** What stands for an option's value, such as `DIR` or `live|test`. */
export function placeholderOf({ value, choices }: Option): string {
  return value ?? choices?.join('|') ?? 'VALUE';
}
