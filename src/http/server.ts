/** Node's HTTP servers with limits against slow and hostile clients, and a way to empty them. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { answerClientError } from './client-errors.ts';

/**
 * Milliseconds for the header, for a whole request with its body, and between two requests of a connection: the last
 * longer than the minute after which load balancers drop theirs, or they would meet a connection that just closed.
 */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 65_000 } as const;

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** How often stalled connections are looked for, and idle ones closed while the server empties. */
const CHECK_INTERVAL_MS = 5_000;
const DRAIN_INTERVAL_MS = 50;

/** A client between two requests is given so long to send the next, which is answered with `Connection: close`. */
const DRAIN_GRACE_MS = 250;

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 100;

/** Connections that wait to be accepted, such as while the service restarts; the kernel's own limit holds too. */
const BACKLOG = 4096;

const OPTIONS = {
  ...TIMEOUTS,
  maxHeaderSize: MAX_HEADER_BYTES,
  connectionsCheckingInterval: CHECK_INTERVAL_MS,
} as const;

/**
 * The answer that each connection waits for, by server: when it empties, each says that its connection ends. Not a set of
 * answers that each enters and leaves: V8 makes a new table for such a set again and again, and each old one, once it is
 * old enough, holds the next with all its answers until the whole heap is gone through.
 */
const answersOf = new WeakMap<Server, Map<Socket, ServerResponse | null>>();
const emptying = new WeakSet<Server>();

function prepared<T extends Server>(server: T, listener: RequestListener): T {
  const answers = new Map<Socket, ServerResponse | null>();
  answersOf.set(server, answers);
  const follow: RequestListener = (request, response) => {
    const { socket } = request;
    if (!answers.has(socket)) socket.once('close', () => answers.delete(socket));
    answers.set(socket, response);
    response.once('close', () => {
      if (answers.get(socket) === response) answers.set(socket, null);
    });
    if (emptying.has(server)) response.setHeader('Connection', 'close');
    return listener(request, response);
  };
  server.maxHeadersCount = MAX_HEADERS;
  server.on('request', follow);
  // The body reader says when to go on, so a refused upload is refused before it is sent.
  server.on('checkContinue', follow);
  server.on('clientError', answerClientError);
  return server;
}

/** A server of plain HTTP that does not listen yet. */
export function createHttpServer(listener: RequestListener): Server {
  return prepared(createServer(OPTIONS), listener);
}

/** A server of HTTPS that does not listen yet. `setSecureContext` gives it another certificate. */
export function createHttpsServer(listener: RequestListener, secure: SecureContextOptions): SecureServer {
  const server = createSecureServer({ ...OPTIONS, ...secure, handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
  return prepared(server, listener);
}

/**
 * Starts to listen.
 * @param address a TCP address, the path of a Unix socket, or the descriptor of a socket that listens already.
 * @throws the system's error, such as `EADDRINUSE`.
 */
export function listen(
  server: Server,
  address: { host: string; port: number } | { path: string } | { fd: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, backlog: BACKLOG }, () => {
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
  emptying.add(server);
  for (const answer of answersOf.get(server)?.values() ?? []) {
    if (answer && !answer.headersSent) answer.setHeader('Connection', 'close');
  }
  return new Promise((resolve) => {
    let idle: NodeJS.Timeout;
    const grace = setTimeout(() => {
      server.closeIdleConnections();
      idle = setInterval(() => server.closeIdleConnections(), DRAIN_INTERVAL_MS);
    }, DRAIN_GRACE_MS);
    const cut = setTimeout(() => server.closeAllConnections(), limitMs);
    // The HTTP server's own close() would cut off at once who is about to send the next request.
    NetServer.prototype.close.call(server, () => {
      clearTimeout(grace);
      clearInterval(idle);
      clearTimeout(cut);
      resolve();
    });
  });
}
