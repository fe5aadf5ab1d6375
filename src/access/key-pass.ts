/** One request of an API key, from the check at the door to the charge. */
import { parseAddress, within } from '../config/networks.ts';
import { VisageError } from '../errors.ts';
import type { Route, RouteResponse } from '../http/route.ts';
import type { Charge } from '../store/credits.ts';
import type { ApiKeyRecord } from '../store/records.ts';
import type { Caller, CallingKey } from './caller.ts';
import type { GateParts } from './gate.ts';
import { networksOf, reachesWithin, requestsAMinute } from './key-limits.ts';
import { reaches } from './roles.ts';
import { holdsScope } from './scopes.ts';
import { dayOf } from './usage-log.ts';

function revoked(): VisageError {
  return new VisageError('INVALID_API_KEY', 'The API key is not valid any more.');
}

/**
 * What a key may do is looked at when its request comes in, and again inside every transaction that writes for it and
 * before the answer is sent: so a key that was revoked or changed meanwhile leaves nothing behind. A request whose
 * write was done before the change stands.
 */
export class KeyPass {
  /** The caller, who confirms in every transaction. */
  readonly caller: Caller;
  /** Requests a minute; infinity without a limit. */
  readonly rateLimit: number;
  readonly #parts: GateParts;
  readonly #route: Route;
  readonly #key: CallingKey;
  readonly #address: string;
  readonly #record: ApiKeyRecord;
  /** Changes of keys before this one was read. */
  readonly #changes: number;
  #hasWritten = false;

  /** @throws VisageError `INVALID_API_KEY`. */
  constructor(parts: GateParts, route: Route, known: Caller, key: CallingKey, address: string) {
    this.#parts = parts;
    this.#route = route;
    this.#key = key;
    this.#address = address;
    this.#changes = parts.store.apiKeys.changes;
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

  /** The key as it is now. @throws VisageError `INVALID_API_KEY`. */
  #current(): ApiKeyRecord {
    const record = this.#parts.store.apiKeys.byId(this.#key.id);
    if (record?.generation !== this.#key.generation) throw revoked();
    return record;
  }

  /** Whether the key may be used at all, now and from there. @throws VisageError `API_KEY_EXPIRED`, `IP_NOT_ALLOWED`. */
  checkUse({ expiresAt, allowedIps } = this.#record): void {
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
   * Whether the key may use the route.
   * @throws VisageError `INSUFFICIENT_CREDITS` for a frozen key, `SCOPE_DENIED`, `PERMISSION_DENIED`,
   * `AUTHENTICATION_REQUIRED`.
   */
  checkRoute(record = this.#record): void {
    if (record.frozen) throw new VisageError('INSUFFICIENT_CREDITS', 'Insufficient credits');
    const { access } = this.#route;
    if (access.by === 'anyone') return;
    if (access.by === 'member') throw new VisageError('PERMISSION_DENIED', 'This call takes members only.');
    if (access.by === 'key' && this.#key.isToken) {
      throw new VisageError(
        'AUTHENTICATION_REQUIRED',
        'This call takes an API key itself and no token of it.',
      );
    }
    if (access.scope !== null && !holdsScope(record.scopes, access.scope)) {
      throw new VisageError('SCOPE_DENIED', `The API key lacks the scope ${access.scope}.`);
    }
    // A key never gives more than its member has; the operator's keys have no member.
    if (access.by !== 'member-or-key' || record.memberId === null) return;
    const member = this.#parts.store.members.get(record.accountId, record.memberId);
    if (!member || !reaches(member.role, access.role)) {
      throw new VisageError('PERMISSION_DENIED', `The member of this API key lacks the role ${access.role}.`);
    }
  }

  /** Whether all that let the request in still holds. @throws VisageError `INVALID_API_KEY`. */
  #confirm(): void {
    const record = this.#current();
    try {
      this.checkUse(record);
      this.checkRoute(record);
    } catch {
      throw revoked();
    }
    if (!reachesWithin(this.caller, record)) throw revoked();
  }

  /**
   * Runs the handler and charges what it costs if it succeeds.
   * @param units how many times its price that is at most; the answer may say fewer.
   */
  async run(handler: () => Promise<RouteResponse>, units = 1): Promise<RouteResponse> {
    const { store, usage, now } = this.#parts;
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
    const place = {
      accountId: this.#record.accountId,
      day: dayOf(now()),
      keyId: this.#key.id,
      operation: this.#route.operationId,
    };
    if (charge && charge.amount > 0) await store.credits.settle(charge, place, () => this.#confirmAnswer());
    else {
      if (charge) store.credits.release(charge);
      usage.count(place);
    }
    return response;
  }

  /** Whether there is anything to confirm: nearly always no key was changed since, and looking again costs time. */
  #mayHaveChanged(): boolean {
    const { store, now } = this.#parts;
    const { expiresAt } = this.#record;
    return store.apiKeys.changes !== this.#changes || (expiresAt !== null && expiresAt <= now());
  }

  /** A key may revoke or change itself, so calls about keys are not held to it; they confirm in their transaction. */
  #confirmAnswer(): void {
    if (!this.#hasWritten && this.#route.access.by !== 'member-or-key') this.#confirm();
  }

  /** What the call is going to cost once; null where nothing is looked at: test calls and calls about keys and credits. */
  #charge(): Charge | null {
    const { access } = this.#parts;
    const { environment, id, accountId, budget } = this.#record;
    const amount = access.prices[this.#route.operationId] ?? 0;
    if (environment === 'test' || (amount === 0 && this.#route.access.by !== 'caller')) return null;
    return { accountId, keyId: id, amount, budget, prepaid: access.isPrepaid };
  }
}
