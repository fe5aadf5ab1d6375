import type { RequestListener } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { TlsConfig } from '../config/config.ts';
import type { Log } from '../ops/log.ts';
import { loadTlsCertificate, type TlsCertificate, type TlsSources } from '../ops/tls-certificate.ts';
import type { Connections } from './connections.ts';
import { createHttpsServer } from './server.ts';
import { secureListener, secureOptions } from './tls.ts';

export class LiveTlsConfig {
  readonly #sources: Pick<TlsSources, 'credentials' | 'dataDir'>;
  readonly #log: Log;
  readonly #servers: SecureServer[] = [];
  #config: TlsConfig;
  #certificate: TlsCertificate;
  #options: SecureContextOptions;

  /** @throws ExitError. */
  constructor(config: TlsConfig, sources: Pick<TlsSources, 'credentials' | 'dataDir'>, log: Log) {
    this.#sources = sources;
    this.#log = log;
    this.#config = config;
    this.#certificate = this.#load(config);
    this.#options = secureOptions(this.#certificate);
    this.#tell();
  }

  get config(): TlsConfig {
    return this.#config;
  }

  get certificate(): TlsCertificate {
    return this.#certificate;
  }

  /** Follows each reload; does not listen yet. */
  serve(listener: RequestListener, connections: Connections): SecureServer {
    const server = createHttpsServer(
      secureListener(listener, () => this.#config),
      this.#options,
      connections,
    );
    this.#servers.push(server);
    return server;
  }

  /**
   * @returns a function that switches new connections.
   * @throws Error.
   */
  prepare(config: TlsConfig): () => void {
    const certificate = this.#load(config);
    const options = secureOptions(certificate);
    return () => {
      this.#config = config;
      this.#certificate = certificate;
      this.#options = options;
      for (const server of this.#servers) server.setSecureContext(options);
      this.#tell();
    };
  }

  #load({ files }: TlsConfig): TlsCertificate {
    return loadTlsCertificate({ ...this.#sources, files, now: Date.now() });
  }

  #tell(): void {
    const { source, fingerprint, expiresAt, warnings } = this.#certificate;
    const expires = new Date(expiresAt).toISOString();
    this.#log.info({ source, fingerprint, expires }, 'TLS certificate');
    for (const warning of warnings) this.#log.warn(warning);
  }
}
