import type { Caller } from '../../api/caller.ts';
import type { RequestHeaders, Route, RouteResponse } from '../../api/route.ts';
import type { AccessConfig } from '../../config/config.ts';
import type { Store } from '../../store/store.ts';
import type { Trail } from '../audit/audit-trail.ts';
import type { UsageLog } from '../billing/usage-log.ts';
import type { AddressLimits } from './address-limits.ts';
import type { AuthenticationParts } from './authenticate.ts';

export interface RequestFacts {
  readonly requestId: string;
  readonly headers: RequestHeaders;
  readonly peer: string | undefined;
  setHeader(name: string, value: string): void;
  readonly trail: Trail;
}

export interface Admission {
  /** Null on public routes. */
  readonly caller: Caller | null;
  readonly address: string;
  /**
   * Repeats all checks but the rate limit.
   * @throws VisageError.
   */
  reauthorize(): void;
  /**
   * Charges a successful call.
   * @param units multiple of the price, default 1.
   * @param settling gets the answer inside the charging transaction; not called for free calls.
   * @throws VisageError.
   */
  runAuthorized(
    handler: () => Promise<RouteResponse>,
    units?: number,
    settling?: (response: RouteResponse) => void,
  ): Promise<RouteResponse>;
  /** Absent where usage is not counted. */
  readonly recordFailure?: () => void;
}

/**
 * Runs before the server reads the body.
 * @throws VisageError.
 */
export type Gate = (route: Route, facts: RequestFacts) => Admission | Promise<Admission>;

export interface GateParts extends AuthenticationParts {
  readonly store: Store;
  readonly access: AccessConfig;
  readonly usage: UsageLog;
  readonly now: () => number;
  readonly addresses?: AddressLimits;
}
