/** Limits requests without an accepted credential. */

import type { RequestHeaders } from '../../api/route.ts';
import { clientAddress, originOf } from '../../base/client-address.ts';
import type { AccessConfig } from '../../config/config.ts';
import { VisageError } from '../../errors.ts';
import { RateLimiter, rateLimitHeaders } from './rate-limit.ts';

/** Counted separately, so a flood of one kind blocks no other. `failed`: a wrong credential. */
export type AddressLimitKind = 'anonymous' | 'failed' | 'probe' | 'preflight';

export class AddressLimits {
  readonly #access: Pick<AccessConfig, 'addressRateLimit' | 'trustedProxies'>;
  /** Not the keys' limiter: a flood from many addresses must not evict a key's count. */
  readonly #limiter: RateLimiter;

  /** @param access read at each request. */
  constructor(
    access: Pick<AccessConfig, 'addressRateLimit' | 'trustedProxies'>,
    limiter = new RateLimiter(),
  ) {
    this.#access = access;
    this.#limiter = limiter;
  }

  /** @param peer undefined after the connection's close. */
  addressOf(peer: string | undefined, headers: RequestHeaders): string {
    return clientAddress(peer, headers['x-forwarded-for'] ?? [], this.#access.trustedProxies);
  }

  /**
   * Clients of the admin socket have no limit.
   * @param setHeader sets the rate limit headers.
   * @throws `RATE_LIMIT_EXCEEDED`.
   */
  take(kind: AddressLimitKind, address: string, setHeader: (name: string, value: string) => void): void {
    if (address === '') return;
    const verdict = this.#limiter.take(`${kind} ${originOf(address)}`, this.#access.addressRateLimit);
    if (verdict.admitted) return;
    for (const [name, value] of Object.entries(rateLimitHeaders('address', verdict))) setHeader(name, value);
    throw new VisageError('RATE_LIMIT_EXCEEDED', `Try again in ${verdict.retryAfter} seconds.`);
  }
}
