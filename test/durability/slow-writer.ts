import { writeSync } from 'node:fs';
import { createApiKey } from '../../src/access/keys/api-keys.ts';
import { FACE, PACK, rowOf, storeWithCollection } from '../../testing/temporary-store.ts';

const [folder] = process.argv.slice(2) as [string];
const { store, owner } = await storeWithCollection(folder);
const collectionId = 'people';

async function acknowledged<T>(name: string, write: () => Promise<T>): Promise<T> {
  writeSync(1, `${name}\n`);
  const result = await write();
  writeSync(1, 'acknowledged\n');
  return result;
}

const { faceId } = await acknowledged('index', () => store.faces.add(owner, collectionId, FACE, rowOf(1)));
await acknowledged('set key', () =>
  store.externalKeys.set(owner, collectionId, { faceId, externalKey: 'k', allowDuplicates: false }),
);
await acknowledged('take key', () => store.externalKeys.remove(owner, collectionId, 'k', null));
await acknowledged('delete face', () => store.faces.removeById(owner, collectionId, faceId));
await acknowledged('update', () => store.collections.update(owner, collectionId, { description: 'new' }, 1));
await acknowledged('API key', () =>
  createApiKey(store, { accountId: owner.accountId, name: 'x', environment: 'live', collectionId: null }),
);
await acknowledged('reset', () => store.collections.reset(owner, collectionId, () => PACK, 1));
await store.garbageCollected();
await acknowledged('delete', () => store.collections.delete(owner, collectionId));
process.kill(process.pid, 'SIGKILL');
