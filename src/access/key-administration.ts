import { VisageError } from '../errors.ts';
import type { ApiKeyRecord, Environment } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { createApiKey } from './api-keys.ts';

/** An API key as its owner's tools show it, in the contract's names. */
export interface ApiKeyView {
  readonly id: string;
  readonly name: string;
  readonly key_prefix: string;
  readonly environment: Environment;
  /** Null for every collection of the account. */
  readonly collection_id: string | null;
  readonly account_id: string;
  /** UTC, ISO 8601. */
  readonly created_at: string;
}

/** A key at the one time when it is shown. */
export interface NewApiKeyView extends ApiKeyView {
  readonly key: string;
}

/** What a new key is asked for. */
export interface KeyRequest {
  readonly name: string;
  readonly environment: Environment;
  readonly collectionId: string | null;
}

/** The operator's way to API keys: over the admin socket, or on the store itself while no service runs. */
export interface KeyAdministration {
  /** @throws VisageError `VALIDATION_FAILED`. */
  create(request: KeyRequest): Promise<NewApiKeyView>;
  list(): Promise<ApiKeyView[]>;
  /** @throws VisageError `NOT_FOUND`. */
  revoke(id: string): Promise<void>;
}

function viewOf(record: ApiKeyRecord): ApiKeyView {
  const { id, name, prefix, environment, collectionId, accountId, createdAt } = record;
  return {
    id,
    name,
    key_prefix: prefix,
    environment,
    collection_id: collectionId,
    account_id: accountId,
    created_at: new Date(createdAt).toISOString(),
  };
}

/** Administers the keys of a store; new ones belong to its first account. */
export function keyAdministration(store: Store): KeyAdministration {
  return {
    create: async (request) => {
      const { accountId } = store.accounts.first();
      const made = await createApiKey(store, { ...request, accountId });
      return { ...viewOf(made), key: made.key };
    },
    list: async () => store.apiKeys.list().map(viewOf),
    revoke: async (id) => {
      if (!(await store.apiKeys.remove(id)))
        throw new VisageError('NOT_FOUND', 'There is no API key of this id.');
    },
  };
}
