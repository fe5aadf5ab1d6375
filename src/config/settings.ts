/**
 * The one schema of the settings. The TOML file uses the property names; each setting also has an environment
 * variable, `VISAGE_` and the name in capitals.
 */

import { ACCESS_SETTINGS, type AccessConfig } from './access-settings.ts';
import { DEVICE_SETTINGS, type DeviceConfig } from './device-settings.ts';
import type { ListenAddress } from './listen-address.ts';
import { TLS_SETTINGS, type TlsConfig } from './tls-settings.ts';
import { WEB_SETTINGS, type WebConfig } from './web-settings.ts';

/** Settings of a running service, complete and checked. Folders are absolute. */
export interface Config {
  /** Address of the API over plain HTTP. */
  readonly listen: ListenAddress;
  /** Address of `/metrics`; null where nobody asks for them. */
  readonly metricsListen: ListenAddress | null;
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
  readonly device: DeviceConfig;
  readonly tls: TlsConfig;
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
    ...DEVICE_SETTINGS,
    ...TLS_SETTINGS,
    ...ACCESS_SETTINGS,
    ...WEB_SETTINGS,
    registration: { type: 'string', enum: ['closed', 'open'], description: 'closed or open' },
    log_level: { type: 'string', enum: LOG_LEVELS, description: `one of ${LOG_LEVELS.join(', ')}` },
  },
} as const;

export type SettingName = keyof typeof SETTINGS_SCHEMA.properties;

export const SETTING_NAMES = Object.keys(SETTINGS_SCHEMA.properties) as SettingName[];

/** Settings that a reload changes; the others need a restart. */
export const LIVE_SETTINGS: ReadonlySet<SettingName> = new Set<SettingName>([
  'log_level',
  'plan',
  'plans',
  'prices',
  'account_balance',
  'address_rate_limit',
  'trusted_proxies',
  'tls_certificate',
  'tls_key',
  'tls_redirect',
  'hsts_max_age',
]);

/** Name of a setting's environment variable. */
export function environmentName(setting: SettingName): string {
  return `VISAGE_${setting.toUpperCase()}`;
}
