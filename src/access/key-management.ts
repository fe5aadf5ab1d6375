/** API keys of an account, as their owners and other keys may handle them. */
import type { AccessConfig } from '../config/access-settings.ts';
import { VisageError } from '../errors.ts';
import type { ApiKeyRecord } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { createApiKey, newKeyValue } from './api-keys.ts';
import type { Caller } from './caller.ts';
import { beyond } from './key-limits.ts';
import { type KeySettingsBody, type NewKeyBody, settingsOf } from './key-settings.ts';
import { type ApiKeyView, type NewApiKeyView, viewOf } from './key-view.ts';
import { type Role, reaches } from './roles.ts';
import type { UsageLog } from './usage-log.ts';

export interface KeyManagementParts {
  readonly store: Store;
  readonly usage: UsageLog;
  /** Its plan may change while the service runs. */
  readonly access: Pick<AccessConfig, 'plan'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

function notFound(): VisageError {
  return new VisageError('NOT_FOUND', 'There is no API key of this id.');
}

function tooMuch(settings: readonly string[]): VisageError {
  return new VisageError(
    'PERMISSION_DENIED',
    `An API key gives no more than it has itself; beyond that are: ${settings.join(', ')}.`,
  );
}

/** A change of keys: `reset_spent` too. */
export interface KeyChangeBody extends KeySettingsBody {
  readonly reset_spent?: boolean;
}

/**
 * The keys that a caller may handle: an admin and the operator's keys all of the account, a member and the member's
 * keys the member's own; a key only those of its own environment. Others are not there. A key never gives a key more
 * than it has itself.
 */
export class KeyManagement {
  readonly #parts: KeyManagementParts;

  constructor(parts: KeyManagementParts) {
    this.#parts = parts;
  }

  /** The record of the key that calls, as it is now; null for a member. */
  #keyOf(caller: Caller): ApiKeyRecord | null {
    if (!caller.key) return null;
    const record = this.#parts.store.apiKeys.byId(caller.key.id);
    if (!record) throw new VisageError('INVALID_API_KEY', 'The API key is not valid any more.');
    return record;
  }

  #isVisible(caller: Caller, record: ApiKeyRecord): boolean {
    if (record.accountId !== caller.accountId) return false;
    if (caller.key && record.environment !== caller.environment) return false;
    const memberId = caller.member?.id ?? this.#keyOf(caller)?.memberId ?? null;
    if (memberId === null) return true;
    const role: Role | undefined = this.#parts.store.members.get(caller.accountId, memberId)?.role;
    return record.memberId === memberId || (role !== undefined && reaches(role, 'admin'));
  }

  #viewOf(record: ApiKeyRecord): ApiKeyView {
    return viewOf(record, this.#parts.store.credits.spent(record.id), this.#parts.usage.lastUsed(record.id));
  }

  /** Makes a key of the calling member. @throws VisageError `VALIDATION_FAILED`, `PERMISSION_DENIED`. */
  async create(caller: Caller, { environment, ...body }: NewKeyBody): Promise<NewApiKeyView> {
    const { store, now } = this.#parts;
    const { plan } = this.#parts.access;
    if (!caller.member) throw new VisageError('PERMISSION_DENIED', 'Only members make API keys.');
    const request = {
      ...settingsOf(body, plan, now()),
      name: body.name,
      accountId: caller.accountId,
      memberId: caller.member.id,
      environment,
    };
    const { key, ...record } = await createApiKey(store, request, now(), plan.keysPerMember, caller.confirm);
    return { ...this.#viewOf(record), key };
  }

  /** Keys by id, oldest first: at most `limit` behind the id `after`. */
  list(caller: Caller, after: string | null, limit: number): { keys: ApiKeyView[]; hasMore: boolean } {
    const found: ApiKeyRecord[] = [];
    for (const record of this.#parts.store.apiKeys.ofAccount(caller.accountId, after)) {
      if (this.#isVisible(caller, record)) found.push(record);
      if (found.length > limit) break;
    }
    return {
      keys: found.slice(0, limit).map((record) => this.#viewOf(record)),
      hasMore: found.length > limit,
    };
  }

  /** @throws VisageError `NOT_FOUND`. */
  get(caller: Caller, id: string): ApiKeyView {
    const record = this.#parts.store.apiKeys.byId(id);
    if (!record || !this.#isVisible(caller, record)) throw notFound();
    return this.#viewOf(record);
  }

  /** @throws VisageError `NOT_FOUND`, `VALIDATION_FAILED`, `PERMISSION_DENIED` where it would give too much. */
  async change(caller: Caller, id: string, { reset_spent, ...body }: KeyChangeBody): Promise<ApiKeyView> {
    const { store, now } = this.#parts;
    const { plan } = this.#parts.access;
    const changes = settingsOf(body, plan, now());
    const changed = await store.apiKeys.change(id, (record) => {
      caller.confirm?.();
      if (!this.#isVisible(caller, record)) throw notFound();
      const own = this.#keyOf(caller);
      const after = { ...record, ...changes };
      if (own) {
        const given = beyond(after, own, plan.maxRateLimit).filter((setting) => setting in changes);
        const isRefund = reset_spent === true && own.budget !== null;
        if (given.length > 0 || isRefund) throw tooMuch([...given, ...(isRefund ? ['reset_spent'] : [])]);
      }
      return after;
    });
    if (reset_spent) await store.credits.resetSpent(id);
    return this.#viewOf(changed);
  }

  /** Gives a key a new value. @throws VisageError `NOT_FOUND`, `PERMISSION_DENIED` where the key has more. */
  async regenerate(caller: Caller, id: string): Promise<NewApiKeyView> {
    const { store } = this.#parts;
    const { plan } = this.#parts.access;
    const environment = store.apiKeys.byId(id)?.environment;
    if (!environment) throw notFound();
    const { key, ...value } = newKeyValue(environment);
    const decide = (record: ApiKeyRecord) => {
      caller.confirm?.();
      if (!this.#isVisible(caller, record)) throw notFound();
      const own = this.#keyOf(caller);
      const given = own ? beyond(record, own, plan.maxRateLimit) : [];
      if (given.length > 0) throw tooMuch(given);
      return record;
    };
    const record = await store.apiKeys.change(id, decide, value);
    return { ...this.#viewOf(record), key };
  }

  /** Revokes a key at once. @throws VisageError `NOT_FOUND`. */
  async revoke(caller: Caller, id: string): Promise<void> {
    const { store } = this.#parts;
    const wasThere = await store.apiKeys.remove(id, (record) => {
      caller.confirm?.();
      if (!this.#isVisible(caller, record)) throw notFound();
    });
    if (!wasThere) throw notFound();
    store.credits.forget(id);
  }
}
