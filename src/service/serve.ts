import { relative } from 'node:path';
import { isatty } from 'node:tty';
import { compileAll } from '../api/validation.ts';
import { visible } from '../base/visible-text.ts';
import { createGalleryIndex, openSearchSpace } from '../native/gallery-index.ts';
import { startWatchdog } from '../ops/watchdog.ts';
import type { Application } from './application.ts';
import type { Stages } from './indexes.ts';
import { createShutdown, type Undos } from './shutdown.ts';

const STDIN = 0;

const SNAPSHOT_LIMIT_MS = 8_000;

export async function serve(stages: Stages, application: Application, undos: Undos): Promise<void> {
  const { boot, listeners, indexes } = stages;
  const { health, log, manager } = boot;
  // While it serves, one compilation could hold the event loop for 40 ms.
  await compileAll();
  boot.adminHandler.replace(application.adminApi);
  boot.publicHandler.replace(application.publicApi);
  await listeners.open(application.metrics);
  watch(stages, undos);
  undos.add('readiness', () => {
    manager.stopping();
    health.stop();
  });
  undos.add('snapshots', () => indexes.keeper.stop(SNAPSHOT_LIMIT_MS));
  undos.add('snapshots', () => indexes.conversion.stop());
  const shutdown = createShutdown({ log, undos });
  process.on('SIGTERM', shutdown).on('SIGINT', shutdown);
  if (!isatty(STDIN)) process.on('SIGHUP', () => application.reloader.tryReload());
  void application.audit.truncate();
  void application.events.trim();
  indexes.keeper.start();
  indexes.conversion.start();
  stages.data.mark.clear();
  announce(stages, application);
}

function watch({ boot: { log, manager }, models: { executor } }: Stages, undos: Undos): void {
  const { watchdogMs } = manager;
  if (watchdogMs === null) return;
  const probe = createGalleryIndex(executor, openSearchSpace(1));
  const end = startWatchdog({
    limitMs: watchdogMs,
    executor,
    probe: () => probe.remove(new BigInt64Array(0)),
    alive: () => manager.alive(),
    log,
  });
  undos.add('watchdog', end);
}

function announce({ boot, listeners, indexes }: Stages, { setupCode, status }: Application): void {
  const { config, log, manager, version } = boot;
  const { urls } = listeners;
  const [url = ''] = urls;
  log.info({ url, urls, faces: indexes.indexes.totals().templates }, 'listening');
  if (setupCode !== null) {
    log.warn({ setupCode }, 'there is no owner yet: the set-up code lets one be made');
  }
  manager.ready(status());
  if (manager.isPresent) return;
  const { dataDir } = config;
  process.stderr.write(greeting({ version, url, secure: listeners.secure, dataDir, setupCode }));
}

interface GreetingParts {
  readonly version: string;
  readonly url: string;
  readonly secure: { readonly url: string; readonly fingerprint: string } | null;
  readonly dataDir: string;
  readonly setupCode: string | null;
}

function greeting({ version, url, secure, dataDir, setupCode }: GreetingParts): string {
  const quoted = `'${dataDir.replaceAll("'", `'\\''`)}'`;
  const folder = relative(process.cwd(), dataDir) === 'data' ? '' : ` --data-dir ${visible(quoted)}`;
  const tls = secure && `  over TLS at ${secure.url}  (certificate: SHA-256 ${secure.fingerprint})\n`;
  const code =
    setupCode && `\n  No owner exists yet. Set-up code, valid until the next start: ${setupCode}\n`;
  return `
Visage ${version} serves at ${url}  (documentation: ${url}/swagger)
${tls ?? ''}
  KEY=$(bin/visagectl keys create --name first${folder})
  curl -H "Authorization: ApiKey $KEY" ${url}/v1/collection/get-all
${code ?? ''}
`;
}
