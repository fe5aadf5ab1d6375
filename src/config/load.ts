/** The environment overrides the file, which overrides defaults. */

import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { parse as parseToml, TomlError } from 'smol-toml';
import { TRUSTED_SCHEMAS } from '../base/ajv-options.ts';
import { parseWhole } from '../base/decimal.ts';
import { nearest } from '../base/nearest.ts';
import { type Config, configOf } from './config.ts';
import { ConfigError } from './config-error.ts';
import { defaultsOf, expected, FORMATS, type Schema, type Source } from './setting.ts';
import {
  environmentName,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  type SettingValues,
} from './settings.ts';

const CONFIG_FILE_VARIABLE = 'VISAGE_CONFIG';

const ajv = new Ajv2020({
  ...TRUSTED_SCHEMAS,
  verbose: true,
  formats: Object.fromEntries(Object.entries(FORMATS).map(([name, { test }]) => [name, test])),
});

type GivenValues = Partial<Record<SettingName, unknown>>;

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

function suggestion(typed: string, names: readonly string[]): string {
  const name = nearest(typed, names);
  return name === null ? `expected one of ${names.join(', ')}` : `did you mean ${name}?`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return typeof value === 'object' ? 'a table' : String(value);
}

function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join('');
}

function refusal(error: ErrorObject, { place, origin, unit }: Place): string {
  const where = place + pathOf(error.instancePath);
  const schema = error.parentSchema as Schema;
  if (error.propertyName !== undefined) {
    const { enum: names } = error.parentSchema as { enum: readonly string[] };
    return `${where}${origin}: unknown name "${error.propertyName}"; ${suggestion(error.propertyName, names)}`;
  }
  if (error.keyword === 'additionalProperties' && 'properties' in schema) {
    const { additionalProperty: name } = error.params;
    return `${where}${origin}: unknown name "${name}"; ${suggestion(name, Object.keys(schema.properties))}`;
  }
  if (error.keyword === 'required' && 'properties' in schema) {
    const { missingProperty: name } = error.params;
    return `${where}.${name}${origin}: expected ${expected(schema.properties[name] as Schema)}, got nothing`;
  }
  const rule = expected(schema, error.instancePath === '' ? unit : undefined);
  return `${where}${origin}: expected ${rule}, got ${shown(error.data)}`;
}

interface Place {
  readonly place: string;
  readonly origin: string;
  readonly unit: string | undefined;
}

function check(name: SettingName, value: unknown, place: string, origin = ''): void {
  // Ajv compiles each schema once.
  const validate = ajv.compile(SETTINGS[name].schema);
  if (validate(value)) return;
  const [error] = validate.errors as [ErrorObject];
  throw new ConfigError(refusal(error, { place, origin, unit: SETTINGS[name].unit }));
}

/** Resolves paths from the settings file's folder. */
function located(value: unknown, schema: Schema, folder: string): unknown {
  if (schema.type === 'array') {
    return (value as readonly unknown[]).map((item) => located(item, schema.items, folder));
  }
  if (!('format' in schema)) return value;
  return FORMATS[schema.format].isPath(value as string) ? resolve(folder, value as string) : value;
}

const FOUND: Readonly<Record<string, string>> = {
  ENOENT: 'nothing',
  EISDIR: 'a folder',
  EACCES: 'a file that it may not read',
};

function fromFile(file: string): GivenValues {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const found = FOUND[code ?? ''] ?? code;
    throw new ConfigError(
      `${CONFIG_FILE_VARIABLE}: expected a TOML file that this user may read at ${file}, got ${found}`,
    );
  }
  if ((statSync(file).mode & 0o002) !== 0) {
    throw new ConfigError(`${file}: every user may write this settings file. Run \`chmod o-w ${file}\`.`);
  }
  let table: Record<string, unknown>;
  try {
    table = parseToml(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const why = cause.message.split('\n', 1)[0]?.replace(/^Invalid TOML document: /, '');
    throw new ConfigError(`${file}:${cause.line}:${cause.column}: invalid TOML: ${why}`);
  }
  const values: GivenValues = {};
  for (const [name, value] of Object.entries(table)) {
    if (!isSetting(name)) {
      throw new ConfigError(`${file}: unknown setting "${name}"; ${suggestion(name, SETTING_NAMES)}`);
    }
    check(name, value, name, ` in ${file}`);
    values[name] = located(value, SETTINGS[name].schema, dirname(file));
  }
  return values;
}

function fromText({ type }: Schema, text: string): unknown {
  if (type === 'integer') return parseWhole(text) ?? text;
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true';
  if (type === 'array') return text.split(',').map((item) => item.trim());
  return text;
}

function fromEnvironment(environment: NodeJS.ProcessEnv): GivenValues {
  const settings = new Map(SETTING_NAMES.map((name) => [environmentName(name), name]));
  const values: GivenValues = {};
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('VISAGE_') || variable === CONFIG_FILE_VARIABLE || text === undefined) continue;
    const name = settings.get(variable);
    if (name === undefined) {
      const known = [CONFIG_FILE_VARIABLE, ...settings.keys()];
      throw new ConfigError(`${variable}: unknown environment variable; ${suggestion(variable, known)}`);
    }
    const value = fromText(SETTINGS[name].schema, text);
    check(name, value, variable);
    values[name] = value;
  }
  return values;
}

function completed(name: SettingName, given: GivenValues, source: Source): unknown {
  const { default: standard, schema } = SETTINGS[name];
  const value = given[name];
  if (schema.type === 'object')
    return { ...defaultsOf(schema), ...(standard as object), ...(value as object) };
  return value ?? (typeof standard === 'function' ? standard(source) : standard);
}

/**
 * @param environment its `VISAGE_CONFIG` names the TOML file.
 * @throws ConfigError.
 */
export function readSettings(environment: NodeJS.ProcessEnv): SettingValues {
  const file = environment[CONFIG_FILE_VARIABLE];
  if (file === '') throw new ConfigError(`${CONFIG_FILE_VARIABLE}: expected the path of a TOML file, got ""`);
  const given = {
    ...(file === undefined ? {} : fromFile(resolve(file))),
    ...fromEnvironment(environment),
  };
  const entries = SETTING_NAMES.map((name) => [name, completed(name, given, { environment, file })]);
  return Object.fromEntries(entries) as SettingValues;
}

/** Ignores settings file and variables. */
export function defaultSettings(environment: NodeJS.ProcessEnv): SettingValues {
  const source = { environment, file: environment[CONFIG_FILE_VARIABLE] };
  return Object.fromEntries(
    SETTING_NAMES.map((name) => [name, completed(name, {}, source)]),
  ) as SettingValues;
}

export type SettingSource = 'default' | 'file' | 'environment';

export type SettingSources = Readonly<Record<SettingName, SettingSource>>;

/** @throws ConfigError. */
export function settingSources(environment: NodeJS.ProcessEnv): SettingSources {
  const file = configFileOf(environment);
  const given = file === null ? {} : fromFile(file);
  const variables = fromEnvironment(environment);
  const sourceOf = (name: SettingName): SettingSource => {
    if (variables[name] !== undefined) return 'environment';
    return given[name] === undefined ? 'default' : 'file';
  };
  return Object.fromEntries(SETTING_NAMES.map((name) => [name, sourceOf(name)])) as SettingSources;
}

/** Absolute path; null if `VISAGE_CONFIG` names none. */
export function configFileOf(environment: NodeJS.ProcessEnv): string | null {
  const file = environment[CONFIG_FILE_VARIABLE];
  return file === undefined ? null : resolve(file);
}

export function originOf(name: SettingName, environment: NodeJS.ProcessEnv): string {
  const variable = environmentName(name);
  if (environment[variable] !== undefined) return variable;
  const file = configFileOf(environment);
  return file !== null && fromFile(file)[name] !== undefined
    ? `${name} in ${file}`
    : `the default of ${name}`;
}

export function isGiven(name: SettingName, environment: NodeJS.ProcessEnv): boolean {
  return !originOf(name, environment).startsWith('the default');
}

/** @throws ConfigError. */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  return configOf(readSettings(environment));
}
