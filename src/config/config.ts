/** Paths are absolute, sizes bytes. */
import { relative, resolve } from 'node:path';
import { type Network, parseNetwork } from '../base/ip-networks.ts';
import { ConfigError } from './config-error.ts';
import { type ListenAddress, parseListen } from './listen-address.ts';
import type { SettingValues } from './settings.ts';

const MEGABYTE = 1_000_000;
const MICRODOLLARS = 1_000_000;
const MINUTE_MS = 60_000;

export type Config = Readonly<ReturnType<typeof configOf>>;
export type TlsConfig = Readonly<ReturnType<typeof tlsConfigOf>>;
export type AccessConfig = Readonly<ReturnType<typeof accessConfigOf>>;
export type WebConfig = Readonly<ReturnType<typeof webConfigOf>>;
export type ConnectionConfig = Config['connections'];
export type Plan = AccessConfig['plan'];
export type DeviceChoice = SettingValues['device'];
export type LogLevel = SettingValues['log_level'];

/** @throws ConfigError if settings contradict each other. */
export function configOf(values: SettingValues) {
  return {
    listen: addressOf(values.listen),
    metricsListen: values.metrics_listen === null ? null : addressOf(values.metrics_listen),
    dataDir: resolve(values.data_dir),
    backupKey: resolve(values.backup_key),
    /** Null: no backups over the API. */
    backupDir: backupDirOf(values),
    backupKeep: values.backup_keep,
    modelPack: packOf(values.model_pack),
    extraModelPacks: values.extra_model_packs.map(packOf),
    threads: values.threads,
    maxQueue: values.max_queue,
    rowsOnDiskFrom: values.rows_on_disk_from,
    maxBodyMemory: values.max_body_memory * MEGABYTE,
    logLevel: values.log_level,
    device: {
      choice: values.device,
      maxBatch: values.max_batch,
      maxDelayMs: values.max_delay_ms,
      /** Bytes per network; 0: no limit. */
      memoryLimit: values.gpu_memory_mb * MEGABYTE,
    },
    tls: tlsConfigOf(values),
    access: accessConfigOf(values),
    web: webConfigOf(values),
    connections: {
      maxPerAddress: values.max_connections_per_address,
      maxTotal: values.max_connections,
      idleTimeoutMs: values.idle_timeout * 1000,
    },
    registration: values.registration,
    events: { days: values.events_days, maxEvents: values.max_events, cropDays: values.event_crop_days },
    audit: { maxEntries: values.audit_max_entries, maxDays: values.audit_max_days },
  };
}

function addressOf(text: string): ListenAddress {
  return parseListen(text) as ListenAddress;
}

function backupDirOf({ backup_dir: folder, data_dir: dataDir }: SettingValues): string | null {
  if (folder === null) return null;
  if (!relative(resolve(dataDir), resolve(folder)).startsWith('..')) {
    throw new ConfigError(
      `backup_dir: expected a folder outside data_dir ${resolve(dataDir)}, got "${folder}"; backups there would be lost with it`,
    );
  }
  return resolve(folder);
}

function networkOf(text: string): Network {
  return parseNetwork(text) as Network;
}

function packOf(modelPack: string): string {
  return modelPack.includes('/') ? resolve(modelPack) : modelPack;
}

function tlsConfigOf(values: SettingValues) {
  const { tls_listen: listen, tls_certificate: certificate, tls_key: key } = values;
  if ((certificate === null) !== (key === null)) {
    const [given, missing] = key === null ? ['tls_certificate', 'tls_key'] : ['tls_key', 'tls_certificate'];
    throw new ConfigError(`${missing}: expected the path of a file because ${given} is set, got nothing`);
  }
  return {
    listen: listen === null ? null : addressOf(listen),
    files:
      certificate === null || key === null ? null : { certificate: resolve(certificate), key: resolve(key) },
    redirect: values.tls_redirect,
    /** Seconds. */
    hstsMaxAge: values.hsts_max_age,
  };
}

function accessConfigOf(values: SettingValues) {
  const plan = Object.hasOwn(values.plans, values.plan) ? values.plans[values.plan] : undefined;
  if (!plan) {
    const known = Object.keys(values.plans).join(', ');
    throw new ConfigError(`plan: expected one of ${known}, got "${values.plan}"`);
  }
  return {
    trustedProxies: values.trusted_proxies.map(networkOf),
    plan: { name: values.plan, keysPerMember: plan.keys_per_member, maxRateLimit: plan.max_rate_limit },
    prices: Object.fromEntries(
      Object.entries(values.prices).map(([operation, dollars]) => [
        operation,
        Math.round(dollars * MICRODOLLARS),
      ]),
    ) as Readonly<Record<string, number>>,
    isPrepaid: values.account_balance === 'prepaid',
    sessionIdleMs: values.session_idle_minutes * MINUTE_MS,
    addressRateLimit: values.address_rate_limit,
  };
}

function webConfigOf({ web, dashboard_origin, allowed_origins, image_url }: SettingValues) {
  const { enabled, ports, allow } = image_url;
  return {
    isServed: web,
    dashboardOrigin: dashboard_origin,
    allowedOrigins: allowed_origins,
    imageUrl: {
      enabled,
      ports,
      allow: allow.map(({ account, network, port }) => ({
        accountId: account,
        network: networkOf(network),
        port,
      })),
    },
  };
}

export type LiveAccessConfig = AccessConfig & { readonly replace: (next: AccessConfig) => void };

export function liveAccessConfig(first: AccessConfig): LiveAccessConfig {
  let current = first;
  const getters = Object.keys(first).map((name) => [
    name,
    { get: () => current[name as keyof AccessConfig], enumerable: true },
  ]);
  const replace = (next: AccessConfig) => {
    current = next;
  };
  return Object.defineProperties({ replace }, Object.fromEntries(getters)) as LiveAccessConfig;
}
