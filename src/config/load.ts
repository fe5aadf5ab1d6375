/** Reads the settings: environment over file over defaults. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse as parseToml, TomlError } from 'smol-toml';
import { TRUSTED_SCHEMAS } from '../ops/trusted-schemas.ts';
import { ACCESS_DEFAULTS, type AccessValues, accessConfigOf } from './access-settings.ts';
import { ConfigError } from './config-error.ts';
import { DEVICE_DEFAULTS, type DeviceValues, deviceConfigOf } from './device-settings.ts';
import { parseListen } from './listen-address.ts';
import { nearest } from './nearest.ts';
import { parseNetwork } from './networks.ts';
import {
  type Config,
  environmentName,
  type LogLevel,
  SETTING_NAMES,
  SETTINGS_SCHEMA,
  type SettingName,
} from './settings.ts';
import { TLS_DEFAULTS, type TlsValues, tlsConfigOf } from './tls-settings.ts';
import { isOrigin, WEB_DEFAULTS, type WebValues, webConfigOf } from './web-settings.ts';

const CONFIG_FILE_VARIABLE = 'VISAGE_CONFIG';

const ajv = new Ajv2020({
  ...TRUSTED_SCHEMAS,
  formats: {
    'host-port': (text: string) => parseListen(text) !== null,
    network: (text: string) => parseNetwork(text) !== null,
    origin: isOrigin,
  },
});
const validators = new Map(
  SETTING_NAMES.map((name) => [name, ajv.compile(SETTINGS_SCHEMA.properties[name])]),
);

type Values = Partial<Record<SettingName, unknown>>;

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS_SCHEMA.properties, name);
}

function meant(typed: string, names: readonly string[]): string {
  const name = nearest(typed, names);
  return name === null ? `the known ones are ${names.join(', ')}.` : `did you mean ${name}?`;
}

function check(name: SettingName, value: unknown, where: string): void {
  if (validators.get(name)?.(value)) return;
  const shown =
    typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : `a ${kind(value)}`;
  throw new ConfigError(
    `${where} is ${shown}, but it must be ${SETTINGS_SCHEMA.properties[name].description}.`,
  );
}

function kind(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  if (value instanceof Date) return 'date';
  return typeof value === 'object' ? 'table' : typeof value;
}

/** A pack's name has no `/`. */
function isPath(modelPack: unknown): boolean {
  return typeof modelPack === 'string' && modelPack.includes('/');
}

function packOf(modelPack: string): string {
  return isPath(modelPack) ? resolve(modelPack) : modelPack;
}

function fromFile(file: string): Values {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'it is not there' : code === 'EISDIR' ? 'it is a folder' : String(code);
    throw new ConfigError(
      `The settings file ${file} named by ${CONFIG_FILE_VARIABLE} cannot be read: ${why}.`,
    );
  }
  let table: Record<string, unknown>;
  try {
    table = parseToml(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const why = cause.message.split('\n', 1)[0]?.replace(/^Invalid TOML document: /, '');
    throw new ConfigError(
      `The settings file ${file} is not TOML: line ${cause.line}, column ${cause.column}: ${why}.`,
    );
  }
  const values: Values = {};
  for (const [name, value] of Object.entries(table)) {
    if (!isSetting(name)) {
      throw new ConfigError(`Unknown setting "${name}" in ${file}: ${meant(name, SETTING_NAMES)}`);
    }
    check(name, value, `Setting "${name}" in ${file}`);
    values[name] = value;
  }
  // A path in the file means the same wherever the service and visagectl are started from.
  const located = (path: unknown) => (typeof path === 'string' ? resolve(dirname(file), path) : path);
  for (const name of ['data_dir', 'tls_certificate', 'tls_key'] as const) {
    if (values[name] !== undefined) values[name] = located(values[name]);
  }
  const locatedPack = (pack: unknown) => (isPath(pack) ? located(pack) : pack);
  if (values.model_pack !== undefined) values.model_pack = locatedPack(values.model_pack);
  if (Array.isArray(values.extra_model_packs)) {
    values.extra_model_packs = values.extra_model_packs.map(locatedPack);
  }
  return values;
}

/** A setting's value as a variable writes it: a list has commas. */
function settingOf(name: SettingName, text: string): unknown {
  const { type } = SETTINGS_SCHEMA.properties[name];
  if (type === 'integer' && /^-?\d{1,9}$/.test(text)) return Number(text);
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true';
  if (type === 'array') return text.split(',').map((item) => item.trim());
  return text;
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Values {
  const settings = new Map(SETTING_NAMES.map((name) => [environmentName(name), name]));
  const values: Values = {};
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('VISAGE_') || variable === CONFIG_FILE_VARIABLE || text === undefined) continue;
    const name = settings.get(variable);
    if (name === undefined) {
      const known = [CONFIG_FILE_VARIABLE, ...settings.keys()];
      throw new ConfigError(`Unknown environment variable ${variable}: ${meant(variable, known)}`);
    }
    const value = settingOf(name, text);
    check(name, value, `Environment variable ${variable}`);
    values[name] = value;
  }
  return values;
}

/** Every setting by its name, checked one by one: what was given, over the defaults. */
export type SettingValues = AccessValues &
  DeviceValues &
  TlsValues &
  WebValues & {
    readonly listen: string;
    readonly metrics_listen: string | null;
    readonly data_dir: string;
    readonly model_pack: string;
    readonly extra_model_packs: readonly string[];
    readonly threads: number;
    readonly max_queue: number;
    readonly log_level: LogLevel;
    readonly registration: Config['registration'];
    readonly audit_max_entries: number;
    readonly audit_max_days: number;
  };

/**
 * Reads the settings of this process.
 * @param environment usually `process.env`; `VISAGE_CONFIG` in it names the TOML file. A relative path in the file
 *   is taken from the file's folder, any other from the working folder.
 * @throws ConfigError that says which setting, from where, what is wrong and what is right.
 */
export function readSettings(environment: NodeJS.ProcessEnv): SettingValues {
  const file = environment[CONFIG_FILE_VARIABLE];
  if (file === '')
    throw new ConfigError(`${CONFIG_FILE_VARIABLE} is empty, but it must be the path of a TOML file.`);
  const defaults: SettingValues = {
    listen: '127.0.0.1:8080',
    metrics_listen: null,
    data_dir: './data',
    model_pack: 'faceplugin',
    extra_model_packs: [],
    threads: Math.min(availableParallelism(), SETTINGS_SCHEMA.properties.threads.maximum),
    max_queue: 64,
    log_level: 'info',
    registration: 'closed',
    audit_max_entries: 1_000_000,
    audit_max_days: 400,
    ...ACCESS_DEFAULTS,
    ...DEVICE_DEFAULTS,
    ...TLS_DEFAULTS,
    ...WEB_DEFAULTS,
  };
  return {
    ...defaults,
    ...(file === undefined ? {} : fromFile(resolve(file))),
    ...fromEnvironment(environment),
  } as SettingValues;
}

/** What the settings come to. @throws ConfigError where two of them do not go together. */
export function configOf(values: SettingValues): Config {
  return {
    listen: parseListen(values.listen) as Config['listen'],
    metricsListen: values.metrics_listen === null ? null : parseListen(values.metrics_listen),
    dataDir: resolve(values.data_dir),
    modelPack: packOf(values.model_pack),
    extraModelPacks: values.extra_model_packs.map(packOf),
    threads: values.threads,
    maxQueue: values.max_queue,
    logLevel: values.log_level,
    device: deviceConfigOf(values),
    tls: tlsConfigOf(values),
    access: accessConfigOf(values),
    web: webConfigOf(values),
    registration: values.registration,
    audit: { maxEntries: values.audit_max_entries, maxDays: values.audit_max_days },
  };
}

/** The settings of this process, complete. @throws ConfigError as {@link readSettings} and {@link configOf} do. */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  return configOf(readSettings(environment));
}
