import { inTurns } from '../../base/turns.ts';
import type { Plan } from '../../config/config.ts';
import { VisageError } from '../../errors.ts';
import type { ApiKeyRecord } from '../../store/records.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import { createApiKey, isSuspended } from './api-keys.ts';
import { type NewKeyBody, settingsOf } from './key-settings.ts';
import { type ApiKeyView, type NewApiKeyView, viewOf } from './key-view.ts';

export interface CreatedKey extends NewApiKeyView {
  readonly collection_missing?: true;
}

export interface KeyAdministration {
  create(request: NewKeyBody): Promise<CreatedKey>;
  list(): Promise<ApiKeyView[]>;
  revoke(id: string): Promise<void>;
}

const OPERATOR: Plan = {
  name: 'operator',
  keysPerMember: Number.POSITIVE_INFINITY,
  maxRateLimit: Number.POSITIVE_INFINITY,
};

export function keyAdministration(store: Store, audit: Pick<Audit, 'record'>): KeyAdministration {
  const record = (action: string, { id, accountId, environment, collectionId }: ApiKeyRecord) => {
    const actor = { kind: 'operator', id: null } as const;
    return audit.record({ actor, action, accountId, target: id, environment, collectionId });
  };
  return {
    create: async (request) => {
      const { environment, ...settings } = request;
      const { accountId } = store.accounts.first();
      const now = Date.now();
      const { name } = settings;
      const limits = settingsOf(settings, OPERATOR, now);
      const { key, ...made } = await createApiKey(store, { ...limits, name, environment, accountId }, now);
      await record('api-key.create', made);
      const { collectionId } = made;
      const isMissing =
        collectionId !== null && !store.collections.get({ accountId, environment }, collectionId);
      const view = viewOf(made, { spent: 0, lastUsed: null, suspended: false });
      return { ...view, key, ...(isMissing ? { collection_missing: true } : {}) };
    },
    list: async () => {
      const views: ApiKeyView[] = [];
      for await (const key of inTurns(store.apiKeys.all())) {
        const spent = store.credits.spent(key.id);
        const lastUsed = store.apiKeys.lastUsed(key.id);
        views.push(viewOf(key, { spent, lastUsed, suspended: isSuspended(store, key) }));
      }
      return views;
    },
    revoke: async (id) => {
      const known = store.apiKeys.byId(id);
      if (!known || !(await store.apiKeys.remove(id))) {
        throw new VisageError('NOT_FOUND', 'No API key has this id.');
      }
      store.credits.forget(id);
      await record('api-key.revoke', known);
    },
  };
}
