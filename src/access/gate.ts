/** What stands before and around every handler of the public API. */
import type { RequestHeaders, Route, RouteResponse } from '../http/route.ts';
import type { Trail } from './audit-trail.ts';
import { type AuthenticationParts, authenticate } from './authenticate.ts';
import type { Caller } from './caller.ts';

/** What is known of a request before its body is read. */
export interface RequestFacts {
  readonly requestId: string;
  readonly headers: RequestHeaders;
  /** Address of the connection's other end; undefined where it is gone already. */
  readonly peer: string | undefined;
  /** Adds a header to the answer, be it a success or a problem. */
  setHeader(name: string, value: string): void;
  /** To be told who is calling and from where as soon as that is known: a refusal is recorded with it. */
  readonly trail: Trail;
}

/** A request that may go on. */
export interface Admission {
  /** Null on routes for anyone. */
  readonly caller: Caller | null;
  /** The client's address. */
  readonly address: string;
  /** Runs the handler, and says whether its answer may be sent. @throws VisageError. */
  run(handler: () => Promise<RouteResponse>): Promise<RouteResponse>;
}

/** Lets a request in before a byte of its body is read. @throws VisageError with the reason why not. */
export type Gate = (route: Route, facts: RequestFacts) => Admission | Promise<Admission>;

/** The gate over those whom {@link authenticate} knows. */
export function createGate(parts: AuthenticationParts): Gate {
  return ({ access, method }, { headers, peer, trail }) => {
    const caller = access.by === 'anyone' ? null : authenticate({ headers, method }, parts);
    trail.caller = caller;
    return { caller, address: peer ?? '', run: (handler) => handler() };
  };
}
