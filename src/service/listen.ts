import { isLoopback } from '../base/ip-networks.ts';
import { parseListen } from '../config/listen-address.ts';
import { isGiven } from '../config/load.ts';
import type { ServiceFacts } from '../http/admin.ts';
import { addressGuard } from '../http/admits.ts';
import {
  addressesOf,
  isHandedOver,
  type Listener,
  type Listeners,
  openApi,
  openMetrics,
  replacedSettings,
} from '../http/listeners.ts';
import { LiveTlsConfig } from '../http/live-tls-config.ts';
import { metricsListener } from '../http/metrics.ts';
import { drain } from '../http/server.ts';
import type { Metrics } from '../ops/metrics.ts';
import { type Boot, DRAIN_LIMIT_MS } from './boot.ts';
import type { Undos } from './shutdown.ts';

/** The API's listeners open early, to report the start's progress. */
export class NetworkListeners {
  readonly tls: LiveTlsConfig | null;
  readonly #boot: Boot;
  readonly #onOpen: (listener: Listener) => void;
  #opened: Listeners = { http: [], https: [], metrics: [] };

  /** Loads the certificate. @throws ExitError. */
  constructor(boot: Boot, undos: Undos) {
    const { config, environment, sockets, log } = boot;
    const isSecure = config.tls.listen !== null || sockets.https.length > 0;
    const sources = { credentials: environment.CREDENTIALS_DIRECTORY, dataDir: config.dataDir };
    this.tls = isSecure ? new LiveTlsConfig(config.tls, sources, log) : null;
    this.#boot = boot;
    this.#onOpen = ({ server }) => undos.add('connections', () => drain(server, DRAIN_LIMIT_MS));
  }

  /** Not for systemd's sockets, whose clients wait. */
  async openEarly(): Promise<void> {
    if (!isHandedOver(this.#boot.sockets)) await this.#openApi();
  }

  async open(metrics: Metrics): Promise<void> {
    const { config, sockets, connections, anonymousLimits, log, values } = this.#boot;
    if (isHandedOver(sockets)) await this.#openApi();
    const handler = metricsListener(metrics, log, addressGuard(anonymousLimits.addresses, 'metrics'));
    const opened = await openMetrics(config, sockets, handler, connections, this.#onOpen);
    this.#opened = { ...this.#opened, metrics: opened };
    for (const { url } of opened) log.info({ url: `${url}/metrics` }, 'metrics');
    for (const setting of this.#replaced()) {
      log.warn(
        { setting, value: values[setting] },
        "the setting is not used: systemd's socket units say where to listen",
      );
    }
  }

  async #openApi(): Promise<void> {
    const { config, sockets, connections, anonymousLimits, publicHandler } = this.#boot;
    const admits = addressGuard(anonymousLimits.addresses, 'redirect');
    const parts = { config, sockets, tls: this.tls, connections, api: publicHandler.handle, admits };
    this.#opened = { ...this.#opened, ...(await openApi(parts, this.#onOpen)) };
  }

  #replaced() {
    const { environment, values, sockets } = this.#boot;
    return replacedSettings(values, (setting) => isGiven(setting, environment), sockets, this.#opened);
  }

  get ports(): number[] {
    return Object.values(this.#opened).flatMap((each) => each.flatMap(({ port }) => port ?? []));
  }

  get urls(): string[] {
    return [...this.#opened.http, ...this.#opened.https].map(({ url }) => url);
  }

  get secure(): { readonly url: string; readonly fingerprint: string } | null {
    const [listener] = this.#opened.https;
    return this.tls && listener ? { url: listener.url, fingerprint: this.tls.certificate.fingerprint } : null;
  }

  /** Whether other machines can connect without TLS, except to a redirect to HTTPS. */
  get isExposedWithoutTls(): boolean {
    if (this.tls?.config.redirect) return false;
    return this.#opened.http.some(({ address }) => {
      const host = parseListen(address)?.host;
      return host !== undefined && !isLoopback(host);
    });
  }

  get facts(): Pick<ServiceFacts, 'listeners' | 'replaced'> {
    return { listeners: addressesOf(this.#opened), replaced: this.#replaced() };
  }
}
