import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { open } from 'lmdb';
import type { FaceCounts } from '../../src/store/records.ts';
import { Store } from '../../src/store/store.ts';
import { FACE, rowOf, storeWithCollection, temporaryFolder } from '../../testing/temporary-store.ts';

async function changeRecords(folder: string, change: (counts: FaceCounts) => FaceCounts | null) {
  const root = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
  const db = root.openDB<FaceCounts, number>('faceCounts', {});
  for (const { key, value } of [...db.getRange()]) {
    const changed = change(value);
    await (changed ? db.put(key, changed) : db.remove(key));
  }
  await root.close();
}

describe('the counts of a gallery', () => {
  test('follow every write', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const add = (externalKey: string | null, seed: number) =>
      store.faces.add(
        owner,
        'people',
        FACE,
        rowOf(seed),
        externalKey === null ? null : { externalKey, allowDuplicates: true },
      );
    const { gallery, faceId } = await add(null, 1);
    const counts = () => {
      assert.deepEqual(store.check(), []);
      return Object.values(store.faces.counts(gallery));
    };
    assert.deepEqual(counts(), [1, 0, 0]);
    for (let i = 0; i < 70; i++) await add('anna', i);
    const extra = await add('anna', 98);
    await add('bert', 99);
    assert.deepEqual(counts(), [73, 72, 2]);
    await store.faces.removeById(owner, 'people', extra.faceId);
    assert.deepEqual(counts(), [72, 71, 2]);
    const set = (externalKey: string) =>
      store.externalKeys.set(owner, 'people', { faceId, externalKey, allowDuplicates: true });
    await set('carl');
    assert.deepEqual(counts(), [72, 72, 3]);
    await set('carl');
    await set('anna');
    assert.deepEqual(counts(), [72, 72, 2]);
    await store.externalKeys.remove(owner, 'people', 'anna', faceId);
    await store.externalKeys.remove(owner, 'people', 'nobody', null);
    assert.deepEqual(counts(), [72, 71, 2]);
    await store.externalKeys.remove(owner, 'people', 'anna', null);
    assert.deepEqual(counts(), [72, 1, 1]);
    for await (const _ of store.faces.removeByExternalKey(owner, 'people', 'bert'));
    await store.faces.removeById(owner, 'people', faceId);
    assert.deepEqual(counts(), [70, 0, 0]);
    await assert.rejects(store.faces.removeById(owner, 'people', faceId));
    assert.deepEqual(counts(), [70, 0, 0]);
    await store.collections.reset(owner, 'people', (pack) => pack, 2000);
    await store.garbageCollected();
    assert.deepEqual(counts(), [0, 0, 0]);
    await store.close();
  });

  test('are made for a store that an earlier version wrote', async (t) => {
    const folder = temporaryFolder(t);
    const { store, owner } = await storeWithCollection(folder);
    let gallery = 0;
    for (const externalKey of ['a', 'a', 'b', null]) {
      const key = externalKey === null ? null : { externalKey, allowDuplicates: true };
      ({ gallery } = await store.faces.add(owner, 'people', FACE, rowOf(1), key));
    }
    await store.close();
    await changeRecords(folder, () => null);
    const again = Store.open(folder);
    assert.deepEqual(again.faces.counts(gallery), { faces: 4, named: 3, people: 2 });
    assert.deepEqual(again.check(), []);
    await again.close();
  });

  test('that differ from the faces are an inconsistency', async (t) => {
    for (const wrong of ['faces', 'named', 'people'] as const) {
      const folder = temporaryFolder(t);
      const { store, owner } = await storeWithCollection(folder);
      await store.faces.add(owner, 'people', FACE, rowOf(1));
      await store.close();
      await changeRecords(folder, (counts) => ({ ...counts, [wrong]: 7 }));
      const again = Store.open(folder);
      assert.match(again.check().join('\n'), /the counts of gallery 1 differ from its faces/);
      await again.close();
    }
  });
});
