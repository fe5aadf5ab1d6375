import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { SigningKeys } from '../access/tokens/signing-keys.ts';
import { type Config, configOf, type LiveAccessConfig, liveAccessConfig } from '../config/config.ts';
import { readSettings } from '../config/load.ts';
import type { SettingValues } from '../config/settings.ts';
import { Connections } from '../http/connections.ts';
import type { AnonymousLimits } from '../http/koa-app.ts';
import { createHttpServer, drain, listen } from '../http/server.ts';
import { ReplaceableHandler, startingListener } from '../http/starting.ts';
import { forbidCoreDumps } from '../native/system.ts';
import { adminSocketPath, removeStaleSocket, takeDataFolder } from '../ops/data-folder.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { Health } from '../ops/health.ts';
import { type InheritedSockets, takeInheritedSockets } from '../ops/inherited-sockets.ts';
import { createLog, type Log } from '../ops/log.ts';
import { ServiceManager } from '../ops/service-manager.ts';
import { StartMark } from '../ops/start-mark.ts';
import { packageVersion } from '../ops/version.ts';
import { checkReadable, DamagedStoreError } from '../store/isolated-store.ts';
import { Store } from '../store/store.ts';
import { anonymousLimitsOf } from './app.ts';
import type { Undos } from './shutdown.ts';

export const DRAIN_LIMIT_MS = 10_000;

const MAX_ADMIN_CONNECTIONS = 256;

const STDIN = 0;

const CHECK_REPORT_S = 60;

export interface Boot {
  readonly environment: NodeJS.ProcessEnv;
  readonly version: string;
  readonly values: SettingValues;
  readonly config: Config;
  readonly log: Log;
  readonly health: Health;
  readonly manager: ServiceManager;
  readonly sockets: InheritedSockets;
  readonly access: LiveAccessConfig;
  readonly anonymousLimits: AnonymousLimits;
  readonly connections: Connections;
  readonly publicHandler: ReplaceableHandler;
  readonly adminHandler: ReplaceableHandler;
}

export async function boot(environment: NodeJS.ProcessEnv, undos: Undos): Promise<Boot> {
  forbidCoreDumps();
  const values = readSettings(environment);
  const config = configOf(values);
  const log = createLog(config.logLevel);
  const manager = new ServiceManager(environment, log);
  const sockets = takeInheritedSockets(environment);
  // SIGHUP would end a start. With a terminal, it reports the terminal's end.
  if (!isatty(STDIN)) process.on('SIGHUP', () => {});
  const version = packageVersion();
  const { dataDir, threads } = config;
  const modelPacks = [config.modelPack, ...config.extraModelPacks];
  log.info({ version, dataDir, modelPacks, threads }, 'starting');
  for (const path of takeDataFolder(dataDir)) {
    log.warn({ path }, 'other users were permitted to use this path; not any more');
  }
  const health = new Health();
  const access = liveAccessConfig(config.access);
  const anonymousLimits = anonymousLimitsOf(access, log);
  undos.add('log', () => anonymousLimits.lines.flush());
  const connections = new Connections({
    limits: config.connections,
    trustedProxies: () => access.trustedProxies,
    onClose: (reason, address) => {
      if (anonymousLimits.lines.allows(address)) log.info({ address, reason }, 'connection closed');
    },
  });
  const starting = startingListener(health, log, anonymousLimits);
  const publicHandler = new ReplaceableHandler(starting);
  const adminHandler = new ReplaceableHandler(starting);
  await openAdminSocket(dataDir, adminHandler, undos);
  return {
    environment,
    version,
    values,
    config,
    log,
    health,
    manager,
    sockets,
    access,
    anonymousLimits,
    connections,
    publicHandler,
    adminHandler,
  };
}

async function openAdminSocket(dataDir: string, handler: ReplaceableHandler, undos: Undos): Promise<void> {
  const socket = adminSocketPath(dataDir);
  undos.add('admin socket', () => socket.release());
  removeStaleSocket(socket.path);
  const server = createHttpServer(handler.handle);
  server.maxConnections = MAX_ADMIN_CONNECTIONS;
  await listen(server, { path: socket.path });
  undos.add('connections', () => drain(server, DRAIN_LIMIT_MS));
  chmodSync(socket.path, 0o600);
}

/**
 * Reads the store in a child process if the last start crashed.
 * @throws ExitError `data` for a damaged store; systemd then stops restarting.
 */
export async function checkAfterCrash({ config: { dataDir }, health, log, manager }: Boot): Promise<void> {
  if (!new StartMark(dataDir).isLeft || !existsSync(join(dataDir, 'data.mdb'))) return;
  log.warn('the last start ended while it opened the store: checking whether the store is damaged');
  health.progress('The store is being checked, because the last start did not end.');
  const tell = () => manager.starting('Checking the store', CHECK_REPORT_S);
  tell();
  const telling = setInterval(tell, (CHECK_REPORT_S * 1000) / 2);
  try {
    await checkReadable(dataDir);
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    const advice = 'Run `visagectl verify` for all faults, then restore the newest sound backup';
    throw new ExitError(EXIT.data, `${error.message}. ${advice}: \`visagectl restore BACKUP --replace\`.`);
  } finally {
    clearInterval(telling);
    health.progress(null);
  }
  log.info('the store is not damaged');
}

export interface Data {
  readonly store: Store;
  readonly mark: StartMark;
  /** The first start generates a key on a worker thread. */
  readonly signingKeysReady: Promise<SigningKeys>;
}

export function openData({ config: { dataDir }, environment, health }: Boot, undos: Undos): Data {
  const mark = new StartMark(dataDir);
  mark.set();
  const store = Store.open(dataDir);
  undos.add('store', async () => {
    await store.close();
    mark.clear();
  });
  health.pass('storeOpen');
  const signingKeysReady = SigningKeys.open(dataDir, { credentials: environment.CREDENTIALS_DIRECTORY });
  // Avoids an unhandled rejection after a failed stage.
  signingKeysReady.catch(() => {});
  return { store, mark, signingKeysReady };
}
