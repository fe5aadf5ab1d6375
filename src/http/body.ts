/** The bytes of a request's body, up to a limit. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { VisageError } from '../errors.ts';
import { releaseBytes } from '../native/memory.ts';

/** The client went away before its request was complete; there is nobody to answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}

function tooLarge(limit: number): VisageError {
  return new VisageError('PAYLOAD_TOO_LARGE', `The body may have at most ${limit} bytes here.`);
}

/** The pieces in one; their own memory is given back. */
function joined(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  const whole = Buffer.concat(chunks);
  for (const chunk of chunks) releaseBytes(chunk);
  return whole;
}

/**
 * Reads a body whole. It has a buffer of its own, but for small ones.
 * @param limit bytes; a body that is larger, by its header or by what comes, is not read on.
 * @throws VisageError `PAYLOAD_TOO_LARGE`. @throws ClientGoneError if the client hangs up or stalls.
 */
export function readBody(request: IncomingMessage, response: ServerResponse, limit: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  if (declared > limit) return Promise.reject(tooLarge(limit));
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (finish: () => void) => {
      request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      finish();
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > limit) {
        request.pause();
        settle(() => reject(tooLarge(limit)));
      }
    };
    const onEnd = () => settle(() => resolve(joined(chunks)));
    const onGone = () => {
      // Node reports the same hang-up again as an error after this reader has left.
      request.on('error', () => {});
      settle(() => reject(new ClientGoneError('The client went away')));
    };
    if (request.destroyed) onGone();
    else request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}
