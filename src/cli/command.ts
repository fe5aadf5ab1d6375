import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { nearest } from '../base/nearest.ts';
import { visible } from '../base/visible-text.ts';
import type { Config } from '../config/config.ts';
import { loadConfig, originOf } from '../config/load.ts';
import { usageError } from '../ops/exit-codes.ts';
import { becomeOwnerOf } from './privileges.ts';

export type Completion = 'file' | 'folder' | readonly string[];

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly about: string;
  /** Such as `DIR`; defaults to the choices. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly completion?: Completion;
  readonly multiple?: boolean;
  readonly required?: boolean;
  readonly default?: string;
}

export type Options = Readonly<Record<string, Option>>;

export interface Operand {
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

export type Values<T extends Options> = { readonly [Name in keyof T]: ValueOf<T[Name]> };

type Words<T extends readonly Operand[]> = {
  readonly [At in keyof T]: T[At] extends { readonly optional: true }
    ? Chosen<T[At]> | undefined
    : Chosen<T[At]>;
};

export interface Command {
  readonly name: string;
  /** One line with an imperative verb first. */
  readonly summary: string;
  readonly details: readonly string[];
  readonly examples: readonly string[];
  readonly operands: readonly Operand[];
  readonly options: Options;
  /** Results go to stdout, all else to stderr. */
  run(args: string[]): Promise<void>;
}

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

export const JSON_OPTION = {
  json: { type: 'boolean', about: 'Print the answer as JSON.' },
} as const satisfies Options;

export const DATA_OPTIONS = {
  'data-dir': {
    type: 'string',
    value: 'DIR',
    completion: 'folder',
    about: 'Use this data folder instead of the setting data_dir.',
  },
  config: { type: 'string', value: 'FILE', completion: 'file', about: 'Read the settings from this file.' },
} as const satisfies Options;

export const CREATE_OPTION = {
  create: { type: 'boolean', about: 'Create a new store if the data folder has none and no service runs.' },
} as const satisfies Options;

export type DataOptions = Values<typeof DATA_OPTIONS>;

/**
 * Also switches from root to the data folder's owner.
 * @throws ConfigError.
 */
export function configOf(options: DataOptions): Config {
  const config = loadConfig(environmentOf(options));
  becomeOwnerOf(config.dataDir);
  return config;
}

export function originOfFolder(options: DataOptions): string {
  return options['data-dir'] === undefined ? originOf('data_dir', environmentOf(options)) : '--data-dir';
}

export function environmentOf(options: DataOptions): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  if (options.config !== undefined) environment.VISAGE_CONFIG = options.config;
  if (options['data-dir'] !== undefined) environment.VISAGE_DATA_DIR = resolve(options['data-dir']);
  return environment;
}

export function print<T>(answer: T, asJson: boolean, text: (answer: T) => string): void {
  process.stdout.write(asJson ? `${JSON.stringify(answer)}\n` : text(answer));
}

/** Escapes control characters: each word stays in its row. */
export function columns(words: readonly (readonly string[])[]): string {
  const rows = words.map((row) => row.map(visible));
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
    throw usageError(
      `${where}: expected one of ${choices.join(', ')}; got ${JSON.stringify(value)}${near ? `: did you mean ${near}?` : '.'}`,
    );
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
      throw usageError(`Missing option: --${name} ${placeholderOf(option)}.`);
    }
    read[name] = given ?? (option.type === 'boolean' ? false : option.multiple ? [] : undefined);
    for (const value of [given].flat()) {
      if (typeof value === 'string') checkChoice(`--${name}`, value, option.choices);
    }
  }
  operands.forEach(({ name, optional, choices }, at) => {
    const word = words[at];
    if (word !== undefined) checkChoice(name, word, choices);
    else if (!optional) throw usageError(`Missing argument: ${name}.`);
  });
  if (words.length > operands.length) throw usageError(`Unexpected argument "${words[operands.length]}".`);
  return { values: read, words };
}

export function placeholderOf({ value, choices }: Option): string {
  return value ?? choices?.join('|') ?? 'VALUE';
}
