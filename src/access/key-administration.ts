import type { Plan } from '../config/access-settings.ts';
import { VisageError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { createApiKey } from './api-keys.ts';
import type { Audit } from './audit.ts';
import { type NewKeyBody, settingsOf } from './key-settings.ts';
import { type ApiKeyView, type NewApiKeyView, viewOf } from './key-view.ts';

/** The operator's way to API keys: over the admin socket, or on the store itself while no service runs. */
export interface KeyAdministration {
  /** @throws VisageError `VALIDATION_FAILED`. */
  create(request: NewKeyBody): Promise<NewApiKeyView>;
  list(): Promise<ApiKeyView[]>;
  /** @throws VisageError `NOT_FOUND`. */
  revoke(id: string): Promise<void>;
}

/** No plan holds the operator, who can change it: only the settings' own bounds do. */
const OPERATOR: Plan = {
  name: 'operator',
  keysPerMember: Number.POSITIVE_INFINITY,
  maxRateLimit: Number.POSITIVE_INFINITY,
};

/** Administers the keys of a store; new ones belong to its first account and to no member. */
export function keyAdministration(store: Store, audit: Pick<Audit, 'record'>): KeyAdministration {
  const record = (action: string, accountId: string, target: string) =>
    audit.record({ actor: { kind: 'operator', id: null }, action, accountId, target });
  return {
    create: async (request) => {
      const { environment, ...settings } = request;
      const { accountId } = store.accounts.first();
      const now = Date.now();
      const { name } = settings;
      const limits = settingsOf(settings, OPERATOR, now);
      const { key, ...made } = await createApiKey(store, { ...limits, name, environment, accountId }, now);
      await record('api-key.create', accountId, made.id);
      return { ...viewOf(made, 0, null), key };
    },
    list: async () =>
      store.apiKeys
        .list()
        .map((key) => viewOf(key, store.credits.spent(key.id), store.apiKeys.lastUsed(key.id))),
    revoke: async (id) => {
      const known = store.apiKeys.byId(id);
      if (!known || !(await store.apiKeys.remove(id))) {
        throw new VisageError('NOT_FOUND', 'There is no API key of this id.');
      }
      store.credits.forget(id);
      await record('api-key.revoke', known.accountId, id);
    },
  };
}
