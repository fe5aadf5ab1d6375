import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { answerClientError, answerProblemAndClose, refuseConnection } from './client-errors.ts';
import { Connection } from './connection.ts';
import type { Connections } from './connections.ts';
import { checkHead } from './request-head.ts';

const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 65_000 } as const;

const HANDSHAKE_TIMEOUT_MS = 10_000;

const CHECK_INTERVAL_MS = 5_000;
const DRAIN_INTERVAL_MS = 50;

/** An idle client may send one more request. */
const DRAIN_GRACE_MS = 250;

const MAX_HEADER_BYTES = 16 * 1024;

const BACKLOG = 4096;

const OPTIONS = {
  ...TIMEOUTS,
  maxHeaderSize: MAX_HEADER_BYTES,
  connectionsCheckingInterval: CHECK_INTERVAL_MS,
  requireHostHeader: false,
} as const;

const connectionsOf = new WeakMap<Server, Set<Connection>>();
const emptying = new WeakSet<Server>();

function intercept(
  server: Server,
  event: 'connection' | 'secureConnection',
  accept: (socket: Socket, proceed: (stream: Duplex) => void) => void,
): void {
  const [proceed] = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => accept(socket, (stream) => proceed?.call(server, stream)));
}

function prepared<T extends Server>(server: T, listener: RequestListener, common: Connections | null): T {
  const open = new Set<Connection>();
  connectionsOf.set(server, open);
  const isSecure = server instanceof SecureServer;
  intercept(server, isSecure ? 'secureConnection' : 'connection', (socket, proceed) => {
    const connection = new Connection(socket);
    common?.attach(socket, connection);
    open.add(connection);
    connection.once('close', () => open.delete(connection));
    proceed(connection);
  });
  if (common) {
    intercept(server, 'connection', (socket, proceed) => {
      const limit = common.admit(socket);
      if (limit === null) return proceed(socket);
      common.tell(limit, socket.remoteAddress);
      refuseConnection(socket, limit, isSecure);
    });
  }

  const answer: RequestListener = (request, response) => {
    if (emptying.has(server)) response.setHeader('Connection', 'close');
    try {
      checkHead(request);
    } catch (error) {
      common?.tell('malformed', request.socket.remoteAddress);
      return answerProblemAndClose(request, response, error);
    }
    return listener(request, response);
  };
  const follow: RequestListener = (request, response) => {
    const connection = request.socket as unknown as Connection;
    connection.enter(request, response, () => answer(request, response));
  };
  if (common) Object.defineProperty(server, 'keepAliveTimeout', { get: () => common.limits.idleTimeoutMs });
  server.maxHeadersCount = 0;
  server.on('request', follow);
  server.on('checkContinue', follow);
  server.on('checkExpectation', follow);
  server.on('clientError', (error: NodeJS.ErrnoException, stream: Duplex) => {
    const reason = answerClientError(error, stream);
    if (reason) common?.tell(reason, (stream as Socket).remoteAddress);
  });
  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of open) {
      if (connection.cutIfStalled(now)) common?.tell('not_reading', connection.remoteAddress);
    }
  }, CHECK_INTERVAL_MS).unref();
  server.once('close', () => clearInterval(sweep));
  return server;
}

/** @param connections null: no limits. */
export function createHttpServer(listener: RequestListener, connections: Connections | null = null): Server {
  return prepared(createServer(OPTIONS), listener, connections);
}

export function createHttpsServer(
  listener: RequestListener,
  secure: SecureContextOptions,
  connections: Connections | null = null,
): SecureServer {
  const server = createSecureServer({ ...OPTIONS, ...secure, handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
  return prepared(server, listener, connections);
}

/**
 * @param address TCP, a Unix socket's path, or a descriptor.
 * @throws the system's error.
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

/** @param limitMs then closes unfinished requests. */
export function drain(server: Server, limitMs: number): Promise<void> {
  if (!server.listening) return Promise.resolve();
  emptying.add(server);
  for (const { current } of connectionsOf.get(server) ?? []) {
    if (current && !current.headersSent) current.setHeader('Connection', 'close');
  }
  return new Promise((resolve) => {
    let idle: NodeJS.Timeout;
    // closeIdleConnections() would cut answers that slow clients still read.
    const closeIdle = () => {
      for (const connection of connectionsOf.get(server) ?? []) connection.closeIfIdle(DRAIN_GRACE_MS);
    };
    const grace = setTimeout(() => {
      closeIdle();
      idle = setInterval(closeIdle, DRAIN_INTERVAL_MS);
    }, DRAIN_GRACE_MS);
    const cut = setTimeout(() => server.closeAllConnections(), limitMs);
    // HTTP's own close() would cut clients between two requests.
    NetServer.prototype.close.call(server, () => {
      clearTimeout(grace);
      clearInterval(idle);
      clearTimeout(cut);
      resolve();
    });
  });
}
