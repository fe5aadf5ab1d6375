import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { releaseBytes } from '../native/system.ts';

const LEAST_PIECE = 256;

const MOST_SENT = 64 * 1024;

const LARGE_CHUNK = 16 * 1024;

const SEND_LIMIT_MS = 30_000;

/** After this time, a request yields to a new connection. */
const STALLED_MS = 1_000;

/** A slower body counts as stalled; the least pace of `body.ts`, for each second. */
const STEP_OF_BODY = 1_638;

type Begin = () => void;

function endOfEmptyLine(bytes: Buffer, from: number): number {
  const start = Math.max(0, from - 2);
  const long = bytes.indexOf('\n\r\n', start, 'latin1');
  const end = long < 0 ? bytes.length : long + 3;
  const short = bytes.subarray(start, end).indexOf('\n\n', 0, 'latin1');
  return short < 0 ? end : start + short + 2;
}

/**
 * Stands between a client's socket and Node's HTTP parser, which gets pieces that end with a head, and none
 * during an answer.
 *
 * Sends 64 KB, then waits until the client has read them, to limit TLS encryption ahead.
 */
export class Connection extends Duplex {
  /** Kept after the close; undefined for a Unix socket. */
  readonly remoteAddress: string | undefined;
  readonly #socket: Socket;
  /** The parser has the bytes before `#at`. */
  #rest: Buffer | null = null;
  #at = 0;
  #spent: Buffer | null = null;
  #hasEnded = false;
  #isAsked = false;
  #bodyLeft = 0;
  #lastPiece = 0;
  #current: ServerResponse | null = null;
  readonly #waiting: [ServerResponse, Begin][] = [];
  #isPausing = false;
  #last: Begin | null = null;
  /** 0: not sending. */
  #sendingSince = 0;
  #idleSince = performance.now();
  #received = 0;

  constructor(socket: Socket) {
    super({ readableHighWaterMark: 1, writableHighWaterMark: socket.writableHighWaterMark });
    // Node applies this limit to bodies.
    Object.defineProperty(this, 'readableHighWaterMark', { value: socket.readableHighWaterMark });
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress;
    socket
      .on('data', (chunk: Buffer) => {
        this.#rest = chunk;
        this.#at = 0;
        this.#countBody(chunk.length);
        this.#feed();
      })
      .on('end', () => {
        this.#hasEnded = true;
        this.#feed();
      })
      .on('timeout', () => this.emit('timeout'))
      .on('error', (error) => this.destroy(error))
      .on('close', () => this.destroy());
  }

  get encrypted(): boolean {
    return 'encrypted' in this.#socket;
  }

  setTimeout(ms: number): this {
    this.#socket.setTimeout(ms);
    return this;
  }

  get current(): ServerResponse | null {
    return this.#current;
  }

  /** True once the request is complete; the stream then reads no more. */
  get isAnswering(): boolean {
    return this.#isPausing || this.#current?.req.complete === true;
  }

  /** Waits for all earlier answers. */
  enter(request: IncomingMessage, response: ServerResponse, begin: Begin): void {
    this.#bodyLeft = Math.max(0, Number(request.headers['content-length'] ?? 0) - this.#lastPiece);
    if (this.#current || this.#isPausing) this.#waiting.push([response, begin]);
    else this.#begin(response, begin);
  }

  endBehindAnswers(send: Begin): void {
    if (this.isAnswering || this.#current?.headersSent) this.#last = send;
    else send();
  }

  #begin(response: ServerResponse, begin: Begin): void {
    this.#current = response;
    this.#received = 0;
    this.#idleSince = performance.now();
    response.once('close', () => {
      this.#current = null;
      this.#idleSince = performance.now();
      if (this.#waiting.length === 0 && !this.#rest && !this.#last) return;
      // Otherwise one turn would answer a thousand requests.
      this.#isPausing = true;
      setImmediate(() => this.#goOn());
    });
    begin();
  }

  #goOn(): void {
    this.#isPausing = false;
    if (this.destroyed) return;
    const next = this.#waiting.shift();
    if (next) this.#begin(...next);
    else if (this.#last) this.#last();
    this.#feed();
  }

  cutIfStalled(now: number): boolean {
    if (this.#sendingSince === 0 || now - this.#sendingSince < SEND_LIMIT_MS) return false;
    this.destroy();
    return true;
  }

  #countBody(bytes: number): void {
    if (!this.#current) return;
    this.#received += bytes;
    if (this.#received < STEP_OF_BODY) return;
    this.#received = 0;
    this.#idleSince = performance.now();
  }

  /**
   * @param idleMs patience with a client that sends nothing.
   * @returns milliseconds; 0 or less: keep the connection.
   */
  overstayed(now: number, idleMs: number): number {
    if (this.#sendingSince > 0) return now - this.#sendingSince - STALLED_MS;
    // The service, not the client, is late with unread bytes.
    if (this.isAnswering || (this.#current && (this.#rest || this.readableLength > 0))) return 0;
    return now - this.#idleSince - (this.#current ? Math.max(idleMs, STALLED_MS) : idleMs);
  }

  closeIfIdle(ms: number): void {
    if (!this.#current && !this.#isPausing && performance.now() - this.#idleSince > ms) this.destroy();
  }

  override _read(): void {
    this.#isAsked = true;
    if (this.readableLength > 0) process.nextTick(() => this.#feed());
    else this.#feed();
  }

  /** The parser reads during `push`, except after a pause. */
  #feed(): void {
    if (this.readableLength === 0) this.#releaseSpent();
    while (
      this.#rest &&
      !this.isAnswering &&
      this.readableLength === 0 &&
      (this.#isAsked || this.readableFlowing)
    ) {
      this.#isAsked = false;
      this.push(this.#nextPiece(this.#rest));
    }
    if (this.#rest) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
    if (!this.#rest && this.#hasEnded && !this.readableEnded && !this.destroyed) {
      this.#hasEnded = false;
      this.push(null);
    }
  }

  #nextPiece(rest: Buffer): Buffer {
    const left = rest.length - this.#at;
    let size = left;
    if (this.#bodyLeft > 0) size = Math.min(left, this.#bodyLeft);
    else if (left > LEAST_PIECE) size = endOfEmptyLine(rest, this.#at + LEAST_PIECE) - this.#at;
    const piece = rest.subarray(this.#at, this.#at + size);
    this.#at += size;
    this.#bodyLeft = Math.max(0, this.#bodyLeft - size);
    this.#lastPiece = size;
    if (size === left) {
      if (rest.length >= LARGE_CHUNK) this.#spent = rest;
      this.#rest = null;
    }
    return piece;
  }

  #releaseSpent(): void {
    if (this.#spent) releaseBytes(this.#spent);
    this.#spent = null;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send([chunk], done);
  }

  override _writev(entries: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#send(
      entries.map(({ chunk }) => chunk),
      done,
    );
  }

  #send(chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
    const rest = [...chunks];
    let room = MOST_SENT;
    const socket = this.#socket;
    const parts: Buffer[] = [];
    while (room > 0 && rest[0]) {
      const part = rest[0].subarray(0, room);
      room -= part.length;
      parts.push(part);
      if (part.length === rest[0].length) rest.shift();
      else rest[0] = rest[0].subarray(part.length);
    }
    this.#sendingSince = performance.now();
    const sent = (error?: Error | null) => {
      this.#sendingSince = 0;
      if (error || rest.length === 0) done(error);
      else this.#send(rest, done);
    };
    socket.cork();
    parts.forEach((part, at) => {
      if (at === parts.length - 1) socket.write(part, sent);
      else socket.write(part);
    });
    socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sendingSince = performance.now();
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#rest = null;
    this.#waiting.length = 0;
    this.#socket.destroy();
    done(error);
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }
}
