/** Malformed requests and refused connections never reach the application. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { PROBLEM_TYPE, type Problem, problemHeaders, problemOf } from '../api/problem.ts';
import { VisageError } from '../errors.ts';
import { Connection } from './connection.ts';
import type { CloseReason } from './connections.ts';
import { requestIdOf } from './request-head.ts';
import { answerAndClose } from './unread-body.ts';

/** The server reads on this long, or most clients would lose the answer. */
const LINGER_MS = 1_000;

const MAX_LINGERING = 64;
let lingering = 0;

interface ParserError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
  readonly reason?: string;
}

function problemHead(problem: Problem, retryAfter?: number): Record<string, string> {
  return {
    ...problemHeaders(problem.code, retryAfter),
    'X-Request-Id': problem.requestId,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Type': PROBLEM_TYPE,
  };
}

function rawProblem(error: VisageError): string {
  const problem = problemOf(error, requestIdOf(undefined));
  const body = JSON.stringify(problem);
  const headers = {
    ...problemHead(problem, error.retryAfter),
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`;
}

function parserProblem({ code, reason, rawPacket }: ParserError): VisageError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return /^(?:authorization|x-api-key|cookie):/im.test(rawPacket?.toString('latin1') ?? '')
        ? new VisageError('TOKEN_INVALID', 'The credential is too long to be one.')
        : new VisageError('HEADERS_TOO_LARGE', 'Expected at most 16384 bytes of headers, got more.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new VisageError(
        'REQUEST_TIMEOUT',
        'Expected the headers within 10 seconds and the whole request within 60.',
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new VisageError(
        'PAYLOAD_TOO_LARGE',
        'Expected at most 16384 bytes of chunk extensions, got more.',
      );
    default:
      return new VisageError(
        'VALIDATION_FAILED',
        `The request is not HTTP/1.1${code?.startsWith('HPE_') && reason ? `: ${reason}` : ''}.`,
      );
  }
}

function endWith(stream: Duplex, bytes: string): void {
  if (stream.writableEnded) return;
  stream.end(bytes);
  stream.resume();
  const cut = setTimeout(() => stream.destroy(), LINGER_MS);
  stream.once('close', () => clearTimeout(cut));
}

export function answerProblemAndClose(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  const problem = problemOf(error, requestIdOf(undefined));
  response.statusCode = problem.status;
  for (const [name, value] of Object.entries(problemHead(problem))) response.setHeader(name, value);
  answerAndClose(request, response, Buffer.from(JSON.stringify(problem)));
}

/**
 * Waits for a running answer.
 * @returns null if already closed.
 */
export function answerClientError(error: ParserError, stream: Duplex): CloseReason | null {
  // The parser reports all later bytes as errors too.
  if (stream.writableEnded || stream.destroyed) return null;
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || !stream.writable) {
    stream.destroy();
    return null;
  }
  if (!(stream instanceof Connection)) {
    stream.destroy();
    return 'tls';
  }
  const answer = rawProblem(parserProblem(error));
  stream.endBehindAnswers(() => endWith(stream, answer));
  return 'malformed';
}

export function refuseConnection(
  socket: Socket,
  limit: 'address_limit' | 'total_limit',
  isSecure: boolean,
): void {
  socket.on('error', () => {});
  // TLS allows no answer before the handshake.
  if (isSecure || lingering >= MAX_LINGERING) {
    socket.destroy();
    return;
  }
  lingering++;
  socket.once('close', () => lingering--);
  const error =
    limit === 'address_limit'
      ? new VisageError(
          'RATE_LIMIT_EXCEEDED',
          'Too many connections are open from this address.',
          undefined,
          1,
        )
      : new VisageError('OVERLOADED', 'Too many connections are open.');
  endWith(socket, rawProblem(error));
}
