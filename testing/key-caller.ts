import type { Caller } from '../src/api/caller.ts';

export function keyCaller(accountId: string, limits: Partial<Caller> = {}): Caller {
  return {
    accountId,
    environment: 'live',
    collectionId: null,
    allowedExternalKeys: null,
    allowedModels: null,
    key: { id: 'key_1', isToken: false, scopes: ['v1:*'], keyVersion: 1 },
    member: null,
    ...limits,
  };
}
