import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from 'lmdb';
import { newKeyValue } from '../../src/access/keys/api-keys.ts';
import { newIdentifier } from '../../src/store/records.ts';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const MEMBERS = ['mem_A', 'mem_B', null] as const;

async function addKeys(store: Store, count: number, members: readonly (string | null)[] = MEMBERS) {
  const { accountId } = store.accounts.first();
  const added = Array.from({ length: count }, async (_, at) => {
    const { hash, prefix } = newKeyValue('live');
    const id = newIdentifier('key_', at);
    const memberId = members[at % members.length] as string | null;
    const limits = { collectionId: null, rateLimit: null, allowedIps: [], allowedExternalKeys: null };
    const rest = { allowedModels: null, budget: null, expiresAt: null, frozen: false, scopes: ['v1:*'] };
    const record = { id, accountId, memberId, prefix, name: 'x', generation: 1, createdAt: at } as const;
    await store.apiKeys.add(hash, { ...record, environment: 'live', ...limits, ...rest });
    return id;
  });
  return { accountId, ids: await Promise.all(added) };
}

function countOf(store: Store, accountId: string, memberId: string): number {
  for (let most = 1; ; most++) {
    try {
      store.apiKeys.checkCount({ accountId, memberId }, most);
      return most - 1;
    } catch {
      // At least as many.
    }
  }
}

test('Keys are counted by member as they are added, given away and removed', async (t) => {
  const store = Store.open(temporaryFolder(t));
  const { accountId, ids } = await addKeys(store, 9);
  const counts = () => ['mem_A', 'mem_B', 'mem_C', 'mem_'].map((id) => countOf(store, accountId, id));
  assert.deepEqual(counts(), [3, 3, 0, 0]);
  await store.apiKeys.change(ids[0] as string, (record) => ({ ...record, memberId: 'mem_B' }));
  await store.apiKeys.change(ids[2] as string, (record) => ({ ...record, memberId: 'mem_C' }));
  await store.apiKeys.remove(ids[1] as string);
  await store.apiKeys.change(ids[3] as string, (record) => record, newKeyValue('live'));
  assert.deepEqual(counts(), [2, 3, 1, 0]);
  assert.deepEqual(store.check(), []);
  await store.close();
});

test('Keys that an older version wrote are counted by member from the next start on', async (t) => {
  const folder = temporaryFolder(t);
  const first = Store.open(folder);
  const { accountId } = await addKeys(first, 2_300);
  await first.close();

  for (const left of [0, 700]) {
    const root = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
    const list = root.openDB('apiKeysByMember', {});
    root.transactionSync(() => {
      for (const key of Array.from(list.getKeys({ offset: left }))) list.remove(key);
    });
    await root.close();

    const store = Store.open(folder);
    assert.deepEqual([countOf(store, accountId, 'mem_A'), countOf(store, accountId, 'mem_B')], [767, 767]);
    assert.deepEqual(store.check(), []);
    await store.close();
  }
});
