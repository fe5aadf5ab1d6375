/** What stands before and around every handler of the public API. */
import type { AccessConfig } from '../config/access-settings.ts';
import { VisageError } from '../errors.ts';
import type { RequestHeaders, Route, RouteResponse } from '../http/route.ts';
import type { Store } from '../store/store.ts';
import type { Trail } from './audit-trail.ts';
import { type AuthenticationParts, authenticate } from './authenticate.ts';
import type { Caller } from './caller.ts';
import { clientAddress, originOf } from './client-address.ts';
import { KeyPass } from './key-pass.ts';
import { checkMember, checkMemberRoute, confirmMember } from './member-pass.ts';
import { RateLimiter, rateLimitHeaders, type Verdict } from './rate-limit.ts';
import type { UsageLog } from './usage-log.ts';

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
  /**
   * Runs the handler, and says whether its answer may be sent.
   * @param units how many times its price the call may cost; once without it. @throws VisageError.
   */
  run(handler: () => Promise<RouteResponse>, units?: number): Promise<RouteResponse>;
}

/** Lets a request in before a byte of its body is read. @throws VisageError with the reason why not. */
export type Gate = (route: Route, facts: RequestFacts) => Admission | Promise<Admission>;

/** What the gate works with. */
export interface GateParts extends AuthenticationParts {
  readonly store: Store;
  readonly access: AccessConfig;
  readonly usage: UsageLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * The gate of the public API. In this order: who is calling, whether the key may be used from there and now, the
 * limit of requests, whether the caller may use the route; then, around the handler, what it costs.
 * @param limiter replaced where a test has a clock of its own.
 */
export function createGate(parts: GateParts, limiter = new RateLimiter()): Gate {
  const { access } = parts;

  const limit = ({ setHeader }: RequestFacts, policy: string, verdict: Verdict) => {
    for (const [name, value] of Object.entries(rateLimitHeaders(policy, verdict))) setHeader(name, value);
    if (!verdict.admitted) {
      throw new VisageError('RATE_LIMIT_EXCEEDED', `Try again in ${verdict.retryAfter} seconds.`);
    }
  };

  /** Wrong credentials are limited by address; right ones never are, so nobody can lock others out. */
  const identify = (route: Route, facts: RequestFacts, address: string): Caller => {
    try {
      return authenticate({ headers: facts.headers, method: route.method }, parts);
    } catch (error) {
      const verdict = limiter.take(`failed ${originOf(address)}`, access.addressRateLimit);
      if (!verdict.admitted) limit(facts, 'address', verdict);
      throw error;
    }
  };

  return (route, facts) => {
    const address = clientAddress(facts.peer, facts.headers['x-forwarded-for'] ?? [], access.trustedProxies);
    facts.trail.address = address;
    if (route.access.by === 'anyone') {
      const verdict = limiter.take(`open ${originOf(address)}`, access.addressRateLimit);
      if (!verdict.admitted) limit(facts, 'address', verdict);
      return { caller: null, address, run: (handler) => handler() };
    }
    const known = identify(route, facts, address);
    facts.trail.caller = known;
    if (known.key) {
      const pass = new KeyPass(parts, route, known, known.key, address);
      pass.checkUse();
      parts.usage.touch(known.key.id, parts.now());
      if (Number.isFinite(pass.rateLimit)) limit(facts, 'key', limiter.take(known.key.id, pass.rateLimit));
      pass.checkRoute();
      return { caller: pass.caller, address, run: (handler, units) => pass.run(handler, units) };
    }
    const member = checkMember(known);
    limit(facts, 'member', limiter.take(member.id, access.plan.maxRateLimit));
    checkMemberRoute(route.access, member);
    const caller = { ...known, confirm: () => confirmMember(parts.store, route, known) };
    return { caller, address, run: (handler) => handler() };
  };
}
