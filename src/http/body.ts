import type { IncomingMessage, ServerResponse } from 'node:http';
import { Turn } from '../base/turns.ts';
import { VisageError } from '../errors.ts';
import { releaseBytes } from '../native/system.ts';
import type { BodyHold } from './body-budget.ts';

export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}

/** The client must send `bytes`, or the body's rest, every `ms`. */
export interface Pace {
  readonly ms: number;
  readonly bytes: number;
}

/** Slower than any honest client. */
const LEAST_PACE: Pace = { ms: 10_000, bytes: 16_384 };

function tooLarge(limit: number): VisageError {
  return new VisageError('PAYLOAD_TOO_LARGE', `The body may have at most ${limit} bytes here.`);
}

/** Each buffer costs a hundred bytes: the reader joins small ones. */
const SMALL_PIECE = 4 * 1024;
const BLOCK = 64 * 1024;

class Pieces {
  #pieces: Buffer[] = [];
  #block: Buffer | null = null;
  #filled = 0;
  length = 0;

  add(piece: Buffer): void {
    this.length += piece.length;
    if (piece.length >= SMALL_PIECE) {
      this.#endBlock();
      this.#pieces.push(piece);
      return;
    }
    if (this.#block && this.#filled + piece.length > this.#block.length) this.#endBlock();
    this.#block ??= Buffer.allocUnsafeSlow(BLOCK);
    this.#filled += piece.copy(this.#block, this.#filled);
  }

  #endBlock(): void {
    if (this.#block) this.#pieces.push(this.#block.subarray(0, this.#filled));
    this.#block = null;
    this.#filled = 0;
  }

  release(): void {
    for (const piece of this.#pieces) releaseBytes(piece);
    this.#pieces = [];
    this.#block = null;
  }

  async joined(): Promise<Buffer> {
    this.#endBlock();
    const [first] = this.#pieces;
    if (first && this.#pieces.length === 1) return first;
    const turn = new Turn();
    const whole = Buffer.allocUnsafeSlow(this.length);
    let at = 0;
    for (const piece of this.#pieces) {
      at += piece.copy(whole, at);
      releaseBytes(piece);
      if (turn.isOver) await turn.next();
    }
    return whole;
  }
}

/**
 * @throws `PAYLOAD_TOO_LARGE`; `OVERLOADED`; ClientGoneError if the client hangs up, stalls or is slower than
 * `pace`.
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limit: number,
  hold?: BodyHold,
  pace = LEAST_PACE,
): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  if (declared > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    if (declared > 0) hold?.check(declared);
    if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
    const pieces = new Pieces();
    let seen = 0;
    const settle = (finish: () => void) => {
      clearInterval(watch);
      request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      finish();
    };
    const refuse = (error: unknown) => {
      request.pause();
      pieces.release();
      settle(() => reject(error));
    };
    const onData = (chunk: Buffer) => {
      if (pieces.length + chunk.length > limit) {
        refuse(tooLarge(limit));
        return;
      }
      try {
        hold?.take(chunk.length);
      } catch (error) {
        refuse(error);
        return;
      }
      pieces.add(chunk);
    };
    const onEnd = () => settle(() => resolve(pieces.joined()));
    const onGone = () => {
      request.on('error', () => {});
      pieces.release();
      settle(() => reject(new ClientGoneError('The client went away')));
    };
    const watch = setInterval(() => {
      if (pieces.length - seen < pace.bytes) onGone();
      seen = pieces.length;
    }, pace.ms);
    if (request.destroyed) onGone();
    else request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}
