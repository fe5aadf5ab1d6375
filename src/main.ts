/** The service: settings, parts, listening, and the way down. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { setFlagsFromString } from 'node:v8';
import { Audit } from './access/audit.ts';
import { createIdentity } from './access/identity.ts';
import { identityAdministration } from './access/identity-administration.ts';
import { keyAdministration } from './access/key-administration.ts';
import { SigningKeys } from './access/signing-keys.ts';
import { UsageLog } from './access/usage-log.ts';
import { createApp, routeTable } from './app.ts';
import { checkPrices, PresentAccess } from './config/access-settings.ts';
import { configOf, readSettings } from './config/load.ts';
import type { Config } from './config/settings.ts';
import { wideningSettings } from './config/widening.ts';
import { adminListener, createAdminApp } from './http/admin.ts';
import { createImageFetcher } from './http/image-fetch.ts';
import { imageUrlPolicy } from './http/image-url-policy.ts';
import { isHandedOver, type Listeners, openApi, openMetrics } from './http/listeners.ts';
import { metricsListener } from './http/metrics.ts';
import { PresentTls } from './http/present-tls.ts';
import { createHttpServer, drain, listen } from './http/server.ts';
import { startingListener } from './http/starting.ts';
import type { DeviceOptions, Provider } from './native/device.ts';
import { createExecutor, type Executor } from './native/executor.ts';
import { createGalleryIndex, searchKernels } from './native/gallery-index.ts';
import { runtimeVersion } from './native/networks.ts';
import { adminSocketPath, removeStaleSocket, SNAPSHOTS, takeDataFolder } from './ops/data-folder.ts';
import { EXIT, exitCodeOf } from './ops/exit-codes.ts';
import { greeting } from './ops/greeting.ts';
import { Health } from './ops/health.ts';
import { takeInheritedSockets } from './ops/inherited-sockets.ts';
import { leadsToJournal } from './ops/journal.ts';
import { createLog, type Log } from './ops/log.ts';
import { Metrics } from './ops/metrics.ts';
import { Reloader } from './ops/reload.ts';
import { ServiceManager } from './ops/service-manager.ts';
import { createShutdown } from './ops/shutdown.ts';
import { addStateMetrics } from './ops/state-metrics.ts';
import { packageVersion } from './ops/version.ts';
import { startWatchdog } from './ops/watchdog.ts';
import { type IndexStart, type IndexStartParts, startIndexes } from './recognition/index-start.ts';
import { LEAST_FACES, SnapshotKeeper } from './recognition/snapshot-keeper.ts';
import { readLastBackup } from './store/last-backup.ts';
import { Store } from './store/store.ts';
import { GalleryIndexes } from './vector/galleries.ts';
import { findSearchDevice } from './vector/search-device.ts';
import { SnapshotFolder } from './vector/snapshots.ts';
import { startOnDevice, startWithInputs } from './vision/device.ts';
import { removeUnused } from './vision/graph/prepare.ts';
import { type ModelPack, openModelPack } from './vision/model-pack.ts';
import { Recognizer } from './vision/recognizer.ts';
import { Recognizers } from './vision/recognizers.ts';
import { selfInference } from './vision/self-inference.ts';

/** Requests in flight may take this long after a signal, and everything together this long. */
const DRAIN_LIMIT_MS = 10_000;
const SHUTDOWN_LIMIT_MS = 20_000;

/** Of that, for writing snapshots of the index. */
const SNAPSHOT_LIMIT_MS = 8_000;

/** How often the start says how far it is. */
const PROGRESS_INTERVAL_MS = 1_000;
/** The start has failed if nothing is heard of it for so long. */
const PROGRESS_LIMIT_S = 60;

/** ONNX Runtime's name of a provider, and where it runs networks. */
const PLACES = {
  cpu: { provider: 'CPUExecutionProvider', device: 'cpu' },
  cuda: { provider: 'CUDAExecutionProvider', device: 'gpu' },
  tensorrt: { provider: 'TensorrtExecutionProvider', device: 'gpu' },
} as const;

const STDIN = 0;
const STDERR = 2;

/**
 * Loads the packs of the settings, the default first, on the device of the settings.
 * @throws Error with the file that is at fault, or why the device cannot be used.
 */
async function loadModels(
  { dataDir, device, modelPack, extraModelPacks }: Config,
  executor: Executor,
  log: Log,
): Promise<{ provider: Provider; recognizers: Recognizers }> {
  const { choice, ...options } = device;
  const load = async (device?: DeviceOptions) => {
    const preparation = device
      ? { folder: join(dataDir, 'engines'), log, device }
      : { folder: join(dataDir, 'prepared'), log };
    const packs: ModelPack[] = [];
    const recognizers: Recognizer[] = [];
    for (const name of [modelPack, ...extraModelPacks]) {
      const pack = await openModelPack(name);
      packs.push(pack);
      recognizers.push(await Recognizer.load(pack, executor, preparation));
    }
    if (!('device' in preparation)) await removeUnused(packs, preparation);
    return new Recognizers(recognizers);
  };
  const { provider, started } = await startOnDevice(choice, log, (provider) => {
    if (provider === 'cpu') return load();
    return startWithInputs(log, (inputLibrary) =>
      load({ provider, ...options, ...(inputLibrary && { inputLibrary }) }),
    );
  });
  return { provider, recognizers: started };
}

/** Fills the indexes and says how far it is, where it has come further. @throws Error if not everything arrived. */
async function fillIndexes(
  parts: IndexStartParts,
  health: Health,
  manager: ServiceManager,
): Promise<IndexStart> {
  const { log } = parts;
  let told: number | null = null;
  let before = -1;
  const started = await startIndexes(parts, (done, total) => {
    health.progress(`The index has ${done} of ${total} faces.`);
    if (done === before) return;
    const isFirst = told === null;
    if (told !== null && performance.now() - told < PROGRESS_INTERVAL_MS) return;
    told = performance.now();
    before = done;
    log.info({ done, total }, 'filling the index');
    // A start that is done within the interval has nothing to tell.
    if (!isFirst) manager.starting(`Reading faces: ${done} of ${total}`, PROGRESS_LIMIT_S);
  });
  const { faces, fromSnapshots, seconds } = started;
  health.progress(null);
  log.info({ done: faces, total: faces, fromSnapshots, seconds }, 'the index is complete');
  return started;
}

/** Records what lets more happen than a fresh appliance does. @param known what is recorded already; it grows. */
async function recordWidening(audit: Audit, targets: readonly string[], known: Set<string>): Promise<void> {
  for (const target of targets) {
    known.add(target);
    await audit.record({ actor: { kind: 'system', id: null }, action: 'setting.widen', target });
  }
}

async function start(): Promise<void> {
  const values = readSettings(process.env);
  const config = configOf(values);
  const log = createLog(config.logLevel);
  const manager = new ServiceManager(process.env, log);
  const sockets = takeInheritedSockets(process.env);
  let reloader: Reloader | null = null;
  // Until the start is done there is nothing to read again, but the signal's default would end it. From a terminal it
  // means that the terminal has gone.
  if (!isatty(STDIN)) process.on('SIGHUP', () => reloader?.tryReload());
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
  const starting = startingListener(health, log);
  let adminApi = starting;
  const admin = createHttpServer((request, response) => adminApi(request, response));
  const socket = adminSocketPath(config.dataDir);
  removeStaleSocket(socket.path);
  await listen(admin, { path: socket.path });
  chmodSync(socket.path, 0o600);
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  const isSecure = config.tls.listen !== null || sockets.https.length > 0;
  const tls = isSecure ? new PresentTls(config.tls, { credentials, dataDir: config.dataDir }, log) : null;
  let publicApi = starting;
  const open = () =>
    openApi({ config, sockets, tls, api: (request, response) => publicApi(request, response) });
  let listeners: Listeners = { http: [], https: [], metrics: [] };
  // Whoever asks meanwhile is told how far the start is; at a socket of systemd's they wait instead, and are served.
  if (!isHandedOver(sockets)) listeners = { ...listeners, ...(await open()) };
  const store = Store.open(config.dataDir);
  health.pass('storeOpen');
  // The first run makes a key meanwhile, on a thread of its own.
  const signingKeysReady = SigningKeys.open(config.dataDir, { credentials });
  signingKeysReady.catch(() => {});
  const executor = createExecutor({ threads: config.threads, maxQueue: config.maxQueue });
  const { provider, recognizers } = await loadModels(config, executor, log);
  health.device = provider;
  health.pass('modelsLoaded');
  const snapshots = new SnapshotFolder(join(config.dataDir, SNAPSHOTS));
  const indexes = new GalleryIndexes(executor, snapshots, provider === 'cpu' ? null : findSearchDevice(log));
  const indexStart = await fillIndexes(
    { store, indexes, snapshots, packs: recognizers.all, log },
    health,
    manager,
  );
  health.pass('indexConsistent');
  const background = createExecutor({ threads: 1, maxQueue: 1 });
  const keeper = new SnapshotKeeper({
    faces: store.faces,
    indexes,
    snapshots,
    packs: recognizers.all.map(({ packId }) => packId),
    leastFaces: LEAST_FACES,
    background,
    now: Date.now,
    log,
  });
  for (const recognizer of recognizers.all) await selfInference(recognizer);
  health.pass('selfInference');

  const audit = new Audit(store.audit, { now: Date.now, log, retention: config.audit });
  const widened = new Set<string>();
  await recordWidening(audit, wideningSettings(config), widened);
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
  const ownPorts = () => Object.values(listeners).flatMap((each) => each.flatMap(({ port }) => port ?? []));
  const urls = () => [...listeners.http, ...listeners.https].map(({ url }) => url);
  const access = new PresentAccess(config.access);
  const metrics = new Metrics({
    version,
    onnxruntime: runtimeVersion(),
    searchKernel: searchKernels()[0] ?? '',
  });
  addStateMetrics(metrics.registry, {
    executor,
    maxQueue: config.maxQueue,
    health,
    index: indexes,
    indexStart,
    snapshots: () => keeper.counts,
    models: recognizers.all.map(({ packId }) => {
      return {
        pack: packId.pack,
        version: packId.packVersion,
        ...PLACES[provider],
      };
    }),
    storeFile: join(config.dataDir, 'data.mdb'),
    lastBackup: () => {
      const last = readLastBackup(config.dataDir);
      return last && Date.parse(last.at);
    },
    certificateExpiry: () => tls?.certificate.expiresAt ?? null,
  });
  const parts = {
    web: config.web,
    fetchImage: imageUrl.enabled ? createImageFetcher({ policy: imageUrlPolicy(imageUrl, ownPorts) }) : null,
    access,
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
  };
  const routes = routeTable(parts);
  const operations = routes.map(({ operationId }) => operationId);
  const api = createApp(parts, routes).callback();

  const serving = () => `Serving ${indexes.total} faces at ${urls().join(', ')}`;
  reloader = new Reloader({
    values,
    read: () => readSettings(process.env),
    configOf,
    prepare: (next) => {
      checkPrices(next.access, operations);
      const putTls = tls?.prepare(next.tls);
      return () => {
        log.level = next.logLevel;
        access.replace(next.access);
        putTls?.();
        const added = wideningSettings(next).filter((target) => !widened.has(target));
        recordWidening(audit, added, widened).catch((error) => log.error({ err: error }, 'audit log'));
      };
    },
    begun: () => manager.reloading(),
    ended: (status) => manager.ready(status ?? serving()),
    log,
  });
  adminApi = adminListener(
    createAdminApp({
      keys: keyAdministration(store, audit),
      identity: identityAdministration({ ...identity, audit, signingKeys: async () => signingKeys }),
      reload: () => (reloader as Reloader).reload(),
      log,
    }),
    api,
  );
  publicApi = api;
  listeners = {
    ...(isHandedOver(sockets) ? await open() : listeners),
    metrics: await openMetrics(config, sockets, metricsListener(metrics, log)),
  };
  const servers = [admin, ...Object.values(listeners).flatMap((each) => each.map(({ server }) => server))];
  for (const { url } of listeners.metrics) log.info({ url: `${url}/metrics` }, 'metrics');

  const probe = createGalleryIndex(executor, 1);
  const endWatchdog =
    manager.watchdogMs === null
      ? () => {}
      : startWatchdog({
          limitMs: manager.watchdogMs,
          executor,
          probe: () => probe.remove(new BigInt64Array(0)),
          alive: () => manager.alive(),
          log,
        });
  const shutdown = createShutdown({
    log,
    limitMs: SHUTDOWN_LIMIT_MS,
    exit: (code) => process.exit(code),
    steps: [
      {
        name: 'readiness',
        run: () => {
          manager.stopping();
          health.stop();
        },
      },
      { name: 'connections', run: () => Promise.all(servers.map((each) => drain(each, DRAIN_LIMIT_MS))) },
      { name: 'admin socket', run: () => socket.release() },
      { name: 'passwords', run: () => identity.passwords.close() },
      { name: 'snapshots', run: () => keeper.stop(SNAPSHOT_LIMIT_MS) },
      { name: 'watchdog', run: endWatchdog },
      { name: 'executor', run: () => Promise.all([executor.close(), background.close()]) },
      { name: 'usage', run: () => usage.close() },
      { name: 'audit log', run: () => audit.close() },
      { name: 'store', run: () => store.close() },
    ],
  });
  process.on('SIGTERM', shutdown).on('SIGINT', shutdown);
  void audit.truncate();
  keeper.start();
  const [url = ''] = urls();
  log.info({ url, urls: urls(), faces: indexes.total }, 'listening');
  const setupCode = identity.setupCode?.text ?? null;
  if (setupCode !== null) {
    log.warn({ setupCode }, 'there is no owner yet: the set-up code lets one be made');
  }
  manager.ready(serving());
  if (manager.isPresent) return;
  const [secure] = listeners.https;
  const shown = tls && secure && { url: secure.url, fingerprint: tls.certificate.fingerprint };
  process.stderr.write(greeting({ version, url, secure: shown ?? null, dataDir: config.dataDir, setupCode }));
}

// V8 would share the short collection of young objects among threads, and wait for each while the executor has the cores.
setFlagsFromString('--no-parallel-scavenge');

try {
  await start();
} catch (error) {
  // The journal shows in red what has the priority of an error (sd-daemon(3)).
  const priority = leadsToJournal(STDERR, process.env.JOURNAL_STREAM) ? '<3>' : '';
  process.stderr.write(`${priority}visage: ${messageOf(error)}\n`);
  process.exit(exitCodeOf(error));
}

/** A sentence for what an operator can mend, a stack for what is our mistake. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return exitCodeOf(error) === EXIT.failure ? String(error.stack) : error.message;
}
