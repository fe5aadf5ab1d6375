/** For listeners without routes: the redirect to HTTPS, and the metrics. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressLimitKind, AddressLimits } from '../access/gate/address-limits.ts';
import { originOf } from '../base/client-address.ts';
import { VisageError } from '../errors.ts';
import { RefusalPace } from './refusal-pace.ts';
import { answerAndClose } from './unread-body.ts';

/** Answers 429 beyond the limit, and returns false. */
export type Admits = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export function addressGuard(addresses: AddressLimits, kind: AddressLimitKind): Admits {
  const pace = new RefusalPace();
  return async (request, response) => {
    const address = addresses.addressOf(request.socket.remoteAddress, request.headersDistinct);
    try {
      addresses.take(kind, address, (name, value) => response.setHeader(name, value));
      return true;
    } catch (error) {
      if (!(error instanceof VisageError)) throw error;
      await pace.next(originOf(address));
      response.statusCode = 429;
      response.setHeader('Content-Type', 'text/plain; charset=utf-8');
      answerAndClose(request, response, Buffer.from(`${error.message}\n`));
      return false;
    }
  };
}
