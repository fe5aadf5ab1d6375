import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Config, configOf as configOfSettings } from '../config/config.ts';
import { isGiven, readSettings } from '../config/load.ts';
import { tryAddresses } from '../http/listeners.ts';
import { secureOptions } from '../http/tls.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import { heldBySystemd, SOCKET_UNITS } from '../ops/inherited-sockets.ts';
import { loadTlsCertificate } from '../ops/tls-certificate.ts';
import { checkDeviceChoice } from '../vision/device.ts';
import { openModelPacks } from '../vision/model-pack.ts';
import { columns, command, DATA_OPTIONS, environmentOf, JSON_OPTION, print } from './command.ts';
import { tell } from './output.ts';
import { becomeOwnerOf } from './privileges.ts';
import { serviceState } from './service-state.ts';

function checkDataFolder(dataDir: string): void {
  let folder = dataDir;
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    if (!statSync(folder).isDirectory()) throw new Error('it is a file');
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'EACCES' ? 'this user may not write to it' : message;
    throw new Error(`The data folder ${dataDir} cannot be used: ${folder}: ${why}.`);
  }
}

/**
 * Undoes each check.
 * @returns address settings without effect, because systemd holds the sockets.
 */
async function tryStart(config: Config, isGivenHere: (setting: 'listen' | 'tls_listen') => boolean) {
  const { dataDir, tls, device } = config;
  checkDataFolder(dataDir);
  await openModelPacks([config.modelPack, ...config.extraModelPacks]);
  checkDeviceChoice(device.choice);
  if (tls.files) {
    secureOptions(loadTlsCertificate({ files: tls.files, credentials: undefined, dataDir, now: Date.now() }));
  }
  const { service, facts } = await serviceState(config);
  const held = facts
    ? facts.listeners.filter(({ isInherited }) => isInherited).map(({ name }) => name)
    : heldBySystemd();
  const isApiHeld = held.some((name) => name !== 'metrics');
  if (service !== 'starting') {
    await tryAddresses(config, (name, address) => {
      if (name === 'metrics' ? held.includes(name) : isApiHeld) return true;
      return facts?.listeners.some((listener) => listener.address === address) ?? false;
    });
  }
  return isApiHeld ? (['listen', 'tls_listen'] as const).filter(isGivenHere) : [];
}

export const configCheck = command({
  name: 'config check',
  summary: 'Check the settings without a start, and print the values in effect.',
  details: [
    'Read the file named by --config or VISAGE_CONFIG, the environment and the defaults. Then run the checks of a start: open ' +
      'the model packs, the certificate, its key and the addresses, and look for the device. If a start would fail, print the ' +
      'first error and exit with code 78.',
  ],
  examples: ['config check --config /etc/visage/visage.toml'],
  options: { ...JSON_OPTION, ...DATA_OPTIONS },
  async run(values) {
    const environment = environmentOf(values);
    const settings = readSettings(environment);
    const config = configOfSettings(settings);
    becomeOwnerOf(config.dataDir);
    const unused = await tryStart(config, (setting) => isGiven(setting, environment)).catch(
      (error: Error) => {
        throw new ExitError(EXIT.config, error.message);
      },
    );
    print(settings, values.json, () =>
      columns(Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)])),
    );
    if (values.json) return;
    for (const setting of unused) {
      const { http, https } = SOCKET_UNITS;
      tell`${setting} has no effect: systemd holds the sockets that ${http} and ${https} define. Change them with \`systemctl edit\`.`;
    }
    tell`The settings are valid.`;
  },
});
