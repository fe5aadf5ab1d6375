import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsConfig } from '../config/config.ts';
import type { Admits } from './admits.ts';
import { answerAndClose } from './unread-body.ts';

/** TLS 1.2 only with forward secrecy and authenticated encryption. */
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

/** PEM; the certificate includes its chain. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** @throws Error */
export function secureOptions({ certificate, key }: KeyPair): SecureContextOptions {
  const options = { cert: certificate, key, ciphers: CIPHERS, minVersion: 'TLSv1.2' } as const;
  createSecureContext(options);
  return options;
}

/** RFC 9110. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i;

function redirect(
  { headers, url = '/' }: IncomingMessage,
  port: number,
): { status: number; location?: string } {
  const host = HOST.exec(headers.host ?? '')?.[1];
  if (host === undefined || !url.startsWith('/')) return { status: 400 };
  return { status: 308, location: `https://${host}${port === 443 ? '' : `:${port}`}${url}` };
}

/** @param tls read at each request. */
export function plainListener(
  listener: RequestListener,
  tls: () => Pick<TlsConfig, 'redirect'>,
  port: number,
  admits: Admits,
): RequestListener {
  return async (request: IncomingMessage, response: ServerResponse) => {
    if (!tls().redirect) return listener(request, response);
    if (!(await admits(request, response))) return;
    const { status, location } = redirect(request, port);
    response.statusCode = status;
    if (location !== undefined) response.setHeader('Location', location);
    answerAndClose(request, response, Buffer.alloc(0));
  };
}

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
