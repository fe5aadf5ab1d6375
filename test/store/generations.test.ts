import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { open } from 'lmdb';
import { openDatabases } from '../../src/store/databases.ts';
import { hasBeen, incrementGeneration, stateOf } from '../../src/store/generations.ts';
import { Store } from '../../src/store/store.ts';
import { FACE, ownerIn, rowOf, storeWithCollection, temporaryFolder } from '../../testing/temporary-store.ts';

function galleryOf(store: Store): number {
  return store.collections.get(ownerIn(store), 'people')?.gallery ?? 0;
}

describe('The generation of a gallery', () => {
  test('keeps the last hundred openings of the store that wrote to it, and no state from before', async (t) => {
    const root = open(temporaryFolder(t), { noSubdir: false, maxDbs: 64 });
    const db = openDatabases(root);
    const epoch = (number: number) => `epoch ${number}`;
    root.transactionSync(() => {
      for (let number = 1; number <= 250; number++) {
        for (const gallery of [6, 7]) incrementGeneration(db, gallery, epoch(number));
        incrementGeneration(db, 7, epoch(number));
      }
    });
    assert.equal(db.epochs.getKeysCount(), 200);
    assert.deepEqual(stateOf(db, 7), { generation: 500, epochId: epoch(250), lastLabel: 0 });
    for (const [generation, number] of [
      [302, 151],
      [301, 151],
      [300, 150],
      [1, 1],
    ] as const) {
      assert.equal(hasBeen(db, 7, { generation, epochId: epoch(number) }), number > 150, `${generation}`);
    }
    await root.close();
  });

  test('moves with every write of its faces, and with no other', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const gallery = galleryOf(store);
    const generation = () => store.faces.state(gallery).generation;
    assert.equal(generation(), 0);
    const key = { externalKey: 'anna', allowDuplicates: true };
    const { faceId, label } = await store.faces.add(owner, 'people', FACE, rowOf(1));
    await store.faces.add(owner, 'people', FACE, rowOf(2), key);
    await store.faces.add(owner, 'people', FACE, rowOf(3), key);
    assert.equal(generation(), 3);
    assert.equal(store.faces.state(gallery).lastLabel, label + 2);
    await store.externalKeys.set(owner, 'people', { faceId, externalKey: 'k', allowDuplicates: false });
    await store.collections.update(owner, 'people', { description: 'other' }, 5);
    assert.equal(generation(), 3);
    for await (const _ of store.faces.removeByExternalKey(owner, 'people', 'anna'));
    assert.equal(generation(), 4);
    assert.equal(store.faces.state(gallery).lastLabel, label);
    await assert.rejects(store.faces.removeById(owner, 'people', 'face_none'));
    assert.equal(generation(), 4);
    await store.close();
  });

  test('is remembered: every earlier state is known, a later one and another writer are not', async (t) => {
    const folder = temporaryFolder(t);
    const { store, owner } = await storeWithCollection(folder);
    const gallery = galleryOf(store);
    const states = [store.faces.state(gallery)];
    for (let i = 0; i < 3; i++) {
      await store.faces.add(owner, 'people', FACE, rowOf(i));
      states.push(store.faces.state(gallery));
    }
    await store.close();
    const again = Store.open(folder);
    await again.faces.add(owner, 'people', FACE, rowOf(9));
    states.push(again.faces.state(gallery));
    const [empty, ...written] = states as [(typeof states)[0], ...typeof states];
    for (const state of written) assert.ok(again.faces.hasBeen(gallery, state), `${state.generation}`);
    assert.equal(written[3]?.generation, 4);
    assert.notEqual(written[3]?.epochId, written[2]?.epochId);
    assert.equal(again.faces.hasBeen(gallery, empty), false);
    assert.equal(again.faces.hasBeen(gallery, { ...written[3], generation: 5 } as never), false);
    assert.equal(again.faces.hasBeen(gallery, { ...written[3], generation: 3 } as never), false);
    assert.equal(again.faces.hasBeen(gallery + 1, written[0] as never), false);
    await again.close();
  });

  test('of a store that was put back and written on is another, though the number is the same', async (t) => {
    const folder = temporaryFolder(t);
    const { store, owner } = await storeWithCollection(folder);
    const gallery = galleryOf(store);
    await store.faces.add(owner, 'people', FACE, rowOf(1));
    const common = store.faces.state(gallery);
    await store.close();
    const backup = join(temporaryFolder(t), 'data.mdb');
    copyFileSync(join(folder, 'data.mdb'), backup);

    const first = Store.open(folder);
    await first.faces.add(owner, 'people', FACE, rowOf(2));
    const lost = first.faces.state(gallery);
    await first.close();
    copyFileSync(backup, join(folder, 'data.mdb'));
    const second = Store.open(folder);
    await second.faces.add(owner, 'people', FACE, rowOf(3));
    const { generation, lastLabel } = second.faces.state(gallery);
    assert.deepEqual({ generation, lastLabel }, { generation: lost.generation, lastLabel: lost.lastLabel });
    assert.equal(second.faces.hasBeen(gallery, lost), false);
    assert.equal(second.faces.hasBeen(gallery, common), true);
    await second.close();
  });

  test('begins for galleries that an earlier version filled, and ends with a gallery', async (t) => {
    const folder = temporaryFolder(t);
    const { store, owner } = await storeWithCollection(folder);
    await store.faces.add(owner, 'people', FACE, rowOf(1));
    const gallery = galleryOf(store);
    await store.close();
    const environment = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
    for (const name of ['generations', 'writers']) await environment.openDB(name, {}).clearAsync();
    await environment.close();

    const again = Store.open(folder);
    const state = again.faces.state(gallery);
    assert.equal(state.generation, 1);
    assert.ok(again.faces.hasBeen(gallery, state));
    await again.collections.delete(owner, 'people');
    await again.garbageCollected();
    assert.deepEqual(again.faces.state(gallery), { generation: 0, epochId: '', lastLabel: 0 });
    await again.close();
  });
});
