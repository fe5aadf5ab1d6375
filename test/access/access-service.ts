/** The whole API in this process, on a port of its own: real parts but for the clock and a hold before pictures. */

import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createApiKey, type NewApiKey, type NewApiKeyRequest } from '../../src/access/api-keys.ts';
import { Audit } from '../../src/access/audit.ts';
import { createIdentity, type Identity } from '../../src/access/identity.ts';
import type { Role } from '../../src/access/roles.ts';
import { SigningKeys } from '../../src/access/signing-keys.ts';
import { UsageLog } from '../../src/access/usage-log.ts';
import { type AppParts, createApp, routeTable } from '../../src/app.ts';
import type { AccessConfig } from '../../src/config/access-settings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { VisageError } from '../../src/errors.ts';
import type { ImageFetcher } from '../../src/http/image-fetch.ts';
import type { Route } from '../../src/http/route.ts';
import { createHttpServer, drain, listen } from '../../src/http/server.ts';
import { createExecutor, type Executor } from '../../src/native/executor.ts';
import { Health } from '../../src/ops/health.ts';
import type { Member } from '../../src/store/members.ts';
import { Store } from '../../src/store/store.ts';
import { GalleryIndexes } from '../../src/vector/galleries.ts';
import { openModelPack } from '../../src/vision/model-pack.ts';
import { Recognizer } from '../../src/vision/recognizer.ts';
import { Recognizers } from '../../src/vision/recognizers.ts';

const executor: Executor = createExecutor({ threads: 2, maxQueue: 256 });
const recognizer = await Recognizer.load(await openModelPack('faceplugin'), executor);

/** What an answer says; problems have a `code`. */
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
  readonly usage: UsageLog;
  /** Awaited before each picture is looked at. */
  beforePicture: () => Promise<void> = async () => {};
  /** What fetches pictures by URL; off as the product's default is. */
  fetchImage: ImageFetcher = async () => {
    throw new VisageError('IMAGE_URL_FORBIDDEN', 'Off.');
  };
  url = '';
  readonly #audit: Audit;
  readonly #server: Server;
  #emails = 0;

  static async open(settings: Partial<AccessConfig> = {}): Promise<AccessService> {
    const keysFolder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    const signingKeys = await SigningKeys.open(keysFolder, { credentials: undefined });
    rmSync(keysFolder, { recursive: true });
    const service = new AccessService(signingKeys, settings);
    await listen(service.#server, { host: '127.0.0.1', port: 0 });
    service.url = `http://127.0.0.1:${(service.#server.address() as AddressInfo).port}`;
    return service;
  }

  private constructor(signingKeys: SigningKeys, settings: Partial<AccessConfig>) {
    const { store } = this;
    const log = pino({ level: 'silent' });
    const config = loadConfig({});
    this.usage = new UsageLog(store, log);
    this.#audit = new Audit(store.audit, { now: Date.now, log, retention: config.audit });
    const options = {
      store,
      signingKeys,
      registration: 'closed',
      dashboardOrigin: null,
      now: Date.now,
    } as const;
    this.identity = createIdentity(options);
    const health = new Health();
    const held = {
      packId: recognizer.packId,
      dimension: recognizer.dimension,
      similarity: recognizer.similarity,
      analyze: async (...args: Parameters<Recognizer['analyze']>) => {
        await this.beforePicture();
        return recognizer.analyze(...args);
      },
    };
    const parts: AppParts = {
      store,
      indexes: new GalleryIndexes(executor),
      recognizers: new Recognizers([held as unknown as Recognizer]),
      now: Date.now,
      log,
      health,
      audit: this.#audit,
      identity: this.identity,
      web: config.web,
      fetchImage: (url, accountId) => this.fetchImage(url, accountId),
      access: { ...config.access, addressRateLimit: 1_000_000, ...settings },
      usage: this.usage,
      version: '0',
    };
    this.routes = routeTable(parts);
    this.#server = createHttpServer(createApp(parts).callback());
  }

  /** A key of the first account, made by the operator. */
  key(limits: Partial<NewApiKeyRequest> = {}): Promise<NewApiKey> {
    return createApiKey(this.store, {
      accountId: this.accountId,
      name: 'test',
      environment: 'live',
      rateLimit: 1_000_000,
      ...limits,
    });
  }

  /** A member who can log in; of the first account where no other is named. */
  member(role: Role, accountId = this.accountId): Promise<Member> {
    return this.store.members.add(accountId, {
      email: `m${++this.#emails}@example.com`,
      name: null,
      username: null,
      role,
      passwordHash: 'no password has this hash',
      invitation: null,
      createdAt: Date.now(),
    });
  }

  /** A member's token, of a session of its own. */
  async token(member: Member): Promise<string> {
    return (await this.identity.sessions.beginToken(member)).token;
  }

  /** @param credential an API key or a token; null for none. */
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
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  async close(): Promise<void> {
    await drain(this.#server, 100);
    await this.identity.passwords.close();
    await this.usage.close();
    await this.#audit.close();
    await this.store.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** Ends what all services of this process share. */
export function closeShared(): Promise<void> {
  return executor.close();
}
