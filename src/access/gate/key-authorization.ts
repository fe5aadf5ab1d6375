import type { Caller, CallingKey } from '../../api/caller.ts';
import { reaches } from '../../api/roles.ts';
import type { CallerAccess, Route, RouteResponse } from '../../api/route.ts';
import { holdsScope } from '../../api/scopes.ts';
import { parseAddress, within } from '../../base/ip-networks.ts';
import { VisageError } from '../../errors.ts';
import type { Charge, CountedPlace } from '../../store/credits.ts';
import type { ApiKeyRecord } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';
import { dayAndHourOf } from '../billing/usage-log.ts';
import { isBounded, networksOf, reachesWithin, requestsAMinute } from '../key-limits.ts';
import { isSuspended } from '../keys/api-keys.ts';
import type { GateParts } from './gate-parts.ts';

function revoked(): VisageError {
  return new VisageError('INVALID_API_KEY', 'The API key was revoked or changed during the request.');
}

function changesOf({ apiKeys, members }: Store): number {
  return apiKeys.changes + members.changes;
}

/**
 * Checks the key on arrival, in each transaction and before the answer, so no request writes after a
 * revocation or change of its key or member.
 */
export class KeyAuthorization {
  readonly caller: Caller;
  readonly rateLimit: number;
  readonly #parts: GateParts;
  readonly #route: Route;
  readonly #key: CallingKey;
  readonly #address: string;
  readonly #record: ApiKeyRecord;
  readonly #changes: number;
  #hasWritten = false;

  /** @throws `INVALID_API_KEY`. */
  constructor(parts: GateParts, route: Route, known: Caller, key: CallingKey, address: string) {
    this.#parts = parts;
    this.#route = route;
    this.#key = key;
    this.#address = address;
    this.#changes = changesOf(parts.store);
    this.#record = this.#current();
    this.rateLimit = requestsAMinute(this.#record, parts.access.plan.maxRateLimit);
    this.caller = {
      ...known,
      confirm: () => {
        this.#confirm();
        this.#hasWritten = true;
      },
    };
  }

  #current(): ApiKeyRecord {
    const record = this.#parts.store.apiKeys.byId(this.#key.id);
    if (record?.generation !== this.#key.keyVersion) throw revoked();
    if (isSuspended(this.#parts.store, record)) {
      throw new VisageError('INVALID_API_KEY', 'The API key is suspended: its member was removed.');
    }
    return record;
  }

  /** @throws `API_KEY_EXPIRED`, `IP_NOT_ALLOWED`. */
  authorizeUse({ expiresAt, allowedIps } = this.#record): void {
    if (expiresAt !== null && expiresAt <= this.#parts.now()) {
      throw new VisageError('API_KEY_EXPIRED', 'The API key has expired.');
    }
    if (allowedIps.length === 0) return;
    const address = parseAddress(this.#address);
    if (address === null || !within(address, networksOf(allowedIps))) {
      throw new VisageError('IP_NOT_ALLOWED', 'The API key may not be used from this address.');
    }
  }

  /**
   * @throws `INSUFFICIENT_CREDITS` for a frozen key, `SCOPE_DENIED`, `PERMISSION_DENIED`,
   * `AUTHENTICATION_REQUIRED`.
   */
  authorizeRoute(record = this.#record): void {
    if (record.frozen) throw new VisageError('INSUFFICIENT_CREDITS', 'Insufficient credits');
    const { access } = this.#route;
    if (access.by === 'anyone') return;
    if (access.by === 'member') {
      throw new VisageError(
        'PERMISSION_DENIED',
        'This endpoint needs a signed-in member; API keys are not accepted.',
      );
    }
    if (access.by === 'key' && this.#key.isToken) {
      throw new VisageError(
        'AUTHENTICATION_REQUIRED',
        'This endpoint needs the API key itself; tokens are not accepted.',
      );
    }
    this.#checkScope(access, record);
    // A key grants no more than its member's role.
    if (access.by !== 'member-or-key' || record.memberId === null) return;
    const member = this.#parts.store.members.get(record.accountId, record.memberId);
    if (!member || !reaches(member.role, access.role)) {
      throw new VisageError('PERMISSION_DENIED', `The member of this API key lacks the role ${access.role}.`);
    }
  }

  #checkScope(access: Exclude<CallerAccess, { by: 'member' }>, record: ApiKeyRecord): void {
    if (access.scope === null) return;
    const readsOwn = access.by === 'caller' && access.readsOwn === true;
    const mustName = isBounded(record) && !readsOwn;
    if (holdsScope(record.scopes, access.scope, mustName)) return;
    const hint = record.scopes.includes('v1:*')
      ? ' On a key limited by collection, faces or models, v1:* does not grant it: add the scope by name.'
      : '';
    throw new VisageError('SCOPE_DENIED', `The API key lacks the scope ${access.scope}.${hint}`);
  }

  #confirm(): void {
    const record = this.#current();
    try {
      this.authorizeUse(record);
      this.authorizeRoute(record);
    } catch {
      throw revoked();
    }
    if (!reachesWithin(this.caller, record)) throw revoked();
  }

  async runAuthorized(
    handler: () => Promise<RouteResponse>,
    units = 1,
    settling: (response: RouteResponse) => void = () => {},
  ): Promise<RouteResponse> {
    const { store, usage } = this.#parts;
    const began = performance.now();
    const price = this.#charge();
    let charge = price && { ...price, amount: price.amount * units };
    if (charge) store.credits.reserve(charge);
    let response: RouteResponse;
    try {
      response = await handler();
      if (this.#mayHaveChanged()) this.#confirmAnswer();
    } catch (error) {
      if (charge) store.credits.release(charge);
      throw error;
    }
    if (charge && price && response.units !== undefined && response.units < units) {
      const unused = price.amount * (units - response.units);
      store.credits.release({ ...charge, amount: unused });
      charge = { ...charge, amount: charge.amount - unused };
    }
    const place = this.#place();
    const took = performance.now() - began;
    if (charge && charge.amount > 0) {
      await store.credits.settle(charge, place, () => {
        this.#confirmAnswer();
        settling(response);
      });
      usage.measure(place, took);
    } else {
      if (charge) store.credits.release(charge);
      usage.count(place, took);
    }
    return response;
  }

  recordFailure(): void {
    this.#parts.usage.countFailure(this.#place());
  }

  #place(): CountedPlace {
    const { accountId, environment } = this.#record;
    const { operationId: operation } = this.#route;
    const time = dayAndHourOf(this.#parts.now());
    return { accountId, environment, ...time, keyId: this.#key.id, operation };
  }

  #mayHaveChanged(): boolean {
    const { store, now } = this.#parts;
    const { expiresAt } = this.#record;
    return changesOf(store) !== this.#changes || (expiresAt !== null && expiresAt <= now());
  }

  #confirmAnswer(): void {
    if (!this.#hasWritten) this.#confirm();
  }

  /** Null for test calls and free management calls. */
  #charge(): Charge | null {
    const { access } = this.#parts;
    const { environment, id, accountId, budget } = this.#record;
    const amount = access.prices[this.#route.operationId] ?? 0;
    if (environment === 'test' || (amount === 0 && this.#route.access.by !== 'caller')) return null;
    return { accountId, keyId: id, amount, budget, prepaid: access.isPrepaid };
  }
}
