/** Where the service is reached: addresses of the settings, or sockets that systemd holds for it. */
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '../config/listen-address.ts';
import { type Config, environmentName, type SettingName } from '../config/settings.ts';
import { EXIT, ExitError } from '../ops/exit-codes.ts';
import type { InheritedSockets, SocketName } from '../ops/inherited-sockets.ts';
import type { PresentTls } from './present-tls.ts';
import { createHttpServer, listen } from './server.ts';
import { plainListener } from './tls.ts';

/** One way in. */
interface Entrance {
  /** The setting that names the address. */
  readonly setting: SettingName;
  /** Null: none but what systemd hands over. */
  readonly address: ListenAddress | null;
  /** Descriptors of listening sockets, which take the place of the address. */
  readonly inherited: readonly number[];
  readonly scheme: 'http' | 'https';
  /** Makes a server for one socket. */
  readonly serve: () => Server;
}

/** A server that listens. */
export interface Listener {
  readonly server: Server;
  /** Null for a socket that has no port. */
  readonly port: number | null;
  /** How a program on this machine reaches it. */
  readonly url: string;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name is not known',
};

function urlOf(scheme: string, { address, port }: AddressInfo): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function listenerOf(server: Server, scheme: string): Listener {
  const address = server.address();
  if (address === null || typeof address === 'string') return { server, port: null, url: `unix:${address}` };
  return { server, port: address.port, url: urlOf(scheme, address) };
}

/** Opens one way in. @returns nothing where there is neither address nor socket. @throws ExitError `unavailable`. */
async function openEntrance({ setting, address, inherited, scheme, serve }: Entrance): Promise<Listener[]> {
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
    listeners.push(listenerOf(server, scheme));
  }
  return listeners;
}

export interface ApiListenerParts {
  readonly config: Pick<Config, 'listen' | 'tls'>;
  readonly sockets: InheritedSockets;
  /** Null where HTTPS is not served. */
  readonly tls: PresentTls | null;
  readonly api: RequestListener;
}

/** Every server that listens for the network. */
export type Listeners = Readonly<Record<SocketName, readonly Listener[]>>;

/** Whether systemd holds sockets for the API. They are then all that there is of it: their units say where. */
export function isHandedOver({ http, https }: InheritedSockets): boolean {
  return http.length + https.length > 0;
}

/**
 * Opens every way to the API.
 * @throws ExitError `unavailable`.
 */
export async function openApi({
  config,
  sockets,
  tls,
  api,
}: ApiListenerParts): Promise<Pick<Listeners, 'http' | 'https'>> {
  const https =
    tls === null
      ? []
      : await openEntrance({
          setting: 'tls_listen',
          address: isHandedOver(sockets) ? null : config.tls.listen,
          inherited: sockets.https,
          scheme: 'https',
          serve: () => tls.serve(api),
        });
  const port = https[0]?.port;
  const http = await openEntrance({
    setting: 'listen',
    address: isHandedOver(sockets) ? null : config.listen,
    inherited: sockets.http,
    scheme: 'http',
    serve: () => createHttpServer(tls && port ? plainListener(api, () => tls.config, port) : api),
  });
  return { http, https };
}

/**
 * Opens every way to the metrics.
 * @throws ExitError `unavailable`.
 */
export function openMetrics(
  { metricsListen }: Pick<Config, 'metricsListen'>,
  { metrics }: InheritedSockets,
  listener: RequestListener,
): Promise<readonly Listener[]> {
  return openEntrance({
    setting: 'metrics_listen',
    address: metricsListen,
    inherited: metrics,
    scheme: 'http',
    serve: () => createHttpServer(listener),
  });
}
