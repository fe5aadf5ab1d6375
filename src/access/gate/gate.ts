import { VisageError } from '../../errors.ts';
import { AddressLimits } from './address-limits.ts';
import { authenticate } from './authenticate.ts';
import type { Gate, GateParts, RequestFacts } from './gate-parts.ts';
import { KeyAuthorization } from './key-authorization.ts';
import { checkConfirmation, checkMember, checkMemberRoute, confirmMember } from './member-authorization.ts';
import { RateLimiter, rateLimitHeaders, type Verdict } from './rate-limit.ts';

const PROBES: ReadonlySet<string> = new Set(['/livez', '/readyz']);

export function createGate(parts: GateParts, limiter = new RateLimiter()): Gate {
  const { access, addresses = new AddressLimits(access, limiter) } = parts;

  const limit = ({ setHeader }: RequestFacts, policy: string, verdict: Verdict) => {
    for (const [name, value] of Object.entries(rateLimitHeaders(policy, verdict))) setHeader(name, value);
    if (!verdict.admitted) {
      throw new VisageError('RATE_LIMIT_EXCEEDED', `Try again in ${verdict.retryAfter} seconds.`);
    }
  };

  /** Accepted credentials do not count, so no client can lock out others. */
  const limitRefusals = <T>(facts: RequestFacts, address: string, decide: () => T): T => {
    try {
      return decide();
    } catch (error) {
      addresses.take('failed', address, facts.setHeader);
      throw error;
    }
  };

  return (route, facts) => {
    const address = addresses.addressOf(facts.peer, facts.headers);
    facts.trail.address = address;
    if (route.access.by === 'anyone') {
      addresses.take(PROBES.has(route.path) ? 'probe' : 'anonymous', address, facts.setHeader);
      return { caller: null, address, reauthorize: () => {}, runAuthorized: (handler) => handler() };
    }
    const caller = limitRefusals(facts, address, () =>
      authenticate({ headers: facts.headers, method: route.method }, parts),
    );
    facts.trail.caller = caller;
    const headers = { ...facts.headers, 'x-visage-background': ['1'] };
    const reauthorize = () => {
      const now = authenticate({ headers, method: route.method }, parts);
      if (now.key?.id !== caller.key?.id || now.member?.sessionId !== caller.member?.sessionId) {
        throw new VisageError('TOKEN_INVALID', 'The credential now belongs to another caller.');
      }
    };
    const { key } = caller;
    if (key) {
      const authorization = limitRefusals(facts, address, () => {
        const created = new KeyAuthorization(parts, route, caller, key, address);
        created.authorizeUse();
        return created;
      });
      parts.usage.touch(key.id, parts.now());
      const { rateLimit } = authorization;
      if (Number.isFinite(rateLimit)) limit(facts, 'key', limiter.take(key.id, rateLimit));
      authorization.authorizeRoute();
      return {
        caller: authorization.caller,
        address,
        reauthorize: () => {
          reauthorize();
          authorization.caller.confirm?.();
        },
        runAuthorized: (...call) => authorization.runAuthorized(...call),
        recordFailure: () => authorization.recordFailure(),
      };
    }
    const member = checkMember(caller);
    limit(facts, 'member', limiter.take(member.id, access.plan.maxRateLimit));
    checkMemberRoute(parts.store, route.access, { ...member, accountId: caller.accountId });
    checkConfirmation(route, member, parts.now());
    const confirm = () => confirmMember(parts.store, route, caller);
    return {
      caller: { ...caller, confirm },
      address,
      reauthorize: () => {
        reauthorize();
        confirm();
      },
      runAuthorized: (handler) => handler(),
    };
  };
}
