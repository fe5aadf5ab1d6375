import type { Caller } from '../../api/caller.ts';
import { etagOf, type Precondition } from '../../api/etag.ts';
import { reaches } from '../../api/roles.ts';
import { inTurns } from '../../base/turns.ts';
import type { AccessConfig } from '../../config/config.ts';
import { VisageError } from '../../errors.ts';
import type { ApiKeyRecord, Member } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';
import type { UsageLog } from '../billing/usage-log.ts';
import { beyond, isWithinReach } from '../key-limits.ts';
import { createApiKey, isSuspended, newKeyValue } from './api-keys.ts';
import { type KeyChangeBody, type NewKeyBody, settingsOf } from './key-settings.ts';
import { type ApiKeyView, type NewApiKeyView, viewOf } from './key-view.ts';

const MAX_SCAN = 1_000;
/** Characters of the lists in a page of keys; one key may exceed it. */
const TEXT_OF_PAGE = 250_000;

export interface KeyManagementParts {
  readonly store: Store;
  readonly usage: UsageLog;
  readonly access: Pick<AccessConfig, 'plan'>;
  readonly now: () => number;
}

export interface Tagged<View> {
  readonly view: View;
  readonly etag: string;
}

function notFound(): VisageError {
  return new VisageError('NOT_FOUND', 'No API key has this id.');
}

function exceedsGrant(settings: readonly string[]): VisageError {
  return new VisageError(
    'PERMISSION_DENIED',
    `An API key cannot grant more than it has. These settings exceed its own: ${settings.join(', ')}.`,
  );
}

/**
 * Admins and operator keys see the account's keys; members and their keys the member's own; a key those of its
 * environment within its limits. Methods throw `NOT_FOUND` for others.
 */
export class KeyManagement {
  readonly #parts: KeyManagementParts;

  constructor(parts: KeyManagementParts) {
    this.#parts = parts;
  }

  #keyOf(caller: Caller): ApiKeyRecord | null {
    if (!caller.key) return null;
    const record = this.#parts.store.apiKeys.byId(caller.key.id);
    if (!record) throw new VisageError('INVALID_API_KEY', 'The API key was revoked during the request.');
    return record;
  }

  #memberOf(caller: Caller): Member | null {
    const memberId = caller.member?.id ?? this.#keyOf(caller)?.memberId ?? null;
    if (memberId === null) return null;
    const member = this.#parts.store.members.get(caller.accountId, memberId);
    if (!member) throw new VisageError('PERMISSION_DENIED', 'The member was removed.');
    return member;
  }

  #isVisible(caller: Caller, record: ApiKeyRecord): boolean {
    if (record.accountId !== caller.accountId || !isWithinReach(caller, record)) return false;
    const member = this.#memberOf(caller);
    return member === null || record.memberId === member.memberId || reaches(member.role, 'admin');
  }

  #viewOf(record: ApiKeyRecord): ApiKeyView {
    const { store, usage } = this.#parts;
    return viewOf(record, {
      spent: store.credits.spent(record.id),
      lastUsed: usage.lastUsed(record.id),
      suspended: isSuspended(store, record),
    });
  }

  /** @throws `VALIDATION_FAILED`, `PERMISSION_DENIED`. */
  async create(caller: Caller, { environment, ...body }: NewKeyBody): Promise<Tagged<NewApiKeyView>> {
    const { store, now } = this.#parts;
    const { plan } = this.#parts.access;
    if (!caller.member)
      throw new VisageError('PERMISSION_DENIED', 'Only a signed-in member can create API keys.');
    const request = {
      ...settingsOf(body, plan, now()),
      name: body.name,
      accountId: caller.accountId,
      memberId: caller.member.id,
      environment,
    };
    const { key, ...record } = await createApiKey(store, request, now(), plan.keysPerMember, caller.confirm);
    return { view: { ...this.#viewOf(record), key }, etag: etagOf(record) };
  }

  /** @returns also the next page's `after`; below the scan limit, the id of a visible key. */
  async list(
    caller: Caller,
    after: string | null,
    limit: number,
  ): Promise<{ keys: ApiKeyView[]; next: string | null }> {
    const keys: ApiKeyView[] = [];
    let last: string | null = null;
    let examined = 0;
    let text = 0;
    const isFull = () => keys.length === limit || text >= TEXT_OF_PAGE;
    for await (const record of inTurns(this.#parts.store.apiKeys.ofAccount(caller.accountId, after))) {
      const isVisible = this.#isVisible(caller, record);
      if (examined === MAX_SCAN || (isVisible && isFull())) {
        return { keys, next: examined === MAX_SCAN ? last : (keys.at(-1)?.id ?? null) };
      }
      if (isVisible) {
        keys.push(this.#viewOf(record));
        text += textOf(record);
      }
      last = record.id;
      examined++;
    }
    return { keys, next: null };
  }

  get(caller: Caller, id: string): Tagged<ApiKeyView> {
    const record = this.#parts.store.apiKeys.byId(id);
    if (!record || !this.#isVisible(caller, record)) throw notFound();
    return { view: this.#viewOf(record), etag: etagOf(record) };
  }

  /** @throws `VALIDATION_FAILED`; `PERMISSION_DENIED` if the change exceeds the caller's limits. */
  async change(
    caller: Caller,
    id: string,
    body: KeyChangeBody,
    check: Precondition = () => {},
  ): Promise<Tagged<ApiKeyView>> {
    const { store, now } = this.#parts;
    const { plan } = this.#parts.access;
    const { reset_spent: isReset = false, member_id: memberId, ...settings } = body;
    const changes = settingsOf(settings, plan, now());
    const changed = await store.apiKeys.change(id, (record) => {
      caller.confirm?.();
      if (!this.#isVisible(caller, record)) throw notFound();
      check(record);
      const after = { ...record, ...changes, ...(memberId === undefined ? {} : { memberId }) };
      if (after.memberId !== record.memberId) this.#checkTakeover(caller, after);
      this.#checkGrant(caller, record, after, isReset);
      return after;
    });
    if (isReset) await store.credits.resetSpent(id);
    return { view: this.#viewOf(changed), etag: etagOf(changed) };
  }

  #checkTakeover(caller: Caller, record: ApiKeyRecord): void {
    const { store, access } = this.#parts;
    const actor = this.#memberOf(caller);
    if (actor && !reaches(actor.role, 'admin')) {
      throw new VisageError(
        'PERMISSION_DENIED',
        'Only an admin or an owner can transfer an API key to another member.',
      );
    }
    const newOwner = record.memberId === null ? null : store.members.get(caller.accountId, record.memberId);
    if (!newOwner || isSuspended(store, record)) {
      const message = 'expected an active member of this account';
      throw new VisageError('VALIDATION_FAILED', `/member_id: ${message}.`, [
        { path: '/member_id', message },
      ]);
    }
    if (actor && !reaches(actor.role, newOwner.role)) {
      throw new VisageError('PERMISSION_DENIED', 'Only an owner can transfer an API key to an owner.');
    }
    store.apiKeys.checkCount(record, access.plan.keysPerMember);
  }

  #checkGrant(caller: Caller, before: ApiKeyRecord, after: ApiKeyRecord, isReset: boolean): void {
    const own = this.#keyOf(caller);
    if (!own) return;
    const { maxRateLimit } = this.#parts.access.plan;
    const isGrant =
      isReset ||
      before.memberId !== after.memberId ||
      (before.frozen && !after.frozen) ||
      beyond(after, before, maxRateLimit).length > 0;
    const given = isGrant ? beyond(after, own, maxRateLimit) : [];
    const isRefund = isReset && own.budget !== null;
    if (given.length > 0 || isRefund) throw exceedsGrant([...given, ...(isRefund ? ['reset_spent'] : [])]);
  }

  /** @throws `PERMISSION_DENIED` if the key exceeds the calling key. */
  async regenerate(
    caller: Caller,
    id: string,
    check: Precondition = () => {},
  ): Promise<Tagged<NewApiKeyView>> {
    const { store } = this.#parts;
    const { plan } = this.#parts.access;
    const environment = store.apiKeys.byId(id)?.environment;
    if (!environment) throw notFound();
    const { key, ...value } = newKeyValue(environment);
    const decide = (record: ApiKeyRecord) => {
      caller.confirm?.();
      if (!this.#isVisible(caller, record)) throw notFound();
      check(record);
      const own = this.#keyOf(caller);
      const given = own ? beyond(record, own, plan.maxRateLimit) : [];
      if (given.length > 0) throw exceedsGrant(given);
      return record;
    };
    const record = await store.apiKeys.change(id, decide, value);
    return { view: { ...this.#viewOf(record), key }, etag: etagOf(record) };
  }

  async revoke(caller: Caller, id: string, check: Precondition = () => {}): Promise<ApiKeyRecord> {
    const { store } = this.#parts;
    let revoked: ApiKeyRecord | null = null;
    await store.apiKeys.remove(id, (record) => {
      caller.confirm?.();
      if (!this.#isVisible(caller, record)) throw notFound();
      check(record);
      revoked = record;
    });
    if (revoked === null) throw notFound();
    store.credits.forget(id);
    return revoked;
  }
}

function textOf({ allowedIps, allowedExternalKeys, allowedModels }: ApiKeyRecord): number {
  const names = [...allowedIps, ...(allowedExternalKeys ?? []), ...(allowedModels ?? [])];
  return names.reduce((sum, { length }) => sum + length, 0);
}
