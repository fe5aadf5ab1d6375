/** HTTPS: which protocols and ciphers, and the way there from plain HTTP. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsConfig } from '../config/tls-settings.ts';
import { answerAndClose } from './unread-body.ts';

/** Of TLS 1.2 those with forward secrecy and authenticated encryption; of TLS 1.3 all, which are of that kind. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** PEM of a certificate with its chain, and of its key. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** What a server shows and accepts. @throws Error if the TLS library does not take the certificate. */
export function secureOptions({ certificate, key }: KeyPair): SecureContextOptions {
  const options = { cert: certificate, key, ciphers: CIPHERS, minVersion: 'TLSv1.2' } as const;
  createSecureContext(options);
  return options;
}

/** `Host` as RFC 9110 has it: a name, an IPv4 address or an IPv6 address in brackets, perhaps with a port. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i;

function redirect(
  { headers, url = '/' }: IncomingMessage,
  port: number,
): { status: number; location?: string } {
  const host = HOST.exec(headers.host ?? '')?.[1];
  if (host === undefined || !url.startsWith('/')) return { status: 400 };
  return { status: 308, location: `https://${host}${port === 443 ? '' : `:${port}`}${url}` };
}

/**
 * The listener of plain HTTP where there is HTTPS too: while the setting says so, every request is shown the way there,
 * with its method and body kept (308), and no credential is looked at.
 * @param tls asked with each request. @param port of HTTPS.
 */
export function plainListener(
  listener: RequestListener,
  tls: () => Pick<TlsConfig, 'redirect'>,
  port: number,
): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (!tls().redirect) return listener(request, response);
    const { status, location } = redirect(request, port);
    response.statusCode = status;
    if (location !== undefined) response.setHeader('Location', location);
    answerAndClose(request, response, Buffer.alloc(0));
  };
}

/** The listener of HTTPS: tells browsers to come only so, where the setting says for how long. */
export function secureListener(
  listener: RequestListener,
  tls: () => Pick<TlsConfig, 'hstsMaxAge'>,
): RequestListener {
  return (request, response) => {
    const { hstsMaxAge } = tls();
    if (hstsMaxAge > 0) response.setHeader('Strict-Transport-Security', `max-age=${hstsMaxAge}`);
    return listener(request, response);
  };
}
