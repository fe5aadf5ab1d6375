import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { EventView } from '../../src/store/event-records.ts';
import { nobody, type Person, portrait } from '../../testing/photographs.ts';
import { TestService } from '../../testing/recognition-service.ts';

const collectionId = 'kept';
const UNKNOWN = 'face_00000000000000000000000000';

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());
beforeEach(async () => {
  for (const id of [collectionId, 'plain']) await service.call('deleteCollection', { collectionId: id });
  await service.call('createCollection', { collectionId, storeThumbnails: true });
  await service.call('createCollection', { collectionId: 'plain' });
});

const thumbnail = (faceId: string, id = collectionId, caller = service.caller()) =>
  service.call('getFaceThumbnail', { collectionId: id, faceId }, { caller });
const codeOf = (faceId: string, id = collectionId, caller = service.caller()) =>
  service.code('getFaceThumbnail', { collectionId: id, faceId }, { caller });
const enroll = async (person: Person, id = collectionId, externalKey: string = person) =>
  (await service.call('enrollFace', { collectionId: id, externalKey }, { image: await portrait(person) }))
    .faceId as string;

async function eventsOf(id = collectionId): Promise<readonly EventView[]> {
  await service.events.flush();
  const owner = service.caller();
  const bounds = { from: null, limit: 100, scan: 1000 };
  return (await service.store.events.page(owner, { collectionId: id }, bounds)).events;
}

describe('thumbnails', () => {
  test('are kept of a face however it was added', async () => {
    const parameters = { collectionId };
    const { faceId: indexed } = await service.call('indexFace', parameters, {
      image: await portrait('anna'),
    });
    const { faceId: found } = await service.call('searchOrIndexFace', parameters, {
      image: await portrait('bea'),
    });
    const { results } = await service.call(
      'enrollFaces',
      { collectionId, faces: [{ externalKey: 'c' }, { externalKey: 'd' }] },
      { images: { faces: [await portrait('cleo'), await portrait('dora')] } },
    );
    const added = [indexed, found, results[0].faceId, results[1].faceId, await enroll('emma')];
    for (const faceId of added) {
      const { width, height, format } = await sharp(await thumbnail(faceId)).metadata();
      assert.deepEqual([width, height, format], [224, 224, 'jpeg']);
      assert.equal((await service.call('getFace', { collectionId, faceId })).hasThumbnail, true);
    }
    const { people } = await service.call('listExternalKeys', { collectionId });
    assert.deepEqual(
      people.map(({ externalKey, hasThumbnail }: Record<string, unknown>) => [externalKey, hasThumbnail]),
      [
        ['c', true],
        ['d', true],
        ['emma', true],
      ],
    );
    const { faces } = await service.call('listFaces', { collectionId });
    assert.deepEqual(
      faces.map(({ hasThumbnail }: { hasThumbnail: boolean }) => hasThumbnail),
      Array(5).fill(true),
    );
    assert.equal(service.faceCount(collectionId), 5);
  });

  test('show the person: the face is found again by its own thumbnail', async () => {
    const faceId = await enroll('anna');
    await enroll('bea');
    const image = await thumbnail(faceId);
    const found = await service.call('searchFace', { collectionId, faceMatchThreshold: 99 }, { image });
    assert.equal(found.faceId, faceId);
  });

  test('are not kept unless the collection says so', async () => {
    const faceId = await enroll('anna', 'plain');
    assert.equal(await codeOf(faceId, 'plain'), 'NOT_FOUND');
    assert.equal((await service.call('getFace', { collectionId: 'plain', faceId })).hasThumbnail, false);
    const { recognitionCollection } = await service.call('getCollection', { collectionId: 'plain' });
    assert.equal(recognitionCollection.storeThumbnails, false);
    assert.equal((await eventsOf('plain'))[0]?.hasCrop, false);
  });

  test('are hidden like their face', async () => {
    const faceId = await enroll('anna');
    assert.equal(await codeOf(UNKNOWN), 'FACE_NOT_FOUND');
    assert.equal(await codeOf(faceId, 'plain'), 'FACE_NOT_FOUND');
    assert.equal(await codeOf(faceId, 'absent'), 'COLLECTION_NOT_FOUND');
    const limited = (limits: object) => codeOf(faceId, collectionId, service.caller(limits));
    assert.equal(await limited({ allowedExternalKeys: ['bea'] }), 'FACE_NOT_FOUND');
    assert.equal(await limited({ allowedExternalKeys: ['anna'] }), 'succeeded');
    assert.equal(await limited({ collectionId: 'plain' }), 'COLLECTION_NOT_ALLOWED');
    assert.equal(await limited({ allowedModels: ['other'] }), 'MODEL_NOT_ALLOWED');
    assert.equal(await limited({ environment: 'test' }), 'COLLECTION_NOT_FOUND');
    await service.call('deleteFace', { collectionId, faceId });
    assert.equal(await codeOf(faceId), 'FACE_NOT_FOUND');
  });

  test('are erased when the collection stops keeping them, which the answer says', async () => {
    const faceId = await enroll('anna');
    await service.call('searchFace', { collectionId }, { image: await portrait('bea') });
    assert.deepEqual(
      (await eventsOf()).slice(0, 2).map(({ result, hasCrop }) => [result, hasCrop]),
      [
        ['no_match', true],
        ['added', true],
      ],
    );
    assert.deepEqual(await service.call('updateCollection', { collectionId, description: 'x' }), {
      collectionId,
    });
    assert.equal(await codeOf(faceId), 'succeeded');
    assert.deepEqual(await service.call('updateCollection', { collectionId, storeThumbnails: false }), {
      collectionId,
      erasesThumbnails: true,
    });
    assert.equal(await codeOf(faceId), 'NOT_FOUND');
    assert.ok((await eventsOf()).every(({ hasCrop }) => !hasCrop));
    await service.store.garbageCollected();
    assert.equal(service.store.events.crops, 0);
    assert.equal(service.faceCount(collectionId), 1);
    assert.deepEqual(await service.call('updateCollection', { collectionId, storeThumbnails: false }), {
      collectionId,
    });
    await service.call('updateCollection', { collectionId, storeThumbnails: true });
    assert.equal(await codeOf(faceId), 'NOT_FOUND');
    assert.equal(await codeOf(await enroll('dora')), 'succeeded');
  });
});

describe('crops of events', () => {
  test('go when their collection keeps them no longer, and come no more', async () => {
    const search = async () => service.call('searchFace', { collectionId }, { image: await portrait('bea') });
    const crops = async (newest: number) => (await eventsOf()).slice(0, newest).map(({ hasCrop }) => hasCrop);
    await search();
    assert.deepEqual(await crops(1), [true]);
    await service.call('updateCollection', { collectionId, eventCropDays: 0 });
    for (let tries = 0; tries < 200 && service.store.events.crops > 0; tries++) await sleep(10);
    assert.deepEqual(await crops(1), [false]);
    await search();
    assert.deepEqual(await crops(2), [false, false]);
    await service.call('updateCollection', { collectionId, eventCropDays: null });
    await search();
    assert.deepEqual(await crops(3), [true, false, false]);
    assert.equal(service.faceCount(collectionId), 0);
  });

  test('show the probe of each call that compares it', async () => {
    const faceId = await enroll('anna');
    const image = await portrait('annaElsewhere');
    const target = { image: [image], targetImage: [image] };
    await service.call('searchFace', { collectionId }, { image });
    await service.call('identifyFace', { collectionId }, { image });
    await service.call('searchOrIndexFace', { collectionId }, { image });
    await service.call(
      'verifyFace',
      { collectionId, faceId },
      { images: { image: [image], targetImage: [] } },
    );
    await service.call('verifyFace', { collectionId }, { images: target });
    const [both, one, ...rest] = await eventsOf();
    for (const event of [both, one, ...rest.slice(0, 3)]) {
      assert.equal(event?.hasCrop, true, event?.operation);
      const jpeg = service.store.events.crop(service.caller(), event?.id ?? '');
      assert.equal((await sharp(jpeg ?? Buffer.alloc(0)).metadata()).width, 224);
    }
    assert.equal(service.store.events.crops, 5);
  });

  test('are answered to those who may see the event', async () => {
    await enroll('anna');
    await service.call('searchFace', { collectionId }, { image: await portrait('annaElsewhere') });
    await service.call('searchFace', { collectionId }, { image: await portrait('dora') });
    const [unknown, known] = await eventsOf();
    const of = (event: EventView | undefined, limits = {}) =>
      service.code('getEventCrop', { eventId: event?.id }, { caller: service.caller(limits) });
    const jpeg = await service.call('getEventCrop', { eventId: known?.id });
    assert.deepEqual(jpeg, service.store.events.crop(service.caller(), known?.id ?? ''));
    assert.equal(await of(unknown), 'succeeded');
    assert.equal(await of(known, { collectionId }), 'succeeded');
    assert.equal(await of(known, { collectionId: 'plain' }), 'NOT_FOUND');
    assert.equal(await of(known, { allowedExternalKeys: ['anna'] }), 'succeeded');
    assert.equal(await of(known, { allowedExternalKeys: ['dora'] }), 'NOT_FOUND');
    assert.equal(await of(unknown, { allowedExternalKeys: ['anna'] }), 'NOT_FOUND');
    assert.equal(await of(known, { allowedModels: ['other'] }), 'NOT_FOUND');
    assert.equal(await of(known, { environment: 'test' }), 'NOT_FOUND');
    const nobodys = `evt_${'0'.repeat(26)}`;
    assert.equal(await service.code('getEventCrop', { eventId: nobodys }), 'NOT_FOUND');
    assert.equal(await service.code('getEventCrop', { eventId: 'evt_1' }), 'VALIDATION_FAILED');
    await service.call('deleteFace', { collectionId, externalKey: 'anna' });
    assert.equal(await of(known), 'NOT_FOUND');
    assert.equal(await of(unknown), 'succeeded');
  });

  test('are kept of a refused face too', async () => {
    const image = await portrait('anna');
    const answer = await service.call('indexFace', { collectionId, minQuality: 100 }, { image });
    assert.equal(answer.refusal.code, 'LOW_QUALITY');
    assert.equal((await eventsOf())[0]?.hasCrop, true);
  });

  test('are not there without a face, or without a collection that keeps them', async () => {
    await service.call('searchFace', { collectionId }, { image: await nobody() });
    assert.equal((await eventsOf())[0]?.hasCrop, false);
    await service.call('searchFace', { collectionId: 'plain' }, { image: await portrait('anna') });
    assert.equal((await eventsOf('plain'))[0]?.hasCrop, false);
    assert.equal(service.store.events.crops, 0);
  });
});
