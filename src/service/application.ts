import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { Audit, type AuditEntry } from '../access/audit/audit.ts';
import { UsageLog } from '../access/billing/usage-log.ts';
import { Idempotency } from '../access/idempotency.ts';
import { keyAdministration } from '../access/keys/key-administration.ts';
import { createIdentity, type Identity } from '../access/members/identity.ts';
import { identityAdministration } from '../access/members/identity-administration.ts';
import type { SigningKeys } from '../access/tokens/signing-keys.ts';
import { type Config, configOf } from '../config/config.ts';
import { configFileOf, readSettings, settingSources } from '../config/load.ts';
import { wideningSettings } from '../config/widening.ts';
import { EventRecorder } from '../events/recorder.ts';
import { EventStreams } from '../events/streams.ts';
import { adminListener, createAdminApp } from '../http/admin.ts';
import { BodyBudget } from '../http/body-budget.ts';
import { createImageFetcher } from '../http/image-fetch.ts';
import { imageUrlPolicy } from '../http/image-url-policy.ts';
import { searchKernels } from '../native/gallery-index.ts';
import { runtimeVersion } from '../native/networks.ts';
import { Metrics } from '../ops/metrics.ts';
import { Reloader } from '../ops/reload.ts';
import { addStateMetrics } from '../ops/state-metrics.ts';
import { Migrator } from '../recognition/migrator.ts';
import { Sightings } from '../recognition/sightings.ts';
import { readLastBackup } from '../store/backup.ts';
import { createApp } from './app.ts';
import { createAppliance } from './appliance.ts';
import type { Stages } from './indexes.ts';
import type { Undos } from './shutdown.ts';

export interface Application {
  readonly publicApi: RequestListener;
  readonly adminApi: RequestListener;
  readonly metrics: Metrics;
  readonly reloader: Reloader;
  readonly audit: Audit;
  readonly events: EventRecorder;
  /** Null if an owner exists. */
  readonly setupCode: string | null;
  readonly status: () => string;
}

export async function createApplication(stages: Stages, undos: Undos): Promise<Application> {
  const { boot, listeners, data, models, indexes: index } = stages;
  const { config, log, access, health, anonymousLimits, version } = boot;
  const { store } = data;
  const { indexes } = index;
  const audit = new Audit(store.audit, { now: Date.now, log, retention: config.audit });
  undos.add('audit log', () => audit.close());
  const recordWidening = wideningRecord(audit);
  await recordWidening(config);
  const usage = new UsageLog(store, log);
  undos.add('usage', () => usage.close());
  const events = new EventRecorder(store.events, { now: Date.now, log, limits: config.events });
  undos.add('events', () => events.close());
  const eventStreams = new EventStreams(store.events, events);
  undos.add('readiness', () => eventStreams.close());
  const { registration, web } = config;
  const signingKeys = await data.signingKeysReady;
  const { dashboardOrigin, imageUrl } = web;
  const identity = createIdentity({
    store,
    signingKeys,
    audit,
    registration,
    dashboardOrigin,
    access,
    now: Date.now,
  });
  undos.add('passwords', () => identity.passwords.close());
  const idempotency = new Idempotency({ store, now: Date.now });
  undos.add('idempotency', () => idempotency.close());
  const metrics = createMetrics(stages, events, eventStreams);
  const appliance = createAppliance(stages, metrics, () => reloader, undos);
  const { recognizers } = models;
  const { migrator, sightings } = startMigrations(stages, audit, undos);
  const publicApi = createApp({
    web,
    fetchImage: imageUrl.enabled
      ? createImageFetcher({ policy: imageUrlPolicy(imageUrl, () => listeners.ports) })
      : null,
    access,
    bodies: new BodyBudget(config.maxBodyMemory),
    usage,
    events,
    eventStreams,
    identity,
    idempotency,
    store,
    indexes,
    recognizers,
    sightings,
    now: Date.now,
    log,
    health,
    audit,
    observer: {
      requestBegan: () => metrics.requestBegan(),
      requestEnded: (record) => {
        metrics.requestEnded(record);
        appliance.history.requestEnded(record);
      },
    },
    anonymousLimits,
    appliance,
    version,
  }).callback();
  const status = () => `Serving ${indexes.totals().templates} faces at ${listeners.urls.join(', ')}`;
  const reloader = createReloader(stages, recordWidening, status);
  const admin = openAdmin(stages, { audit, identity, signingKeys, migrator, reloader });
  return {
    publicApi,
    adminApi: adminListener(admin, publicApi),
    metrics,
    reloader,
    audit,
    events,
    setupCode: identity.setupCode?.text ?? null,
    status,
  };
}

interface AdminParts {
  readonly audit: Audit;
  readonly identity: Identity;
  readonly signingKeys: SigningKeys;
  readonly migrator: Migrator;
  readonly reloader: Reloader;
}

function openAdmin({ boot, listeners, data }: Stages, parts: AdminParts) {
  const { audit, identity, signingKeys, migrator, reloader } = parts;
  return createAdminApp({
    keys: keyAdministration(data.store, audit),
    migrations: migrator,
    identity: identityAdministration({ ...identity, audit, signingKeys: async () => signingKeys }),
    reload: () => reloader.reload(),
    facts: () => ({
      version: boot.version,
      configFile: configFileOf(boot.environment),
      dataDir: boot.config.dataDir,
      settings: reloader.values,
      ...listeners.facts,
    }),
    log: boot.log,
  });
}

function startMigrations({ boot, data, models, indexes: { indexes } }: Stages, audit: Audit, undos: Undos) {
  const parts = {
    store: data.store,
    indexes,
    recognizers: models.recognizers,
    now: Date.now,
    log: boot.log,
    audit: (entry: AuditEntry) => audit.record(entry),
  };
  const migrator = new Migrator(parts);
  undos.add('migrations', () => migrator.close());
  migrator.start();
  return { migrator, sightings: new Sightings(parts, migrator) };
}

function wideningRecord(audit: Audit): (config: Config) => Promise<void> {
  const recorded = new Set<string>();
  return async (config) => {
    for (const target of wideningSettings(config)) {
      if (recorded.has(target)) continue;
      recorded.add(target);
      await audit.record({ actor: { kind: 'system', id: null }, action: 'setting.widen', target });
    }
  };
}

function createMetrics(
  { boot, data, listeners, models, indexes }: Stages,
  events: EventRecorder,
  eventStreams: EventStreams,
): Metrics {
  const { config, connections, health, version } = boot;
  const metrics = new Metrics({
    version,
    onnxruntime: runtimeVersion(),
    searchKernel: searchKernels()[0] ?? '',
  });
  addStateMetrics(metrics.registry, {
    executor: models.executor,
    maxQueue: config.maxQueue,
    health,
    index: indexes.indexes,
    indexStart: indexes.indexStart,
    snapshots: () => indexes.keeper.counts,
    models: models.facts,
    storeFile: join(config.dataDir, 'data.mdb'),
    lastBackup: () => {
      const last = readLastBackup(config.dataDir);
      return last && Date.parse(last.at);
    },
    events: () => ({
      recorded: events.recorded,
      dropped: events.dropped,
      stored: data.store.events.count,
      streams: eventStreams.open,
    }),
    connections,
    certificateExpiry: () => listeners.tls?.certificate.expiresAt ?? null,
  });
  return metrics;
}

function createReloader(
  { boot, listeners: { tls } }: Stages,
  recordWidening: (config: Config) => Promise<void>,
  status: () => string,
): Reloader {
  const { environment, log, values, access, connections, manager } = boot;
  return new Reloader({
    values,
    read: () => readSettings(environment),
    readSources: () => settingSources(environment),
    configOf,
    prepare: (next) => {
      const applyTls = tls?.prepare(next.tls);
      return () => {
        log.level = next.logLevel;
        access.replace(next.access);
        connections.limits = next.connections;
        applyTls?.();
        recordWidening(next).catch((error) => log.error({ err: error }, 'audit log'));
      };
    },
    begun: () => manager.reloading(),
    ended: (refusal) => manager.ready(refusal ?? status()),
    log,
  });
}
