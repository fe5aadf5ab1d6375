/** Where visagectl administers keys. */
import { type KeyAdministration, keyAdministration } from '../access/key-administration.ts';
import { administer, auditOf, type Ways } from './admin-access.ts';
import type { DataOptions } from './command.ts';

const WAYS: Ways<KeyAdministration> = {
  remote: (call) => ({
    create: async (key) => (await call('POST', '/api-keys', key)) as never,
    list: async () => ((await call('GET', '/api-keys')) as { keys: never }).keys,
    revoke: async (id) => {
      await call('DELETE', `/api-keys/${encodeURIComponent(id)}`);
    },
  }),
  local: (store, config) => keyAdministration(store, auditOf(store, config)),
};

/** Does something with the keys of the service that the settings name. @throws ConfigError, ExitError, VisageError. */
export function withKeys<T>(options: DataOptions, work: (keys: KeyAdministration) => Promise<T>): Promise<T> {
  return administer(options, WAYS, work);
}
