import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { EventRecorder, type RecognitionEvent } from '../../src/events/recorder.ts';
import { createLog } from '../../src/ops/log.ts';
import type { EventView } from '../../src/store/event-records.ts';
import type { EventPage } from '../../src/store/events.ts';
import { Store } from '../../src/store/store.ts';
import { copyRecords } from '../../src/store/store-copy.ts';
import { StoreReader } from '../../src/store/store-reader.ts';
import { keyCaller } from '../../testing/key-caller.ts';
import { FACE, PACK, rowOf, storeWithCollection, temporaryFolder } from '../../testing/temporary-store.ts';

const DAY_MS = 86_400_000;
const NO_LIMITS = { days: 1, maxEvents: 1_000_000, cropDays: 1 };

async function recording(t: TestContext, limits = NO_LIMITS) {
  const { store, owner } = await storeWithCollection(temporaryFolder(t));
  await store.collections.update(owner, 'people', { storeThumbnails: true }, 2000);
  const clock = { now: Date.UTC(2026, 0, 15) };
  const events = new EventRecorder(store.events, { now: () => clock.now, log: createLog('silent'), limits });
  t.after(async () => {
    await events.close();
    await store.close();
  });
  const caller = keyCaller(owner.accountId);
  const gallery = () => store.collections.get(owner, 'people')?.gallery ?? 0;
  const add = async (seed: number, externalKey: string | null = null) => {
    const key = externalKey === null ? null : { externalKey, allowDuplicates: true };
    return store.faces.add(owner, 'people', FACE, rowOf(seed), key);
  };
  const record = async (event: Partial<RecognitionEvent>, from = caller) => {
    events.record(from, {
      type: 'search',
      result: 'no_match',
      operation: 'searchFace',
      collectionId: 'people',
      gallery: gallery(),
      ...event,
    });
    await events.flush();
  };
  const all = async (from = owner) =>
    (await store.events.page(from, {}, { from: null, limit: 1000, scan: 10_000 })).events;
  return { store, owner, clock, events, caller, gallery, add, record, all };
}

async function settled(store: Store): Promise<void> {
  await store.garbageCollected();
  assert.deepEqual(store.check(), []);
}

const idsOf = ({ faceId, externalKey, hasCrop }: EventView) => ({ faceId, externalKey, hasCrop });
const NOTHING = { faceId: null, externalKey: null, hasCrop: false };

describe('The event log', () => {
  test('answers what was recorded, newest first, with the face as it is now', async (t) => {
    const { store, owner, clock, record, add, all } = await recording(t);
    const { faceId, label, gallery } = await add(1, 'ada');
    const quality = { score: 91, reasons: ['LOW_LIGHT'] };
    const box = { x: 1, y: 2, width: 3, height: 4 };
    await record({ result: 'match', label, similarity: 98.5, threshold: 80, quality, box, source: 'door' });
    clock.now += 1000;
    await record({});
    const [second, first] = await all();
    assert.equal(second?.result, 'no_match');
    assert.match(first?.id ?? '', /^evt_[0-9A-HJKMNP-TV-Z]{26}$/);
    assert.deepEqual(first, {
      id: first?.id,
      at: clock.now - 1000,
      type: 'search',
      result: 'match',
      operation: 'searchFace',
      collectionId: 'people',
      caller: { kind: 'key', id: 'key_1', name: null },
      faceId,
      externalKey: 'ada',
      similarity: 98.5,
      threshold: 80,
      quality: 91,
      qualityReasons: ['LOW_LIGHT'],
      refusal: null,
      source: 'door',
      box,
      hasCrop: false,
      review: null,
    });
    assert.equal(store.events.lastSeenOf(gallery, label), clock.now - 1000);
    await store.externalKeys.set(owner, 'people', { faceId, externalKey: 'bob', allowDuplicates: false });
    assert.equal((await all())[1]?.externalKey, 'bob');
    await settled(store);
  });

  test('loses ids, crop and last match with the face, at once and for good', async (t) => {
    const { store, owner, record, add, all } = await recording(t);
    const { faceId, label, gallery } = await add(1, 'ada');
    for (let i = 0; i < 150; i++) await record({ result: 'match', label, crop: Buffer.from('jpeg') });
    const { id } = (await all())[0] as EventView;
    assert.deepEqual(store.events.crop(owner, id), Buffer.from('jpeg'));
    await store.faces.removeById(owner, 'people', faceId);
    assert.deepEqual((await all()).map(idsOf), Array(150).fill(NOTHING));
    assert.equal(store.events.crop(owner, id), null);
    assert.equal(store.events.lastSeenOf(gallery, label), null);
    await settled(store);
    assert.equal(store.events.crops, 0);
  });

  test('keeps the last review of an event until its face goes, at once and for good', async (t) => {
    const { store, owner, record, add, all } = await recording(t);
    const { faceId, label } = await add(1, 'ada');
    await record({ result: 'match', label });
    await record({ result: 'no_face' });
    const [blank, match] = (await all()) as [EventView, EventView];
    assert.equal(match.review, null);
    const confirmed = { state: 'confirmed', at: 5, memberId: 'mem_1' } as const;
    const corrected = { state: 'corrected', at: 6, memberId: 'mem_2' } as const;
    assert.deepEqual((await store.events.review(owner, match.id, confirmed)).review, confirmed);
    await store.events.review(owner, match.id, corrected);
    await store.events.review(owner, blank.id, confirmed);
    assert.deepEqual(
      (await all()).map(({ review }) => review),
      [confirmed, corrected],
    );
    const found = async (review: 'none' | 'confirmed' | 'corrected') => {
      const { events } = await store.events.page(owner, { review }, { from: null, limit: 9, scan: 9 });
      return events.map(({ id }) => id);
    };
    assert.deepEqual(
      [await found('none'), await found('confirmed'), await found('corrected')],
      [[], [blank.id], [match.id]],
    );
    await store.faces.removeById(owner, 'people', faceId);
    assert.equal((await all())[1]?.review, null);
    await settled(store);
    assert.equal((await all())[1]?.review, null);
    assert.deepEqual(await found('none'), [match.id]);
    assert.deepEqual((await store.events.review(owner, blank.id, null)).review, null);
    const other = { ...owner, accountId: 'acc_other' };
    await assert.rejects(store.events.review(other, blank.id, confirmed), { code: 'NOT_FOUND' });
    await settled(store);
  });

  test('writes nothing of a face that was deleted meanwhile', async (t) => {
    const { store, owner, record, add, all } = await recording(t);
    const { faceId, label } = await add(1);
    await store.faces.removeById(owner, 'people', faceId);
    await record({ result: 'match', label, crop: Buffer.from('jpeg') });
    assert.deepEqual((await all()).map(idsOf), [NOTHING]);
    assert.equal(store.events.crops, 0);
    await settled(store);
  });

  test('keeps the name of a refused enrolment until the name has no more face', async (t) => {
    const { store, owner, record, add, all } = await recording(t);
    const refused = {
      type: 'enroll',
      result: 'refused',
      refusal: 'LOW_QUALITY',
      externalKey: 'ada',
    } as const;
    await record(refused);
    assert.equal((await all())[0]?.externalKey, 'ada');
    const { faceId } = await add(1, 'ada');
    await record({ ...refused, crop: Buffer.from('jpeg') });
    await store.faces.removeById(owner, 'people', faceId);
    assert.deepEqual((await all()).map(idsOf), [NOTHING, NOTHING]);
    await settled(store);
    const second = await add(2, 'ada');
    assert.deepEqual((await all()).map(idsOf), [NOTHING, NOTHING]);
    await record(refused);
    await store.externalKeys.remove(owner, 'people', 'ada', second.faceId);
    assert.deepEqual((await all()).map(idsOf), [NOTHING, NOTHING, NOTHING]);
    await settled(store);
  });

  for (const [act, work] of [
    ['reset', (store: Store, owner: never) => store.collections.reset(owner, 'people', () => PACK, 1)],
    ['deletion', (store: Store, owner: never) => store.collections.delete(owner, 'people')],
  ] as const) {
    test(`loses ids, names and crops by a collection's ${act}`, async (t) => {
      const { store, owner, record, add, all } = await recording(t);
      const crop = Buffer.from('jpeg');
      const { label } = await add(1, 'ada');
      for (let i = 0; i < 100; i++) await record({ result: 'match', label, crop });
      await record({ type: 'enroll', result: 'refused', externalKey: 'bob', crop });
      await record({ crop });
      assert.equal((await all()).filter(({ hasCrop }) => hasCrop).length, 102);
      await work(store, owner as never);
      assert.deepEqual((await all()).map(idsOf), Array(102).fill(NOTHING));
      await settled(store);
      assert.equal(store.events.crops, 0);
    });
  }

  test('leaves nothing of a reset collection in a copy, however little of it is erased yet', async (t) => {
    const folder = temporaryFolder(t);
    const { store, owner } = await storeWithCollection(folder);
    await store.collections.update(owner, 'people', { storeThumbnails: true }, 1);
    const limits = NO_LIMITS;
    const events = new EventRecorder(store.events, { now: Date.now, log: createLog('silent'), limits });
    const caller = keyCaller(owner.accountId);
    const crop = Buffer.from('a jpeg of somebody');
    const refused = { type: 'enroll', result: 'refused', operation: 'enrollFace', crop } as const;
    for (let i = 0; i < 500; i++) {
      const place = { collectionId: 'people', gallery: 1, externalKey: 'somebody-else' };
      events.record(caller, { ...refused, ...place });
    }
    await events.close();
    assert.equal(store.events.crops, 500);
    await store.collections.reset(owner, 'people', () => PACK, 1);
    await store.close();
    const copy = join(temporaryFolder(t), 'copy');
    mkdirSync(copy);
    await copyRecords(folder, copy);
    assert.ok(readFileSync(join(folder, 'data.mdb')).includes('somebody'), 'there is something to leave out');
    assert.ok(!readFileSync(join(copy, 'data.mdb')).includes('somebody'));
    const reader = StoreReader.open(copy);
    assert.deepEqual(reader.check(), []);
    await reader.close();
    const restored = Store.open(copy);
    await settled(restored);
    assert.equal(restored.events.count, 500);
    await restored.close();
  });

  test('shows no event of another account or environment', async (t) => {
    const { owner, record, all, caller, store } = await recording(t);
    await record({}, { ...caller, environment: 'test' });
    await record({}, { ...caller, accountId: 'acc_other' });
    assert.deepEqual(await all(), []);
    assert.equal((await all({ ...owner, environment: 'test' })).length, 1);
    assert.deepEqual(store.check(), []);
  });

  test('pages in both directions, with filters, and reads a bounded number', async (t) => {
    const { store, owner, clock, record, add, all } = await recording(t);
    const { label, faceId } = await add(1, 'ada');
    for (let i = 0; i < 300; i++) {
      clock.now += 1000;
      await record(i % 10 === 0 ? { result: 'match', label, source: 'door' } : {});
    }
    const newestFirst = (await all()).map(({ id }) => id);
    assert.deepEqual(newestFirst, [...newestFirst].sort().reverse());
    const read = async (isReverse: boolean, filter: object) => {
      const ids: string[] = [];
      let from: string | null = null;
      for (let pages = 0; pages < 100; pages++) {
        const read = isReverse ? 'page' : 'pageAfter';
        const page: EventPage = await store.events[read](owner, filter, { from, limit: 7, scan: 20 });
        ids.push(...page.events.map(({ id }) => id));
        if (page.next === null) return ids;
        from = page.next;
      }
      throw new Error('the pages do not end');
    };
    assert.deepEqual(await read(true, {}), newestFirst);
    assert.deepEqual(await read(false, {}), [...newestFirst].reverse());
    for (const filter of [{ result: 'match' }, { source: 'door' }, { faceId }, { externalKey: 'ada' }]) {
      assert.equal((await read(true, filter)).length, 30, JSON.stringify(filter));
    }
    const since = clock.now - 10_000;
    assert.equal((await read(true, { since })).length, 11);
    assert.equal((await read(false, { since, until: clock.now - 5000 })).length, 6);
    assert.deepEqual(await read(true, { collectionId: 'others' }), []);
  });

  test('finds the events of one person among many without reading the others', async (t) => {
    const { store, owner, clock, events, caller, record, add, gallery } = await recording(t);
    const faces = [await add(1, 'ada'), await add(2, 'ada'), await add(3, 'bob')];
    for (let i = 0; i < 2_000; i++) {
      clock.now += 1000;
      const face = i % 20 === 0 ? faces[(i / 20) % 3] : undefined;
      const place = { collectionId: 'people', gallery: gallery() };
      const result = face ? 'match' : 'no_match';
      events.record(caller, {
        type: 'search',
        operation: 'searchFace',
        result,
        ...place,
        label: face?.label,
      });
    }
    await record({ type: 'enroll', result: 'refused', externalKey: 'ada' });
    const page = async (filter: object, isReverse = true) => {
      const ids: string[] = [];
      let from: string | null = null;
      for (let pages = 0; pages < 9; pages++) {
        const bounds = { from, limit: 25, scan: 70 };
        const found: EventPage = await store.events[isReverse ? 'page' : 'pageAfter'](owner, filter, bounds);
        ids.push(...found.events.map(({ id }) => id));
        if (found.next === null) return ids;
        from = found.next;
      }
      throw new Error('it takes too many pages');
    };
    const IN = { collectionId: 'people' };
    const ada = await page({ ...IN, externalKey: 'ada' });
    assert.equal(ada.length, 68);
    assert.deepEqual(ada, [...ada].sort().reverse());
    assert.deepEqual(await page({ ...IN, externalKey: 'ada' }, false), [...ada].reverse());
    assert.equal((await page({ ...IN, externalKey: 'ada', result: 'refused' })).length, 1);
    assert.equal((await page({ ...IN, faceId: faces[2]?.faceId })).length, 33);
    assert.equal((await page({ ...IN, externalKey: 'bob' })).length, 33);
    const since = clock.now - 100_000;
    assert.equal((await page({ ...IN, externalKey: 'ada', since })).length, 4);
    assert.deepEqual(await page({ ...IN, externalKey: 'nobody' }), []);
    assert.deepEqual(await page({ ...IN, faceId: 'face_x' }), []);
  });

  test('keeps its limits: age, number, and the share of each account', async (t) => {
    const { store, clock, events, caller, record, all, add } = await recording(t, {
      days: 1,
      maxEvents: 1000,
      cropDays: 1,
    });
    const { label } = await add(1);
    const other = { ...caller, accountId: 'acc_other' };
    await record({}, other);
    for (let i = 0; i < 1300; i++) {
      events.record(caller, {
        type: 'search',
        result: 'match',
        operation: 'searchFace',
        collectionId: 'people',
        gallery: 1,
        label,
      });
    }
    await events.flush();
    await events.trim();
    assert.equal(store.events.count, 1000);
    assert.equal((await store.events.page(other, {}, { from: null, limit: 9, scan: 9 })).events.length, 1);
    clock.now += DAY_MS + 1000;
    await record({});
    await events.trim();
    assert.equal((await all()).length, 1);
    assert.equal(store.events.count, 1);
    await settled(store);
  });

  test('keeps crops of a collection for its own days, in steps, and those of others', async (t) => {
    const limits = { days: 30, maxEvents: 1_000_000, cropDays: 20 };
    const { store, owner, clock, events, record, all } = await recording(t, limits);
    const own = { collectionId: 'own', description: null, now: 2000, ...PACK };
    await store.collections.create(owner, { ...own, storeThumbnails: true, eventCropDays: 2 });
    const gallery = store.collections.get(owner, 'own')?.gallery;
    const crop = Buffer.from('jpeg');
    const old = Array.from({ length: 150 }, () => record({ crop, collectionId: 'own', gallery }));
    await Promise.all([...old, record({ crop })]);
    clock.now += DAY_MS;
    await record({ crop, collectionId: 'own', gallery });
    await events.trim();
    assert.equal(store.events.crops, 152);
    clock.now += 1.5 * DAY_MS;
    await events.trim();
    const kept = (await all()).filter(({ hasCrop }) => hasCrop).map(({ collectionId }) => collectionId);
    assert.deepEqual(kept, ['own', 'people']);
    assert.equal(store.events.crops, 2);
    assert.equal((await all()).length, 152);
    await store.collections.update(owner, 'own', { eventCropDays: null }, 3000);
    clock.now += 10 * DAY_MS;
    await events.trim();
    assert.equal(store.events.crops, 2);
    await settled(store);
  });

  test('records nothing when it is off, and removes what there is', async (t) => {
    const { store, clock, record, owner, add } = await recording(t);
    const { label } = await add(1, 'person 1');
    await record({ result: 'match', label });
    const gallery = store.collections.get(owner, 'people')?.gallery ?? 0;
    assert.ok(store.events.lastSeenOf(gallery, label));
    const off = { days: 0, maxEvents: 1000, cropDays: 0 };
    const none = new EventRecorder(store.events, {
      now: () => clock.now,
      log: createLog('silent'),
      limits: off,
    });
    none.record(keyCaller(owner.accountId), { type: 'search', result: 'no_match', operation: 'searchFace' });
    await none.flush();
    await none.trim();
    await none.close();
    assert.deepEqual([store.events.count, none.recorded], [0, 0]);
    assert.equal(store.events.lastSeenOf(gallery, label), null);
  });

  test('erases events, crops and last matches of an account that records none, in steps, also later', async (t) => {
    const { store, owner, events, caller, record, add, all } = await recording(t);
    const crop = Buffer.from('jpeg');
    for (let seed = 1; seed <= 150; seed++) {
      const { label } = await add(seed, `person ${seed}`);
      events.record(caller, {
        type: 'search',
        result: 'match',
        operation: 'searchFace',
        collectionId: 'people',
        gallery: store.collections.get(owner, 'people')?.gallery,
        label,
        crop,
      });
    }
    const other = { ...caller, accountId: 'acc_other' };
    await record({ collectionId: null, gallery: undefined }, other);
    const gallery = store.collections.get(owner, 'people')?.gallery ?? 0;
    assert.deepEqual([store.events.count, store.events.crops], [151, 150]);
    assert.ok(store.events.lastSeenOf(gallery, 1));
    await store.events.setRecorded(owner.accountId, false);
    assert.equal(store.events.count, 151);
    await record({});
    assert.equal(store.events.count, 151);
    await events.trim();
    assert.deepEqual([await all(), store.events.count, store.events.crops], [[], 1, 0]);
    for (let label = 1; label <= 150; label++) assert.equal(store.events.lastSeenOf(gallery, label), null);
    await settled(store);
    await store.events.setRecorded(owner.accountId, true);
    await record({});
    await events.trim();
    assert.equal((await all()).length, 1);
    await assert.rejects(store.events.setRecorded('acc_none', false), { code: 'ACCOUNT_NOT_FOUND' });
  });

  test('drops events that the disk cannot take, and tells', async (t) => {
    const { events, caller, store } = await recording(t);
    const event = { type: 'search', result: 'no_match', operation: 'searchFace' } as const;
    for (let i = 0; i < 10_100; i++) events.record(caller, event);
    assert.equal(events.dropped, 100);
    events.record({ ...caller, accountId: 'acc_other' }, event);
    assert.equal(events.dropped, 100);
    await events.flush();
    assert.deepEqual([store.events.count, events.recorded], [10_001, 10_001]);
    assert.deepEqual(store.check(), []);
  });

  test('orders ids although the clock is set back', async (t) => {
    const { clock, record, all } = await recording(t);
    await record({ source: 'first' });
    clock.now -= 60_000;
    await record({ source: 'second' });
    assert.deepEqual(
      (await all()).map(({ source }) => source),
      ['second', 'first'],
    );
  });
});
