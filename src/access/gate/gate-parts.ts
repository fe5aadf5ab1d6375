import type { Caller } from '../../api/caller.ts';
import type { RequestHeaders, Route, RouteResponse } from '../../api/route.ts';
import type { AccessConfig } from '../../config/config.ts';
import type { Store } from '../../store/store.ts';
import type { Trail } from '../audit/audit-trail.ts';
import type { UsageLog } from '../billing/usage-log.ts';
import type { AddressLimits } from './address-limits.ts';
import type { AuthenticationParts } from './authenticate.ts';

/** A request before the server reads its body. */
export interface RequestFacts {
  readonly requestId: string;
  readonly headers: RequestHeaders;
  /** Remote address of the connection; undefined after its close. */
  readonly peer: string | undefined;
  setHeader(name: string, value: string): void;
  /** Receives the caller and address for the audit log. */
  readonly trail: Trail;
}

/** A request that passed the gate. */
export interface Admission {
  /** Null on public routes. */
  readonly caller: Caller | null;
  readonly address: string;
  /** Repeats all checks but the rate limit, for an answer that lasts. @throws VisageError. */
  reauthorize(): void;
  /**
   * Runs the handler and charges the call if it succeeds.
   * @param units maximum multiple of the price, default 1.
   * @param settling called with the answer inside the transaction that charges the call; not called if it is free.
   * @throws VisageError.
   */
  runAuthorized(
    handler: () => Promise<RouteResponse>,
    units?: number,
    settling?: (response: RouteResponse) => void,
  ): Promise<RouteResponse>;
  /** Counts a call that ended with an error; absent where usage is not counted. */
  readonly recordFailure?: () => void;
}

/** Authorizes a request before the server reads its body. @throws VisageError with the reason for the refusal. */
export type Gate = (route: Route, facts: RequestFacts) => Admission | Promise<Admission>;

export interface GateParts extends AuthenticationParts {
  readonly store: Store;
  readonly access: AccessConfig;
  readonly usage: UsageLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly addresses?: AddressLimits;
}
