import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/settings.ts';
import { VisageError } from '../errors.ts';
import { EXIT } from '../ops/exit-codes.ts';
import { packageVersion } from '../ops/version.ts';
import { readLastBackup } from '../store/last-backup.ts';
import { StoreReader } from '../store/store-reader.ts';
import { ifRunning } from './admin-access.ts';
import { columns, command, configOf, DATA_OPTIONS, JSON_OPTION, print } from './command.ts';

/** Whether the service runs and is ready; then what runs its networks, else in words what it still lacks. */
export interface ServiceState {
  readonly service: 'ready' | 'starting' | 'stopped';
  readonly device: string | null;
  readonly shortfall: string | null;
}

export async function serviceState(config: Config): Promise<ServiceState> {
  const state = await ifRunning<ServiceState>(config, async (call) => {
    try {
      const { device } = (await call('GET', '/readyz')) as { device: string };
      return { service: 'ready', device, shortfall: null };
    } catch (error) {
      if (!(error instanceof VisageError) || error.code !== 'NOT_READY') throw error;
      return { service: 'starting', device: null, shortfall: error.message };
    }
  });
  return state ?? { service: 'stopped', device: null, shortfall: null };
}

async function stateOf(config: Config) {
  const { dataDir, listen, modelPack } = config;
  const file = join(dataDir, 'data.mdb');
  const store = existsSync(file) ? StoreReader.open(dataDir) : null;
  try {
    return {
      ...(await serviceState(config)),
      version: packageVersion(),
      listen: `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`,
      data_dir: dataDir,
      model_pack: modelPack,
      store: store && { bytes: statSync(file).size, ...store.summary() },
      last_backup: readLastBackup(dataDir),
    };
  } finally {
    await store?.close();
  }
}

export const status = command({
  name: 'status',
  summary: 'Say whether the service runs, what it holds and when it was backed up.',
  details: ['The exit code is 0 if the service is ready, 69 if not.'],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const state = await stateOf(configOf(values));
    print(state, values.json, ({ service, device, shortfall, store, last_backup, ...rest }) =>
      columns([
        ['service', shortfall === null ? service : `${service}: ${shortfall}`],
        ...(device === null ? [] : [['device', device] as [string, string]]),
        ...Object.entries(rest),
        ['store', store ? `${(store.bytes / 1024 ** 2).toFixed(1)} MiB` : 'none yet'],
        ...(store
          ? [
              ['faces', `${store.faces} in ${store.collections} collections`],
              ['members', String(store.members)],
              ['api keys', String(store.apiKeys)],
            ]
          : []),
        ['last backup', last_backup ? `${last_backup.at} ${last_backup.folder}` : 'none'],
      ]),
    );
    if (state.service !== 'ready') process.exitCode = EXIT.unavailable;
  },
});
