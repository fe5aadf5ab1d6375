/** The service: settings, parts, listening, and the way down. */
import { chmodSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { Audit } from './access/audit.ts';
import { createIdentity } from './access/identity.ts';
import { identityAdministration } from './access/identity-administration.ts';
import { keyAdministration } from './access/key-administration.ts';
import { SigningKeys } from './access/signing-keys.ts';
import { UsageLog } from './access/usage-log.ts';
import { createApp } from './app.ts';
import { loadConfig } from './config/load.ts';
import { type Config, environmentName, type SettingName } from './config/settings.ts';
import { wideningSettings } from './config/widening.ts';
import { createAdminApp } from './http/admin.ts';
import { createImageFetcher } from './http/image-fetch.ts';
import { imageUrlPolicy } from './http/image-url-policy.ts';
import { metricsListener } from './http/metrics.ts';
import { createHttpServer, drain, listen } from './http/server.ts';
import { createExecutor, type Executor, runtimeVersion } from './native.ts';
import { adminSocketPath, removeStaleSocket, takeDataFolder } from './ops/data-folder.ts';
import { EXIT, ExitError, exitCodeOf } from './ops/exit-codes.ts';
import { Health } from './ops/health.ts';
import { createLog, type Log } from './ops/log.ts';
import { Metrics } from './ops/metrics.ts';
import { createShutdown } from './ops/shutdown.ts';
import { addStateMetrics } from './ops/state-metrics.ts';
import { packageVersion } from './ops/version.ts';
import { Store } from './store/store.ts';
import { GalleryIndexes } from './vector/galleries.ts';
import { openModelPack } from './vision/model-pack.ts';
import { Recognizer } from './vision/recognizer.ts';
import { Recognizers } from './vision/recognizers.ts';
import { selfInference } from './vision/self-inference.ts';

/** Requests in flight may take this long after a signal, and everything together this long. */
const DRAIN_LIMIT_MS = 10_000;
const SHUTDOWN_LIMIT_MS = 20_000;

/** Templates that are read from the store at once, and how often the rebuild says how far it is. */
const REBUILD_BATCH = 4096;
const PROGRESS_INTERVAL_MS = 1_000;

/** Loads the packs of the settings, the default first. @throws Error with the file that is at fault. */
async function loadModels(config: Config, executor: Executor, log: Log): Promise<Recognizers> {
  const preparation = { folder: join(config.dataDir, 'prepared'), log };
  const recognizers: Recognizer[] = [];
  for (const name of [config.modelPack, ...config.extraModelPacks]) {
    recognizers.push(await Recognizer.load(await openModelPack(name), executor, preparation));
  }
  return new Recognizers(recognizers);
}

/** Fills the indexes from the store and says how far it is. @throws Error if not everything arrived. */
async function rebuildIndexes(
  store: Store,
  indexes: GalleryIndexes,
  { all }: Recognizers,
  log: Log,
): Promise<void> {
  const total = all.reduce((sum, { packId }) => sum + store.faces.countOfPack(packId), 0);
  log.info({ done: 0, total }, 'rebuilding the index');
  let told = performance.now();
  for (const { packId, dimension } of all) {
    await indexes.rebuild(store.faces.templatesOfPack(packId, dimension, REBUILD_BATCH), () => {
      if (performance.now() - told < PROGRESS_INTERVAL_MS) return;
      told = performance.now();
      log.info({ done: indexes.total, total }, 'rebuilding the index');
    });
  }
  if (indexes.total !== total) {
    throw new Error(`The index holds ${indexes.total} faces, but the store holds ${total}.`);
  }
  log.info({ done: total, total }, 'the index is complete');
}

/** @param setting names the address. @returns the URL. @throws ExitError in words for the operator. */
async function listenTcp(
  server: Server,
  { host, port }: Config['listen'],
  setting: SettingName,
): Promise<string> {
  try {
    await listen(server, { host, port });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      EADDRINUSE: 'another program listens there',
      EACCES: 'this user may not listen there',
      EADDRNOTAVAIL: 'this machine has no such address',
      ENOTFOUND: 'the name is not known',
    };
    const why = (code && reasons[code]) || String(code);
    throw new ExitError(
      EXIT.unavailable,
      `Visage cannot listen on ${host}:${port}: ${why}. Set ${environmentName(setting)} to another host:port.`,
    );
  }
  const { port: actual } = server.address() as AddressInfo;
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${actual}`;
}

/** For the person who started it: the address, a key, a call that works. */
function greet(version: string, url: string, { dataDir }: Config, setupCode: string | null): void {
  const folder = relative(process.cwd(), dataDir) === 'data' ? '' : ` --data-dir '${dataDir}'`;
  process.stderr.write(`
Visage ${version} serves at ${url}  (documentation: ${url}/swagger)

  KEY=$(bin/visagectl keys create --name first${folder})
  curl -H "Authorization: ApiKey $KEY" ${url}/v1/collection/get-all
${setupCode === null ? '' : `\n  There is no owner yet. The set-up code, until the next start: ${setupCode}\n`}
`);
}

async function start(): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLog(config.logLevel);
  const version = packageVersion();
  const health = new Health();
  log.info(
    {
      version,
      dataDir: config.dataDir,
      modelPacks: [config.modelPack, ...config.extraModelPacks],
      threads: config.threads,
    },
    'starting',
  );

  takeDataFolder(config.dataDir);
  const store = Store.open(config.dataDir);
  health.pass('storeOpen');
  // The first run makes a key meanwhile, on a thread of its own.
  const signingKeysReady = SigningKeys.open(config.dataDir, {
    credentials: process.env.CREDENTIALS_DIRECTORY,
  });
  signingKeysReady.catch(() => {});
  const executor = createExecutor({ threads: config.threads, maxQueue: config.maxQueue });
  const recognizers = await loadModels(config, executor, log);
  health.pass('modelsLoaded');
  const indexes = new GalleryIndexes(executor);
  await rebuildIndexes(store, indexes, recognizers, log);
  health.pass('indexConsistent');
  for (const recognizer of recognizers.all) await selfInference(recognizer);
  health.pass('selfInference');

  const audit = new Audit(store.audit, { now: Date.now, log, retention: config.audit });
  for (const target of wideningSettings(config)) {
    await audit.record({ actor: { kind: 'system', id: null }, action: 'setting.widen', target });
  }
  const usage = new UsageLog(store, log);
  const signingKeys = await signingKeysReady;
  const { registration } = config;
  const identity = createIdentity({
    store,
    signingKeys,
    registration,
    dashboardOrigin: config.web.dashboardOrigin,
    now: Date.now,
  });
  const { imageUrl } = config.web;
  const ownPort = () => (server.address() as AddressInfo | null)?.port ?? null;
  const metrics = new Metrics({ version, onnxruntime: runtimeVersion() });
  addStateMetrics(metrics.registry, {
    executor,
    maxQueue: config.maxQueue,
    health,
    index: indexes,
    models: recognizers.all.map(({ packId }) => {
      return {
        pack: packId.pack,
        version: packId.packVersion,
        provider: 'CPUExecutionProvider',
        device: 'cpu',
      };
    }),
    storeFile: join(config.dataDir, 'data.mdb'),
    lastBackup: () => null,
    certificateExpiry: () => null,
  });
  const app = createApp({
    web: config.web,
    fetchImage: imageUrl.enabled ? createImageFetcher({ policy: imageUrlPolicy(imageUrl, ownPort) }) : null,
    access: config.access,
    usage,
    identity,
    store,
    indexes,
    recognizers,
    now: Date.now,
    log,
    health,
    audit,
    observer: metrics,
    version,
  });
  const server = createHttpServer(app.callback());
  const admin = createHttpServer(
    createAdminApp({
      keys: keyAdministration(store, audit),
      identity: identityAdministration({ ...identity, audit, signingKeys: async () => signingKeys }),
      log,
    }).callback(),
  );
  const socket = adminSocketPath(config.dataDir);
  removeStaleSocket(socket.path);
  await listen(admin, { path: socket.path });
  chmodSync(socket.path, 0o600);
  const url = await listenTcp(server, config.listen, 'listen');
  const metricsServer = createHttpServer(metricsListener(metrics, log));
  if (config.metricsListen !== null) {
    const metricsUrl = await listenTcp(metricsServer, config.metricsListen, 'metrics_listen');
    log.info({ url: `${metricsUrl}/metrics` }, 'metrics');
  }

  const shutdown = createShutdown({
    log,
    limitMs: SHUTDOWN_LIMIT_MS,
    exit: (code) => process.exit(code),
    steps: [
      { name: 'readiness', run: () => health.stop() },
      {
        name: 'connections',
        run: () => Promise.all([server, admin, metricsServer].map((each) => drain(each, DRAIN_LIMIT_MS))),
      },
      { name: 'admin socket', run: () => socket.release() },
      { name: 'passwords', run: () => identity.passwords.close() },
      { name: 'executor', run: () => executor.close() },
      { name: 'usage', run: () => usage.close() },
      { name: 'audit log', run: () => audit.close() },
      { name: 'store', run: () => store.close() },
    ],
  });
  process.on('SIGTERM', shutdown).on('SIGINT', shutdown);
  void audit.truncate();
  log.info({ url, faces: indexes.total }, 'listening');
  if (identity.setupCode) {
    log.warn(
      { setupCode: identity.setupCode.text },
      'there is no owner yet: the set-up code lets one be made',
    );
  }
  greet(version, url, config, identity.setupCode?.text ?? null);
}

try {
  await start();
} catch (error) {
  process.stderr.write(`visage: ${messageOf(error)}\n`);
  process.exit(exitCodeOf(error));
}

/** A sentence for what an operator can mend, a stack for what is our mistake. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return exitCodeOf(error) === EXIT.failure ? String(error.stack) : error.message;
}
