/** Answers what Node's parser gave up on before there was a request. */
import type { Duplex } from 'node:stream';
import { VisageError } from '../errors.ts';
import { PROBLEM_TYPE, problemHeaders, problemOf } from './problem.ts';
import { requestIdOf } from './request-id.ts';

/** How long a refused connection is still read: cut at once, most clients would lose the answer. */
const LINGER_MS = 1_000;

const STATUS_LINES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** A credential that does not fit into the headers is refused as one: no key and no token of ours is that long. */
function credentialTooLong(): string {
  const problem = problemOf(
    new VisageError('TOKEN_INVALID', 'The credential is too long to be one.'),
    requestIdOf(undefined),
  );
  const body = JSON.stringify(problem);
  const headers = {
    ...problemHeaders(problem.code),
    'X-Request-Id': problem.requestId,
    'Cache-Control': 'no-store',
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `401 Unauthorized\r\n${lines.join('')}Connection: close\r\n\r\n${body}`;
}

/** For the server's `clientError`: as Node's own answer, but for credentials that are too long. */
export function answerClientError(
  error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer },
  socket: Duplex,
): void {
  // The parser fails again on everything that still comes.
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const isCredential =
    error.code === 'HPE_HEADER_OVERFLOW' &&
    /^(?:authorization|x-api-key|cookie):/im.test(error.rawPacket?.toString('latin1') ?? '');
  const status = STATUS_LINES[error.code ?? ''] ?? '400 Bad Request';
  const answer = isCredential ? credentialTooLong() : `${status}\r\nConnection: close\r\n\r\n`;
  socket.end(`HTTP/1.1 ${answer}`);
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(cut));
}
