import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { EventRecorder } from '../../src/events/recorder.ts';
import { createLog } from '../../src/ops/log.ts';
import { Store } from '../../src/store/store.ts';
import { copyRecords } from '../../src/store/store-copy.ts';
import { StoreReader } from '../../src/store/store-reader.ts';
import { keyCaller } from '../../testing/key-caller.ts';
import { FACE, rowOf, storeWithCollection, temporaryFolder } from '../../testing/temporary-store.ts';

const JPEG = Buffer.from('the crop of a face');
const AT = 5000;

async function keeping(t: TestContext) {
  const folder = temporaryFolder(t);
  const { store, owner } = await storeWithCollection(folder);
  t.after(() => store.close());
  const keep = (storeThumbnails: boolean) =>
    store.collections.update(owner, 'people', { storeThumbnails }, AT);
  await keep(true);
  const add = (seed: number, externalKey: string | null = null, thumbnail: Buffer | null = JPEG) => {
    const key = externalKey === null ? null : { externalKey, allowDuplicates: true };
    return store.faces.add(owner, 'people', { ...FACE, thumbnail }, rowOf(seed), key);
  };
  const addMany = (count: number, externalKey: string | null = null) =>
    Promise.all(Array.from({ length: count }, (_, seed) => add(seed, externalKey)));
  return { folder, store, owner, keep, add, addMany };
}

function countIn(folder: string): number {
  const reader = StoreReader.open(folder);
  const { thumbnails } = reader.summary();
  void reader.close();
  return thumbnails;
}

async function settled(store: Store): Promise<void> {
  await store.garbageCollected();
  assert.deepEqual(store.check(), []);
}

describe('The crop of a face', () => {
  test('goes from all proposals that have removed a face, even if one removes it meanwhile', async (t) => {
    const { store, owner, keep, addMany } = await keeping(t);
    const faces = await addMany(42);
    const gallery = faces[0]?.gallery as number;
    const nothing = { kind: 'low-quality', gallery, faces: [], keys: [], others: [], moves: [] };
    const idOf = (at: number) => `fnd_${String(at).padStart(26, '0')}`;
    const removeFace = (at: number) => {
      const removed = [faces[at]?.label as number];
      return store.proposals.apply(owner, 'people', { ...nothing, findingId: idOf(at), removed }, AT);
    };
    for (let at = 1; at < 42; at++) await removeFace(at);
    await keep(false);
    await removeFace(0);
    await settled(store);
    await keep(true);
    for (const [at, place] of faces.entries()) {
      await store.proposals.undo(owner, 'people', idOf(at), AT);
      assert.equal(store.thumbnails.get(place), null, `face ${at}`);
    }
  });

  test('is kept only in a collection that keeps crops, and only if there is one', async (t) => {
    const { store, keep, add } = await keeping(t);
    const kept = await add(1);
    assert.deepEqual(store.thumbnails.get(kept), JPEG);
    assert.equal(store.thumbnails.has(kept), true);
    assert.equal(store.thumbnails.has(await add(2, null, null)), false);
    await keep(false);
    const late = await add(3);
    assert.equal(store.thumbnails.has(late), false);
    assert.equal(store.thumbnails.get(late), null);
    assert.ok(!JSON.stringify(store.faces.get(kept)).includes('thumbnail'));
  });

  test('is not kept by default', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    t.after(() => store.close());
    const face = { ...FACE, thumbnail: JPEG };
    const place = await store.faces.add(owner, 'people', face, rowOf(1));
    assert.equal(store.thumbnails.has(place), false);
  });

  for (const [name, remove] of [
    ['its face', 'face'],
    ["its external key's faces", 'key'],
    ['its collection', 'collection'],
    ['a reset', 'reset'],
  ] as const) {
    test(`goes with ${name}`, async (t) => {
      const { folder, store, owner, add, addMany } = await keeping(t);
      await addMany(130, 'k');
      const { faceId } = await add(1);
      assert.equal(countIn(folder), 131);
      if (remove === 'face') await store.faces.removeById(owner, 'people', faceId);
      if (remove === 'key') for await (const _ of store.faces.removeByExternalKey(owner, 'people', 'k'));
      if (remove === 'collection') await store.collections.delete(owner, 'people');
      if (remove === 'reset') await store.collections.reset(owner, 'people', (pack) => pack, AT);
      await settled(store);
      assert.equal(countIn(folder), { face: 130, key: 1, collection: 0, reset: 0 }[remove]);
    });
  }

  test('is hidden at once, and then erased, when the collection stops keeping crops', async (t) => {
    const { folder, store, owner, keep, add, addMany } = await keeping(t);
    const faces = await addMany(150);
    const gallery = faces[0]?.gallery as number;
    await keep(false);
    assert.equal(store.thumbnails.isErasing(gallery), true);
    await keep(true);
    const later = await add(1);
    for (const face of faces) {
      assert.equal(store.thumbnails.has(face), false);
      assert.equal(store.thumbnails.get(face), null);
    }
    assert.deepEqual(store.thumbnails.get(later), JPEG);
    await settled(store);
    assert.equal(store.thumbnails.isErasing(gallery), false);
    assert.equal(countIn(folder), 1);
    assert.equal(store.faces.counts(gallery).faces, 151);
    assert.deepEqual(store.thumbnails.get(later), JPEG);
    await store.faces.removeById(owner, 'people', later.faceId);
    await keep(false);
    assert.equal(store.thumbnails.isErasing(gallery), false, 'nothing is left to erase');
  });

  test('stays hidden over a restart in the middle of the erasure, which then goes on', async (t) => {
    const { folder, store, addMany, keep } = await keeping(t);
    const [face] = await addMany(600);
    assert.ok(face);
    await keep(false);
    await store.close();
    assert.ok(countIn(folder) > 0);
    const again = Store.open(folder);
    t.after(() => again.close());
    assert.equal(again.thumbnails.has(face), false);
    await settled(again);
    assert.equal(countIn(folder), 0);
  });

  test('goes into a copy of the store, unless its collection is deleted', async (t) => {
    const { folder, store, owner, add } = await keeping(t);
    const kept = await add(1);
    await store.collections.create(owner, {
      collectionId: 'gone',
      description: null,
      storeThumbnails: true,
      now: AT,
      pack: FACE.pack,
      packVersion: FACE.packVersion,
    });
    const face = { ...FACE, thumbnail: JPEG };
    for (let i = 0; i < 200; i++) await store.faces.add(owner, 'gone', face, rowOf(i));
    const copy = join(temporaryFolder(t), 'copy');
    mkdirSync(copy);
    await store.collections.delete(owner, 'gone');
    await store.close();
    assert.ok(countIn(folder) >= 1);
    await copyRecords(folder, copy);
    const copied = Store.open(copy);
    t.after(() => copied.close());
    assert.deepEqual(copied.thumbnails.get(kept), JPEG);
    assert.equal(countIn(copy), 1);
    await settled(copied);
  });
});

describe('A copy of the store', () => {
  test('lacks the crops that the collection no longer keeps, and has later ones', async (t) => {
    const { folder, store, owner, addMany, add, keep } = await keeping(t);
    await addMany(600);
    const events = new EventRecorder(store.events, {
      now: Date.now,
      log: createLog('silent'),
      limits: { days: 1, maxEvents: 1000, cropDays: 1 },
    });
    const gallery = store.collections.get(owner, 'people')?.gallery;
    events.record(keyCaller(owner.accountId), {
      type: 'search',
      result: 'no_match',
      operation: 'searchFace',
      collectionId: 'people',
      gallery,
      crop: JPEG,
    });
    await events.close();
    assert.equal(store.events.crops, 1);
    await keep(false);
    await keep(true);
    const later = await add(1);
    await store.close();
    assert.ok(countIn(folder) > 1);
    const copy = join(temporaryFolder(t), 'copy');
    mkdirSync(copy);
    await copyRecords(folder, copy);
    assert.equal(countIn(copy), 1);
    const copied = Store.open(copy);
    t.after(() => copied.close());
    assert.equal(copied.events.crops, 0);
    assert.deepEqual(copied.thumbnails.get(later), JPEG);
    await settled(copied);
    assert.equal(copied.faces.total, 601);
  });
});

describe('The crop of an event', () => {
  async function recording(t: TestContext, cropDays = 1) {
    const parts = await keeping(t);
    const { store, owner } = parts;
    const limits = { days: 1, maxEvents: 1000, cropDays };
    const events = new EventRecorder(store.events, { now: Date.now, log: createLog('silent'), limits });
    t.after(() => events.close());
    const gallery = store.collections.get(owner, 'people')?.gallery as number;
    const facts = { type: 'search', operation: 'searchFace', collectionId: 'people', gallery } as const;
    const record = async (result: 'no_match' | 'added', label?: number) => {
      events.record(keyCaller(owner.accountId), { ...facts, result, label, crop: JPEG });
      await events.flush();
    };
    const newest = async () => {
      const { events: found } = await store.events.page(owner, {}, { from: null, limit: 1, scan: 1 });
      return found[0] ?? assert.fail('no event');
    };
    return { ...parts, events, record, newest };
  }

  test('is kept only while the collection keeps crops', async (t) => {
    const { store, owner, keep, record, newest } = await recording(t);
    await record('no_match');
    const kept = await newest();
    assert.equal(kept.hasCrop, true);
    assert.deepEqual(store.events.crop(owner, kept.id), JPEG);
    await keep(false);
    assert.equal((await newest()).hasCrop, false);
    assert.equal(store.events.crop(owner, kept.id), null);
    await settled(store);
    assert.equal(store.events.crops, 0);
    await record('no_match');
    assert.equal((await newest()).hasCrop, false);
    assert.equal(store.events.crops, 0);
  });

  test('is that of the face which the call added, without a second copy', async (t) => {
    const { store, owner, add, record, newest } = await recording(t);
    const { label, faceId } = await add(1);
    await record('added', label);
    assert.equal(store.events.crops, 0);
    const { id, hasCrop } = await newest();
    assert.equal(hasCrop, true);
    assert.deepEqual(store.events.crop(owner, id), JPEG);
    await store.faces.removeById(owner, 'people', faceId);
    assert.equal((await newest()).hasCrop, false);
    assert.equal(store.events.crop(owner, id), null);
  });

  test('is not kept where event_crop_days is 0', async (t) => {
    const { store, events, record, newest } = await recording(t, 0);
    assert.equal(events.keepsCrops, false);
    await record('no_match');
    assert.equal((await newest()).hasCrop, false);
    assert.equal(store.events.crops, 0);
  });
});
