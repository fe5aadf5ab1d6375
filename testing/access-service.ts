import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Audit } from '../src/access/audit/audit.ts';
import { UsageLog } from '../src/access/billing/usage-log.ts';
import { Idempotency } from '../src/access/idempotency.ts';
import { createApiKey, type NewApiKey, type NewApiKeyRequest } from '../src/access/keys/api-keys.ts';
import { createIdentity, type Identity } from '../src/access/members/identity.ts';
import { SigningKeys } from '../src/access/tokens/signing-keys.ts';
import type { Role } from '../src/api/roles.ts';
import type { Route } from '../src/api/route.ts';
import { BackupJob } from '../src/appliance/backup-job.ts';
import { Diagnoser } from '../src/appliance/diagnosis.ts';
import { HistoryRecorder } from '../src/appliance/history.ts';
import type { SystemSources } from '../src/appliance/system-state.ts';
import type { AccessConfig } from '../src/config/config.ts';
import { defaultSettings, loadConfig, readSettings, settingSources } from '../src/config/load.ts';
import { VisageError } from '../src/errors.ts';
import { EventRecorder } from '../src/events/recorder.ts';
import { EventStreams } from '../src/events/streams.ts';
import { GalleryIndexes } from '../src/gallery/gallery-indexes.ts';
import { BodyBudget } from '../src/http/body-budget.ts';
import type { ImageFetcher } from '../src/http/image-fetch.ts';
import { createHttpServer, drain, listen } from '../src/http/server.ts';
import { createExecutor, type Executor } from '../src/native/executor.ts';
import { Health } from '../src/ops/health.ts';
import { type AppParts, createApp, routeTable } from '../src/service/app.ts';
import type { Member } from '../src/store/records.ts';
import { Store } from '../src/store/store.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { Recognizer, Recognizers } from '../src/vision/recognizer.ts';
import { preparedNetworks } from './prepared-networks.ts';
import { addSigningKey } from './signing-keys.ts';

const executor: Executor = createExecutor({ threads: 2, maxQueue: 256 });
const recognizer = await Recognizer.load(await openModelPack('yunet'), executor, {
  folder: await preparedNetworks(),
  log: pino({ level: 'silent' }),
});

let signingKeys: Promise<SigningKeys> | undefined;

async function openSigningKeys(): Promise<SigningKeys> {
  const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
  addSigningKey(folder);
  const keys = await SigningKeys.open(folder, { credentials: undefined });
  rmSync(folder, { recursive: true });
  return keys;
}

export interface Said {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes.
  readonly body: any;
}

export class AccessService {
  readonly folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
  readonly store = Store.open(this.folder);
  readonly accountId = this.store.accounts.first().accountId;
  readonly routes: readonly Route[];
  readonly identity: Identity;
  readonly idempotency: Idempotency;
  readonly usage: UsageLog;
  beforePicture: () => Promise<void> = async () => {};
  fetchImage: ImageFetcher = async () => {
    throw new VisageError('IMAGE_URL_FORBIDDEN', 'Off.');
  };
  readonly bodies = new BodyBudget(512_000_000);
  url = '';
  now: () => number = Date.now;
  readonly audit: Audit;
  readonly events: EventRecorder;
  readonly history: HistoryRecorder;
  readonly eventStreams: EventStreams;
  readonly #server: Server;
  #emails = 0;

  static async open(
    settings: Partial<AccessConfig> = {},
    registration: 'closed' | 'open' = 'closed',
  ): Promise<AccessService> {
    signingKeys ??= openSigningKeys();
    const service = new AccessService(await signingKeys, settings, registration);
    await listen(service.#server, { host: '127.0.0.1', port: 0 });
    service.url = `http://127.0.0.1:${(service.#server.address() as AddressInfo).port}`;
    return service;
  }

  private constructor(
    signingKeys: SigningKeys,
    settings: Partial<AccessConfig>,
    registration: 'closed' | 'open',
  ) {
    const { store } = this;
    const log = pino({ level: 'silent' });
    const config = loadConfig({});
    const defaults = defaultSettings({});
    const settingsInUse = { values: readSettings({}), sources: settingSources({}), defaults };
    this.usage = new UsageLog(store, log);
    this.audit = new Audit(store.audit, { now: Date.now, log, retention: config.audit });
    this.events = new EventRecorder(store.events, { now: Date.now, log, limits: config.events });
    this.eventStreams = new EventStreams(store.events, this.events);
    const options = {
      store,
      signingKeys,
      audit: this.audit,
      registration,
      dashboardOrigin: null,
      access: config.access,
      now: () => this.now(),
    } as const;
    this.identity = createIdentity(options);
    const indexes = new GalleryIndexes(executor);
    const system: SystemSources = {
      version: '0',
      startedAt: Date.now(),
      device: 'cpu',
      models: [],
      executor,
      maxQueue: 64,
      index: () => indexes.countTotals(),
      store,
      storeFile: join(this.folder, 'data.mdb'),
      snapshotBytes: () => 0,
      certificate: () => null,
      isExposedWithoutTls: () => false,
      lastBackup: () => null,
      backupFailure: () => null,
      settings: () => settingsInUse.values,
      settingsThatNeedRestart: () => [],
      now: Date.now,
    };
    this.history = new HistoryRecorder({
      history: store.history,
      queueLength: () => executor.stats().queued,
      memoryBytes: () => process.memoryUsage.rss(),
      diskBytes: () => 0,
      now: Date.now,
      log,
    });
    const start = () => ({ outcome: Promise.resolve({ code: 0, stdout: '', stderr: '' }), stop: () => {} });
    const backup = new BackupJob({ target: () => ({ folder: '/x', keep: 7 }), start, now: Date.now, log });
    const diagnosis = new Diagnoser({
      settings: () => settingsInUse,
      system,
      history: this.history,
      doctor: start,
      metrics: async () => '',
    });
    this.idempotency = new Idempotency({ store, now: () => this.now() });
    const health = new Health();
    const held = {
      packId: recognizer.packId,
      dimension: recognizer.dimension,
      hasPose: recognizer.hasPose,
      space: recognizer.space,
      similarity: recognizer.similarity,
      analyze: async (...args: Parameters<Recognizer['analyze']>) => {
        await this.beforePicture();
        return recognizer.analyze(...args);
      },
    };
    const parts: AppParts = {
      store,
      indexes,
      recognizers: new Recognizers([held as unknown as Recognizer]),
      now: Date.now,
      log,
      health,
      audit: this.audit,
      events: this.events,
      observer: { requestBegan: () => {}, requestEnded: (record) => this.history.requestEnded(record) },
      eventStreams: this.eventStreams,
      identity: this.identity,
      idempotency: this.idempotency,
      web: config.web,
      fetchImage: (...fetch) => this.fetchImage(...fetch),
      bodies: this.bodies,
      access: { ...config.access, addressRateLimit: 1_000_000, ...settings },
      usage: this.usage,
      appliance: { settings: () => settingsInUse, system, history: this.history, backup, diagnosis },
      version: '0',
    };
    this.routes = routeTable(parts);
    this.#server = createHttpServer(createApp(parts).callback());
  }

  key(limits: Partial<NewApiKeyRequest> = {}): Promise<NewApiKey> {
    return createApiKey(this.store, {
      accountId: this.accountId,
      name: 'test',
      environment: 'live',
      rateLimit: 1_000_000,
      ...limits,
    });
  }

  member(role: Role, accountId = this.accountId): Promise<Member> {
    return this.store.members.add(accountId, this.#newMember(role));
  }

  stranger(): Promise<Member> {
    return this.store.members.addWithAccount('other', this.#newMember('owner'));
  }

  #newMember(role: Role) {
    return {
      email: `m${++this.#emails}@example.com`,
      name: null,
      username: null,
      role,
      passwordHash: 'no password has this hash',
      invitation: null,
      createdAt: Date.now(),
    };
  }

  async token(member: Member): Promise<string> {
    return (await this.identity.sessions.beginToken(member)).token;
  }

  async call(
    credential: string | null,
    method: string,
    target: string,
    json?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Said> {
    const response = await fetch(this.url + target, {
      method,
      headers: {
        ...(credential === null ? {} : { Authorization: `Bearer ${credential}` }),
        ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const type = response.headers.get('content-type') ?? '';
    const isStream = type.startsWith('text/event-stream');
    if (isStream) await response.body?.cancel();
    const text = isStream ? '' : await response.text();
    const isJson = type.includes('json');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  async close(): Promise<void> {
    this.eventStreams.close();
    await drain(this.#server, 100);
    await this.identity.passwords.close();
    await this.events.close();
    await this.idempotency.close();
    await this.usage.close();
    await this.history.close();
    await this.audit.close();
    await this.store.close();
    rmSync(this.folder, { recursive: true });
  }
}

export function closeShared(): Promise<void> {
  return executor.close();
}
