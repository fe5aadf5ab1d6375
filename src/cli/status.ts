import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { configFileOf } from '../config/load.ts';
import { EXIT } from '../ops/exit-codes.ts';
import { packageVersion } from '../ops/version.ts';
import { readLastBackup } from '../store/backup.ts';
import { StoreReader } from '../store/store-reader.ts';
import {
  columns,
  command,
  configOf,
  DATA_OPTIONS,
  type DataOptions,
  environmentOf,
  JSON_OPTION,
  originOfFolder,
  print,
} from './command.ts';
import { serviceState } from './service-state.ts';

async function stateOf(options: DataOptions) {
  const config = configOf(options);
  const { dataDir } = config;
  const file = join(dataDir, 'data.mdb');
  const store = existsSync(file) ? StoreReader.open(dataDir) : null;
  try {
    const { facts, ...service } = await serviceState(config);
    return {
      ...service,
      version: facts?.version ?? packageVersion(),
      data_dir: dataDir,
      settings_of: facts ? ('service' as const) : ('command' as const),
      config_file: facts ? facts.configFile : configFileOf(environmentOf(options)),
      listens: facts ? facts.listeners.map(({ url }) => url) : [],
      model_pack: facts?.settings.model_pack ?? config.modelPack,
      store: store && { bytes: statSync(file).size, ...store.summary() },
      last_backup: readLastBackup(dataDir),
    };
  } finally {
    await store?.close();
  }
}

type State = Awaited<ReturnType<typeof stateOf>>;

function rowsOf(state: State, origin: string): string[][] {
  const { service, device, shortfall, version, store, last_backup: backup } = state;
  const isService = state.settings_of === 'service';
  const own = packageVersion();
  return [
    ['service', shortfall === null ? service : `${service}: ${shortfall}`],
    ...(device === null ? [] : [['device', device]]),
    ['version', version === own ? version : `${version}, but visagectl is ${own}: restart the service`],
    ['data folder', `${state.data_dir} (from ${origin})`],
    [
      'settings',
      `${state.config_file ?? 'no file'} (${isService ? 'read by the service' : 'read by this command'})`,
    ],
    ...state.listens.map((url) => ['listens', url]),
    ['model pack', state.model_pack],
    ['store', store ? `${(store.bytes / 1024 ** 2).toFixed(1)} MiB` : 'does not exist yet'],
    ...(store
      ? [
          ['faces', `${store.faces} in ${store.collections} collections`],
          ['members', String(store.members)],
          ['api keys', String(store.apiKeys)],
        ]
      : []),
    ['last backup', backup ? `${backup.at} ${backup.folder}` : 'none'],
  ];
}

export const status = command({
  name: 'status',
  summary: 'Show the state of the service, its content and its last backup.',
  details: [
    'Shows the settings and addresses of the running service, or the settings that this command reads if none runs. The ' +
      'exit code is 0 if the service is ready, 69 if not.',
  ],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const state = await stateOf(values);
    print(state, values.json, () => columns(rowsOf(state, originOfFolder(values))));
    if (state.service !== 'ready') process.exitCode = EXIT.unavailable;
  },
});
