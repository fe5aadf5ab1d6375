import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../config/config.ts';
import type { ListenAddress } from '../config/listen-address.ts';
import { environmentName, type SettingName } from '../config/settings.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import type { InheritedSockets, SocketName } from '../ops/inherited-sockets.ts';
import type { Admits } from './admits.ts';
import type { Connections } from './connections.ts';
import type { LiveTlsConfig } from './live-tls-config.ts';
import { createHttpServer, listen } from './server.ts';
import { plainListener } from './tls.ts';

interface Entrance {
  readonly setting: SettingName;
  readonly address: ListenAddress | null;
  readonly inherited: readonly number[];
  readonly scheme: 'http' | 'https';
  readonly serve: () => Server;
}

export interface Listener {
  readonly server: Server;
  readonly port: number | null;
  readonly address: string;
  readonly url: string;
  readonly isInherited: boolean;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name is not known',
};

function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function urlOf(scheme: string, { address, port }: AddressInfo): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `${scheme}://${hostPort(host, port)}`;
}

function listenerOf(server: Server, scheme: string, isInherited: boolean): Listener {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') {
    return { server, port: null, address: String(bound), url: `unix:${bound}`, isInherited };
  }
  const address = hostPort(bound.address, bound.port);
  return { server, port: bound.port, address, url: urlOf(scheme, bound), isInherited };
}

/** @param onOpen receives each listener, even if a later one fails. */
async function openEntrance(
  { setting, address, inherited, scheme, serve }: Entrance,
  onOpen: (listener: Listener) => void,
): Promise<Listener[]> {
  const wanted = inherited.length > 0 ? inherited.map((fd) => ({ fd })) : address === null ? [] : [address];
  const listeners: Listener[] = [];
  for (const each of wanted) {
    const server = serve();
    try {
      await listen(server, each);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const why = (code && REASONS[code]) || String(code);
      throw new ExitError(
        EXIT.unavailable,
        'fd' in each
          ? `Visage cannot listen on the socket that systemd handed over for ${scheme}: ${why}.`
          : `Visage cannot listen on ${each.host}:${each.port}: ${why}. Set ${environmentName(setting)} to another host:port.`,
      );
    }
    const listener = listenerOf(server, scheme, 'fd' in each);
    onOpen(listener);
    listeners.push(listener);
  }
  return listeners;
}

export interface ApiListenerParts {
  readonly config: Pick<Config, 'listen' | 'tls'>;
  readonly sockets: InheritedSockets;
  readonly tls: LiveTlsConfig | null;
  readonly api: RequestListener;
  /** Address limit of the redirect. */
  readonly admits: Admits;
  readonly connections: Connections;
}

export type Listeners = Readonly<Record<SocketName, readonly Listener[]>>;

export function isHandedOver({ http, https }: InheritedSockets): boolean {
  return http.length + https.length > 0;
}

/**
 * @param onOpen as in `openEntrance`.
 * @throws ExitError `unavailable`.
 */
export async function openApi(
  { config, sockets, tls, api, admits, connections }: ApiListenerParts,
  onOpen: (listener: Listener) => void,
): Promise<Pick<Listeners, 'http' | 'https'>> {
  const https =
    tls === null
      ? []
      : await openEntrance(
          {
            setting: 'tls_listen',
            address: isHandedOver(sockets) ? null : config.tls.listen,
            inherited: sockets.https,
            scheme: 'https',
            serve: () => tls.serve(api, connections),
          },
          onOpen,
        );
  const port = https[0]?.port;
  const http = await openEntrance(
    {
      setting: 'listen',
      address: isHandedOver(sockets) ? null : config.listen,
      inherited: sockets.http,
      scheme: 'http',
      serve: () =>
        createHttpServer(tls && port ? plainListener(api, () => tls.config, port, admits) : api, connections),
    },
    onOpen,
  );
  return { http, https };
}

/** @throws ExitError `unavailable`. */
export function openMetrics(
  { metricsListen }: Pick<Config, 'metricsListen'>,
  { metrics }: InheritedSockets,
  listener: RequestListener,
  connections: Connections,
  onOpen: (listener: Listener) => void,
): Promise<readonly Listener[]> {
  const entrance = {
    setting: 'metrics_listen',
    address: metricsListen,
    inherited: metrics,
    scheme: 'http',
    serve: () => createHttpServer(listener, connections),
  } as const;
  return openEntrance(entrance, onOpen);
}

export const ADDRESS_SETTINGS = { http: 'listen', https: 'tls_listen', metrics: 'metrics_listen' } as const;
export type AddressSetting = (typeof ADDRESS_SETTINGS)[SocketName];
const NAMES = Object.keys(ADDRESS_SETTINGS) as SocketName[];

export interface ListenerFacts {
  readonly name: SocketName;
  readonly address: string;
  readonly url: string;
  readonly isInherited: boolean;
}

export function addressesOf(listeners: Listeners): ListenerFacts[] {
  return NAMES.flatMap((name) =>
    listeners[name].map(({ address, url, isInherited }) => ({ name, address, url, isInherited })),
  );
}

export function replacedSettings(
  values: Readonly<Record<AddressSetting, string | null>>,
  isGiven: (setting: AddressSetting) => boolean,
  sockets: InheritedSockets,
  listeners: Listeners,
): AddressSetting[] {
  return NAMES.filter(
    (name) =>
      (name === 'metrics' ? sockets.metrics.length > 0 : isHandedOver(sockets)) &&
      isGiven(ADDRESS_SETTINGS[name]) &&
      !listeners[name].some(({ address }) => address === values[ADDRESS_SETTINGS[name]]),
  ).map((name) => ADDRESS_SETTINGS[name]);
}

/**
 * @param isHeld this service holds the address.
 * @throws ExitError `unavailable`.
 */
export async function tryAddresses(
  { listen, tls, metricsListen }: Pick<Config, 'listen' | 'tls' | 'metricsListen'>,
  isHeld: (name: SocketName, address: string) => boolean,
): Promise<void> {
  const wanted = { http: listen, https: tls.listen, metrics: metricsListen };
  const opened: Listener[] = [];
  try {
    for (const name of NAMES) {
      const address = wanted[name];
      if (address === null || isHeld(name, hostPort(address.host, address.port))) continue;
      const serve = () => createHttpServer((_, response) => response.destroy());
      const entrance = {
        setting: ADDRESS_SETTINGS[name],
        address,
        inherited: [],
        scheme: 'http',
        serve,
      } as const;
      await openEntrance(entrance, (listener) => opened.push(listener));
    }
  } finally {
    for (const { server } of opened) server.close();
  }
}
