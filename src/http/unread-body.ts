import type { IncomingMessage, ServerResponse } from 'node:http';

/** Reading a smaller rest is faster than a new connection. */
const SMALL_REST = 64 * 1024;

const LINGER_MS = 1_000;

export function hasUnreadBody(request: IncomingMessage): boolean {
  if (request.complete || request.destroyed) return false;
  const length = request.headers['content-length'];
  if (length === undefined) return request.headers['transfer-encoding'] !== undefined;
  return Number(length) > SMALL_REST;
}

/** An immediate close would reset the connection and lose the answer. */
export function answerAndClose(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  response.setHeader('Connection', 'close');
  response.setHeader('Content-Length', body.length);
  response.write(body);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once('end', end).once('close', end).on('error', end);
  request.resume();
}
