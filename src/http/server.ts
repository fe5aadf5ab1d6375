/** Node's HTTP server with limits against slow and hostile clients, and a way to empty it. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { answerClientError } from './client-errors.ts';

/**
 * Milliseconds for the header, for a whole request with its body, and between two requests of a connection: the last
 * longer than the minute after which load balancers drop theirs, or they would meet a connection that just closed.
 */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 65_000 } as const;

/** How often stalled connections are looked for, and idle ones closed while the server empties. */
const CHECK_INTERVAL_MS = 5_000;
const DRAIN_INTERVAL_MS = 50;

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 100;

/** A server that does not listen yet. */
export function createHttpServer(listener: RequestListener): Server {
  const server = createServer(
    { ...TIMEOUTS, maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: CHECK_INTERVAL_MS },
    listener,
  );
  server.maxHeadersCount = MAX_HEADERS;
  // The body reader says when to go on, so a refused upload is refused before it is sent.
  server.on('checkContinue', listener);
  server.on('clientError', answerClientError);
  return server;
}

/**
 * Starts to listen.
 * @param address a TCP address or the path of a Unix socket.
 * @throws the system's error, such as `EADDRINUSE`.
 */
export function listen(
  server: Server,
  address: { host: string; port: number } | { path: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/**
 * Accepts nothing new, lets requests in flight end, then closes their connections.
 * @param limitMs after it the connections that are left are cut.
 */
export function drain(server: Server, limitMs: number): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    const idle = setInterval(() => server.closeIdleConnections(), DRAIN_INTERVAL_MS);
    const cut = setTimeout(() => server.closeAllConnections(), limitMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(cut);
      resolve();
    });
  });
}
