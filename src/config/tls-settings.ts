/** Settings of HTTPS. */
import { resolve } from 'node:path';
import { ConfigError } from './config-error.ts';
import { type ListenAddress, parseListen } from './listen-address.ts';

export interface TlsConfig {
  /** Null: no listener of its own, unless systemd hands over a socket for it. */
  readonly listen: ListenAddress | null;
  /** PEM files: the certificate with its chain, and its key. Null: credentials, or one that the service makes. */
  readonly files: { readonly certificate: string; readonly key: string } | null;
  /** Plain HTTP is answered with the way to HTTPS. */
  readonly redirect: boolean;
  /** Seconds for which browsers are told to come over HTTPS only; 0 tells them nothing. */
  readonly hstsMaxAge: number;
}

const FILE = { type: 'string', minLength: 1, description: 'the path of a PEM file' } as const;

/** Properties of the settings' schema. */
export const TLS_SETTINGS = {
  tls_listen: {
    type: 'string',
    format: 'host-port',
    description: 'host:port, such as "0.0.0.0:8443"',
  },
  tls_certificate: FILE,
  tls_key: FILE,
  tls_redirect: { type: 'boolean', description: 'true or false' },
  hsts_max_age: {
    type: 'integer',
    minimum: 0,
    maximum: 63_072_000,
    description: 'a whole number of seconds from 0 to 63072000',
  },
} as const;

/** What the schema makes sure of. */
export interface TlsValues {
  readonly tls_listen: string | null;
  readonly tls_certificate: string | null;
  readonly tls_key: string | null;
  readonly tls_redirect: boolean;
  readonly hsts_max_age: number;
}

export const TLS_DEFAULTS: TlsValues = {
  tls_listen: null,
  tls_certificate: null,
  tls_key: null,
  tls_redirect: false,
  hsts_max_age: 0,
};

/** @throws ConfigError for a certificate without a key, or a key without a certificate. */
export function tlsConfigOf(values: TlsValues): TlsConfig {
  const { tls_certificate: certificate, tls_key: key } = values;
  if ((certificate === null) !== (key === null)) {
    const [given, missing] = key === null ? ['tls_certificate', 'tls_key'] : ['tls_key', 'tls_certificate'];
    throw new ConfigError(`Setting "${given}" is there, but "${missing}" is not: a certificate needs both.`);
  }
  return {
    listen: values.tls_listen === null ? null : parseListen(values.tls_listen),
    files:
      certificate === null || key === null ? null : { certificate: resolve(certificate), key: resolve(key) },
    redirect: values.tls_redirect,
    hstsMaxAge: values.hsts_max_age,
  };
}
