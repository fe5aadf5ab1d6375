import type { RequestHeaders } from '../../api/route.ts';
import { clientAddress, originOf } from '../../base/client-address.ts';
import type { AccessConfig } from '../../config/config.ts';
import { VisageError } from '../../errors.ts';
import { RateLimiter, rateLimitHeaders } from './rate-limit.ts';

/** Counted separately. `failed`: a wrong credential. */
export type AddressLimitKind = 'anonymous' | 'failed' | 'probe' | 'preflight' | 'redirect' | 'metrics';

export class AddressLimits {
  readonly #access: Pick<AccessConfig, 'addressRateLimit' | 'trustedProxies'>;
  /** A flood from many addresses must not evict a key's count. */
  readonly #limiter: RateLimiter;

  constructor(
    access: Pick<AccessConfig, 'addressRateLimit' | 'trustedProxies'>,
    limiter = new RateLimiter(),
  ) {
    this.#access = access;
    this.#limiter = limiter;
  }

  addressOf(peer: string | undefined, headers: RequestHeaders): string {
    return clientAddress(peer, headers['x-forwarded-for'] ?? [], this.#access.trustedProxies);
  }

  /**
   * Not for clients of the admin socket.
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
