import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { VisageError } from '../errors.ts';

/** Node would silently drop further headers. */
const MAX_HEADERS = 100;

/** Node and a proxy may pick different values. */
const SINGLE = [
  'content-length',
  'content-type',
  'expect',
  'host',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'origin',
  'sec-fetch-site',
  'x-csrf-token',
  'x-visage-background',
];

/** @throws `HEADERS_TOO_LARGE`, `VALIDATION_FAILED`. */
export function checkHead(request: IncomingMessage): void {
  const lines = request.rawHeaders.length / 2;
  if (lines > MAX_HEADERS) {
    throw new VisageError('HEADERS_TOO_LARGE', `Expected at most ${MAX_HEADERS} header lines, got ${lines}.`);
  }
  const { headersDistinct } = request;
  for (const name of SINGLE) {
    const times = headersDistinct[name]?.length ?? 0;
    if (times > 1) {
      throw new VisageError(
        'VALIDATION_FAILED',
        `${name}: expected this header once, got it ${times} times.`,
      );
    }
  }
  if (request.httpVersion === '1.1' && headersDistinct.host === undefined) {
    throw new VisageError('VALIDATION_FAILED', 'host: this header is missing, and HTTP/1.1 requires it.');
  }
  const expect = headersDistinct.expect?.[0];
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new VisageError('VALIDATION_FAILED', 'expect: expected "100-continue", got something else.');
  }
}

export const REQUEST_ID_HEADER = 'X-Request-Id';

const SANE = /^[A-Za-z0-9._:-]{1,64}$/;

export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && SANE.test(header) ? header : randomUUID();
}
