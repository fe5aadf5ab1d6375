import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { TestService } from '../../testing/recognition-service.ts';

let service: TestService;

before(async () => {
  service = await TestService.open();
});
after(() => service.close());
beforeEach(async () => {
  service.now = Date.UTC(2026, 0, 15, 10, 30, 0, 123);
  for (const environment of ['live', 'test'] as const) {
    const caller = service.caller({ environment });
    for (const collectionId of ids(await service.call('getAllCollections', {}, { caller }))) {
      await service.call('deleteCollection', { collectionId }, { caller });
    }
  }
});

describe('collections', () => {
  const get = async (collectionId: string) =>
    (await service.call('getCollection', { collectionId })).recognitionCollection;

  test('are created with whole seconds, and answer as they were asked for', async () => {
    const description = 'Collection for employee verification';
    assert.deepEqual(await service.call('createCollection', { collectionId: 'my-collection', description }), {
      collectionId: 'my-collection',
    });
    assert.deepEqual(await get('my-collection'), {
      collectionId: 'my-collection',
      description,
      createdAt: '2026-01-15T10:30:00Z',
      updatedAt: '2026-01-15T10:30:00Z',
      model: 'yunet',
      minQuality: 3,
      storeThumbnails: false,
      faceMatchThreshold: null,
      maxFalsePositiveRate: null,
      maxFalseMatchRate: null,
      eventCropDays: null,
      faceCount: 0,
    });
  });

  test('are listed to the end, however many there are', async () => {
    const all = Array.from({ length: 130 }, (_, i) => `c-${String(i).padStart(3, '0')}`);
    for (const collectionId of all) await service.call('createCollection', { collectionId });
    assert.deepEqual(ids(await service.call('getAllCollections', { limit: 1000 })), all);
  });

  test('have no description unless one is given', async () => {
    await service.call('createCollection', { collectionId: 'a' });
    assert.equal((await get('a')).description, null);
  });

  test('are created once, also by parallel calls', async () => {
    const calls = Array.from({ length: 8 }, () => service.code('createCollection', { collectionId: 'a' }));
    const codes = await Promise.all(calls);
    assert.equal(codes.filter((code) => code === 'succeeded').length, 1);
    assert.equal(codes.filter((code) => code === 'COLLECTION_ALREADY_EXISTS').length, 7);
  });

  test('have case-sensitive ids of a plain alphabet', async () => {
    await service.call('createCollection', { collectionId: 'A.b_c-1' });
    assert.equal(await service.code('getCollection', { collectionId: 'a.b_c-1' }), 'COLLECTION_NOT_FOUND');
    for (const collectionId of ['', 'a b', 'ä', 'a/b', 'x'.repeat(256), 7, null]) {
      assert.equal(await service.code('createCollection', { collectionId }), 'VALIDATION_FAILED');
    }
    await service.call('createCollection', { collectionId: 'x'.repeat(255) });
    for (const collectionId of ['__proto__', 'constructor', '.', '..']) {
      assert.equal(await service.code('getCollection', { collectionId }), 'COLLECTION_NOT_FOUND');
      await service.call('createCollection', { collectionId });
    }
  });

  test('change their description only, and remember when', async () => {
    await service.call('createCollection', { collectionId: 'a', description: 'one' });
    service.now += 90_000;
    await service.call('updateCollection', { collectionId: 'a', description: 'two' });
    assert.deepEqual(await get('a'), {
      collectionId: 'a',
      description: 'two',
      createdAt: '2026-01-15T10:30:00Z',
      updatedAt: '2026-01-15T10:31:30Z',
      model: 'yunet',
      minQuality: 3,
      storeThumbnails: false,
      faceMatchThreshold: null,
      maxFalsePositiveRate: null,
      maxFalseMatchRate: null,
      eventCropDays: null,
      faceCount: 0,
    });
    await service.call('updateCollection', { collectionId: 'a' });
    assert.equal((await get('a')).description, 'two');
    await service.call('updateCollection', { collectionId: 'a', description: null });
    assert.equal((await get('a')).description, null);
  });

  test('keep images of events for fewer days than the appliance, never for more', async () => {
    await service.call('createCollection', { collectionId: 'a', eventCropDays: 0 });
    assert.equal((await get('a')).eventCropDays, 0);
    await service.call('updateCollection', { collectionId: 'a', eventCropDays: 1 });
    await service.call('updateCollection', { collectionId: 'a', description: 'x' });
    assert.equal((await get('a')).eventCropDays, 1);
    const change = { collectionId: 'a', eventCropDays: 2 };
    await assert.rejects(service.call('updateCollection', change), {
      code: 'VALIDATION_FAILED',
      message: 'eventCropDays: expected at most 1, the setting event_crop_days of the appliance, got 2.',
    });
    const more = { collectionId: 'b', eventCropDays: 2 };
    assert.equal(await service.code('createCollection', more), 'VALIDATION_FAILED');
    for (const eventCropDays of [-1, 0.5, 366, 'x']) {
      assert.equal(await service.code('updateCollection', { ...change, eventCropDays }), 'VALIDATION_FAILED');
    }
    assert.equal((await get('a')).eventCropDays, 1);
    await service.call('updateCollection', { collectionId: 'a', eventCropDays: null });
    assert.equal((await get('a')).eventCropDays, null);
  });

  test('that are not there answer 404, but deleting one succeeds', async () => {
    const missing = { collectionId: 'missing' };
    for (const operation of ['getCollection', 'updateCollection', 'resetCollection']) {
      assert.equal(await service.code(operation, missing), 'COLLECTION_NOT_FOUND');
    }
    assert.deepEqual(await service.call('deleteCollection', missing), {});
  });

  test('are gone after a delete, and stay gone after a restart', async () => {
    await service.call('createCollection', { collectionId: 'a' });
    await service.call('createCollection', { collectionId: 'b' });
    await service.call('deleteCollection', { collectionId: 'a' });
    await service.restart();
    assert.equal(await service.code('getCollection', { collectionId: 'a' }), 'COLLECTION_NOT_FOUND');
    assert.equal((await get('b')).collectionId, 'b');
  });

  test('are listed by id, page after page', async () => {
    for (const collectionId of ['d', 'b', 'c', 'a', 'e'])
      await service.call('createCollection', { collectionId });
    const all = await service.call('getAllCollections', {});
    assert.deepEqual(ids(all), ['a', 'b', 'c', 'd', 'e']);
    assert.equal(all.nextCursor, null);

    const pages: string[][] = [];
    let cursor: string | null | undefined;
    do {
      const page = await service.call('getAllCollections', { limit: 2, ...(cursor ? { cursor } : {}) });
      pages.push(ids(page));
      cursor = page.nextCursor;
    } while (cursor);
    assert.deepEqual(pages, [['a', 'b'], ['c', 'd'], ['e']]);
  });

  test('are not listed behind a cursor that nobody was given', async () => {
    for (const cursor of ['!', 'IA', Buffer.from('a b').toString('base64url'), '']) {
      assert.equal(await service.code('getAllCollections', { cursor }), 'VALIDATION_FAILED');
    }
    for (const limit of [0, -1, 1001, 1.5, 'x']) {
      assert.equal(await service.code('getAllCollections', { limit }), 'VALIDATION_FAILED');
    }
  });

  test('of live and of test keys do not meet', async () => {
    const caller = service.caller({ environment: 'test' });
    await service.call('createCollection', { collectionId: 'a', description: 'live' });
    assert.equal(
      await service.code('getCollection', { collectionId: 'a' }, { caller }),
      'COLLECTION_NOT_FOUND',
    );
    await service.call('createCollection', { collectionId: 'a', description: 'test' }, { caller });
    await service.call('deleteCollection', { collectionId: 'a' }, { caller });
    assert.deepEqual(ids(await service.call('getAllCollections', {}, { caller })), []);
    assert.equal((await get('a')).description, 'live');
  });

  test('of another account are as if they did not exist', async () => {
    await service.call('createCollection', { collectionId: 'a' });
    const caller = service.caller({ accountId: 'acc_other', collectionId: 'b' });
    for (const operation of ['getCollection', 'updateCollection', 'resetCollection', 'deleteCollection']) {
      assert.equal(await service.code(operation, { collectionId: 'a' }, { caller }), 'COLLECTION_NOT_FOUND');
    }
  });
});

describe('a key that is bound to a collection', () => {
  beforeEach(() => service.call('createCollection', { collectionId: 'other' }));

  const OPERATIONS = ['getCollection', 'updateCollection', 'resetCollection', 'deleteCollection'];

  test('is told 403 of another collection that exists, 404 of one that does not', async () => {
    const caller = service.caller({ collectionId: 'own' });
    for (const operation of OPERATIONS) {
      assert.equal(
        await service.code(operation, { collectionId: 'other' }, { caller }),
        'COLLECTION_NOT_ALLOWED',
      );
      assert.equal(
        await service.code(operation, { collectionId: 'none' }, { caller }),
        'COLLECTION_NOT_FOUND',
      );
    }
    assert.ok(await service.call('getCollection', { collectionId: 'other' }));
  });

  test('creates its own collection and no other', async () => {
    const caller = service.caller({ collectionId: 'own' });
    for (const collectionId of ['other', 'none']) {
      assert.equal(
        await service.code('createCollection', { collectionId }, { caller }),
        'COLLECTION_NOT_ALLOWED',
      );
    }
    await service.call('createCollection', { collectionId: 'own' }, { caller });
    assert.ok(await service.call('getCollection', { collectionId: 'own' }, { caller }));
  });

  test('lists its own collection only', async () => {
    const caller = service.caller({ collectionId: 'own' });
    assert.deepEqual(ids(await service.call('getAllCollections', {}, { caller })), []);
    await service.call('createCollection', { collectionId: 'own' });
    const page = await service.call('getAllCollections', { limit: 1 }, { caller });
    assert.deepEqual(ids(page), ['own']);
    assert.equal(page.nextCursor, null);
  });

  test('reaches the faces and external keys of no other collection', async () => {
    const caller = service.caller({ collectionId: 'own' });
    const image = Buffer.from('never looked at');
    const face = { collectionId: 'other', faceId: 'face_1', externalKey: 'k' };
    for (const operation of ['searchFace', 'indexFace', 'searchOrIndexFace']) {
      const call = [operation, { collectionId: 'other' }, { caller, image }] as const;
      assert.equal(await service.code(...call), 'COLLECTION_NOT_ALLOWED');
    }
    for (const operation of ['setExternalKey', 'deleteExternalKey']) {
      assert.equal(await service.code(operation, face, { caller }), 'COLLECTION_NOT_ALLOWED');
    }
    const { faceId, externalKey, collectionId } = face;
    assert.equal(
      await service.code('deleteFace', { collectionId, faceId }, { caller }),
      'COLLECTION_NOT_ALLOWED',
    );
    assert.equal(
      await service.code('getFaceIds', { collectionId, externalKey }, { caller }),
      'COLLECTION_NOT_ALLOWED',
    );
  });
});

function ids({ collections }: { collections: { collectionId: string }[] }): string[] {
  return collections.map(({ collectionId }) => collectionId);
}
