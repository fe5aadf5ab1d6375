/** Answering a client that is still sending what nobody will read. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A rest of this many bytes is quicker read than a new connection is made. */
const SMALL_REST = 64 * 1024;

/** How long the connection stays open after the answer, for the client to see it. */
const LINGER_MS = 1_000;

/** Whether part of the body is still to come that is not worth reading to keep the connection. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  if (request.complete || request.destroyed) return false;
  const length = request.headers['content-length'];
  if (length === undefined) return request.headers['transfer-encoding'] !== undefined;
  return Number(length) > SMALL_REST;
}

/**
 * Sends an answer and closes the connection. Closing at once would reset it, and most clients then lose the answer
 * that waits in their receive buffer; so what still comes is thrown away for a second, or until the client hangs up.
 */
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
