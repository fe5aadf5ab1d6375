/**
 * The one schema of the settings. The TOML file uses the property names; each setting also has an environment
 * variable, `VISAGE_` and the name in capitals.
 */

import { ACCESS_SETTINGS, type AccessConfig } from './access-settings.ts';
import { WEB_SETTINGS, type WebConfig } from './web-settings.ts';

/** Settings of a running service, complete and checked. Folders are absolute. */
export interface Config {
  /** Address of the API. `host` is a name or an IP address without brackets; `port` 0 lets the system pick one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Address of `/metrics`; null where nobody asks for them. */
  readonly metricsListen: { readonly host: string; readonly port: number } | null;
  /** Folder of the store, the lock and the admin socket. */
  readonly dataDir: string;
  /** The default model pack: name of a folder in `models/`, or an absolute path. */
  readonly modelPack: string;
  /** Packs that are loaded beside it, named alike. */
  readonly extraModelPacks: readonly string[];
  /** Threads of the addon's executor, 1..256. */
  readonly threads: number;
  /** Jobs that may wait for a thread, 1..65536; more are answered `OVERLOADED`. */
  readonly maxQueue: number;
  readonly logLevel: LogLevel;
  readonly access: AccessConfig;
  readonly web: WebConfig;
  /** `open`: anybody may make an account of their own. */
  readonly registration: 'closed' | 'open';
  /** Older audit entries are removed, and so are the oldest beyond a number. */
  readonly audit: { readonly maxEntries: number; readonly maxDays: number };
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON Schema of the file. Each `description` completes "it must be ...". */
export const SETTINGS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    listen: {
      type: 'string',
      format: 'host-port',
      description: 'host:port, such as "127.0.0.1:8080" or "[::1]:8080"',
    },
    metrics_listen: {
      type: 'string',
      format: 'host-port',
      description: 'host:port, such as "127.0.0.1:9464"',
    },
    data_dir: { type: 'string', minLength: 1, description: 'the path of a folder' },
    model_pack: {
      type: 'string',
      minLength: 1,
      description: 'the name of a folder in models/, or the path of a folder',
    },
    extra_model_packs: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      description: 'a list of names of folders in models/ and paths of folders',
    },
    threads: { type: 'integer', minimum: 1, maximum: 256, description: 'a whole number from 1 to 256' },
    max_queue: { type: 'integer', minimum: 1, maximum: 65536, description: 'a whole number from 1 to 65536' },
    audit_max_entries: {
      type: 'integer',
      minimum: 1000,
      maximum: 100_000_000,
      description: 'a whole number from 1000 to 100000000',
    },
    audit_max_days: {
      type: 'integer',
      minimum: 1,
      maximum: 36500,
      description: 'a whole number from 1 to 36500',
    },
    ...ACCESS_SETTINGS,
    ...WEB_SETTINGS,
    registration: { type: 'string', enum: ['closed', 'open'], description: 'closed or open' },
    log_level: { type: 'string', enum: LOG_LEVELS, description: `one of ${LOG_LEVELS.join(', ')}` },
  },
} as const;

export type SettingName = keyof typeof SETTINGS_SCHEMA.properties;

export const SETTING_NAMES = Object.keys(SETTINGS_SCHEMA.properties) as SettingName[];

/** Name of a setting's environment variable. */
export function environmentName(setting: SettingName): string {
  return `VISAGE_${setting.toUpperCase()}`;
}

/**
 * Splits `host:port`; an IPv6 address stands in brackets.
 * @returns null if the text is not of that form or the port is not 0..65535.
 */
export function parseListen(text: string): Config['listen'] | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  if (!match) return null;
  const port = Number(match[3]);
  const host = match[1] ?? match[2];
  return host === undefined || port > 65535 ? null : { host, port };
}
