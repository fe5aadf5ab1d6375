import type { Caller } from '../../api/caller.ts';
import type { NewAuditRecord } from '../../store/audit-records.ts';
import type { Store } from '../../store/store.ts';
import { isBounded, isWithinReach } from '../key-limits.ts';

const KEY_ACTIONS = 'api-key.';

/**
 * Members read all of their account. A key reads its environment; a live key without limits also reads entries
 * without one. A key's limits apply:
 *
 * - collection: entries that name it;
 * - faces or models: entries by or about API keys within its limits; with faces alone, also entries about its
 * external keys.
 */
export function auditReach(store: Store, caller: Caller): (entry: NewAuditRecord) => boolean {
  const { key, environment, collectionId, allowedExternalKeys, allowedModels, accountId } = caller;
  if (key === null) return () => true;
  if (!isBounded(caller)) {
    return (entry) => (entry.environment === 'test') === (environment === 'test');
  }

  const known = new Map<string, boolean>([[key.id, true]]);
  const isWithin = (id: string | null): boolean => {
    if (id === null) return false;
    let within = known.get(id);
    if (within === undefined) {
      const other = store.apiKeys.byId(id);
      within = other?.accountId === accountId && isWithinReach(caller, other);
      known.set(id, within);
    }
    return within;
  };
  const ownFaces = new Set(
    allowedModels === null ? allowedExternalKeys?.map((name) => store.audit.pseudonym(accountId, name)) : [],
  );
  const concernsOwnFaces = ({ actor, action, target }: NewAuditRecord): boolean =>
    (target !== null && ownFaces.has(target)) ||
    (actor.kind === 'key' && isWithin(actor.id)) ||
    (action.startsWith(KEY_ACTIONS) && isWithin(target));

  return (entry) =>
    entry.environment === environment &&
    (collectionId === null || entry.collectionId === collectionId) &&
    ((allowedExternalKeys === null && allowedModels === null) || concernsOwnFaces(entry));
}
