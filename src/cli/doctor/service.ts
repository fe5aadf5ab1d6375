import { connect, createServer } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { type Finding, ok, problem, warning } from '../../appliance/doctor/finding.ts';
import type { Config } from '../../config/config.ts';
import { LIVE_SETTINGS, SETTING_NAMES, type SettingValues } from '../../config/settings.ts';
import type { ServiceFacts } from '../../http/admin.ts';
import { ADDRESS_SETTINGS, type AddressSetting } from '../../http/listeners.ts';
import { SOCKET_NAMES, SOCKET_UNITS, type SocketName } from '../../ops/inherited-sockets.ts';

const CONNECT_LIMIT_MS = 2000;

interface Address {
  readonly name: SocketName;
  readonly setting: string;
  readonly host: string;
  readonly port: number;
}

function isHeld({ host, port }: Pick<Address, 'host' | 'port'>): Promise<boolean> {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return new Promise((resolve) => {
    const socket = connect({ host: reachable, port, timeout: CONNECT_LIMIT_MS });
    const end = (held: boolean) => {
      socket.destroy();
      resolve(held);
    };
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false));
  });
}

/** Null on success. */
function whyNot({ host, port }: Address): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'));
    server.listen({ host, port }, () => server.close(() => resolve(null)));
  });
}

const REASONS: Readonly<Record<string, [says: string, advice: string]>> = {
  EADDRINUSE: ['another program listens there', 'Find it with `ss -ltnp`, or set another port.'],
  EACCES: ['this user may not listen there', 'Use a port of at least 1024, or the socket unit.'],
  EADDRNOTAVAIL: ['this machine has no such address', 'Set an address from `ip address`, or 0.0.0.0.'],
};

function addressesOf({ listen, tls, metricsListen }: Config): Address[] {
  const named = { http: listen, https: tls.listen, metrics: metricsListen };
  return SOCKET_NAMES.flatMap((name) => {
    const address = named[name];
    return address === null || address.port === 0
      ? []
      : [{ name, setting: ADDRESS_SETTINGS[name], ...address }];
  });
}

function unitOf(setting: AddressSetting): string {
  const name = SOCKET_NAMES.find((each) => ADDRESS_SETTINGS[each] === setting) as SocketName;
  return SOCKET_UNITS[name];
}

async function checkListeners({ listeners, replaced, configFile }: ServiceFacts): Promise<Finding[]> {
  const reached = await Promise.all(
    listeners.map(async ({ name, url, isInherited }) => {
      const { hostname, port } = new URL(url);
      const where = `${url}: service listens${isInherited ? `, socket of ${SOCKET_UNITS[name]}` : ''}`;
      if (await isHeld({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) }))
        return ok('ports', where);
      return problem('ports', `${where}, but refuses connections`, 'Check `journalctl -u visage`.');
    }),
  );
  const unused = replaced.map((setting) =>
    warning(
      'ports',
      `${setting} has no effect: systemd provides the sockets`,
      `Remove it${configFile === null ? '' : ` from ${configFile}`}. To change the address, run \`systemctl edit ` +
        `${unitOf(setting)}\`.`,
    ),
  );
  return [...reached, ...unused];
}

export async function checkAddresses(
  config: Config,
  facts: ServiceFacts | null,
  held: readonly SocketName[],
): Promise<Finding[]> {
  if (facts) return checkListeners(facts);
  const isApiHeld = held.some((name) => name !== 'metrics');
  return Promise.all(
    addressesOf(config).map(async (address) => {
      const name = `${address.setting} ${address.host}:${address.port}`;
      if (address.name === 'metrics' ? held.includes(address.name) : isApiHeld) {
        return ok(
          'ports',
          `${address.setting} has no effect: systemd provides ${SOCKET_UNITS[address.name]}`,
        );
      }
      const code = await whyNot(address);
      if (code === null) return ok('ports', `${name} is free`);
      const [says, advice] = REASONS[code] ?? [code, 'Set another address.'];
      return problem('ports', `${name}: ${says}`, advice);
    }),
  );
}

export function checkSettings(
  own: { readonly configFile: string | null; readonly settings: SettingValues },
  facts: ServiceFacts | null,
): Finding[] {
  if (facts === null) return [ok('settings', 'valid')];
  const file = facts.configFile ?? 'no settings file';
  const others = SETTING_NAMES.filter(
    (name) => name !== 'data_dir' && !isDeepStrictEqual(own.settings[name], facts.settings[name]),
  );
  if (others.length === 0) return [ok('settings', 'valid, same as those of the service')];
  if (own.configFile !== facts.configFile) {
    return [
      warning(
        'settings',
        `the service reads ${file}, this command ${own.configFile ?? 'none'}; they differ in ${others.join(', ')}`,
        `To check the settings of the service, add ${facts.configFile === null ? '--config FILE' : `--config ${facts.configFile}`}.`,
      ),
    ];
  }
  const restart = others.filter((name) => !LIVE_SETTINGS.has(name));
  return [
    warning(
      'settings',
      `the service runs with different values of ${others.join(', ')}`,
      restart.length === 0
        ? 'Run `visagectl reload`.'
        : 'If you changed the settings, restart the service. If its VISAGE_... variables differ, pass them to this command too.',
    ),
  ];
}
