import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Recognizers } from '../../src/vision/recognizer.ts';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople } from '../../testing/sample-faces.ts';
import { secondPack } from '../../testing/second-pack.ts';

const pack = secondPack();
let service: TestService;
let person: Buffer;

before(async () => {
  service = await TestService.open(['faceplugin', pack.folder]);
  person = (await differentPeople())[0] as Buffer;
});
after(async () => {
  await service.close();
  pack.remove();
});

const modelOf = async (collectionId: string): Promise<string> =>
  (await service.call('getCollection', { collectionId })).recognitionCollection.model;

describe('A collection', () => {
  test('is made with the default pack or with the one that is named', async () => {
    await service.call('createCollection', { collectionId: 'plain' });
    await service.call('createCollection', { collectionId: 'chosen', model: 'second' });
    assert.equal(await modelOf('plain'), 'faceplugin');
    assert.equal(await modelOf('chosen'), 'second');
  });

  test('is made with the first pack that the caller may use, and with none that it may not', async () => {
    const limited = service.caller({ allowedModels: ['second'] });
    await service.call('createCollection', { collectionId: 'limited' }, { caller: limited });
    assert.equal(await modelOf('limited'), 'second');
    const wrong = { collectionId: 'x', model: 'faceplugin' };
    assert.equal(await service.code('createCollection', wrong, { caller: limited }), 'MODEL_NOT_ALLOWED');
    const none = service.caller({ allowedModels: [] });
    assert.equal(
      await service.code('createCollection', { collectionId: 'x' }, { caller: none }),
      'MODEL_NOT_ALLOWED',
    );
  });

  test('is not made with a pack that is not loaded', async () => {
    const unknown = { collectionId: 'x', model: 'third' };
    assert.equal(await service.code('createCollection', unknown), 'VALIDATION_FAILED');
  });

  test('keeps its pack through a reset and a restart, and its faces are found', async () => {
    const collectionId = 'chosen';
    await service.call('resetCollection', { collectionId });
    assert.equal(await modelOf(collectionId), 'second');
    const { faceId } = await service.call('indexFace', { collectionId }, { image: person });
    await service.call('indexFace', { collectionId: 'plain' }, { image: person });
    await service.restart();
    assert.equal((await service.call('searchFace', { collectionId }, { image: person })).faceId, faceId);
    assert.equal(service.faceCount(collectionId), 1);
    assert.equal(service.faceCount('plain'), 1);
  });

  test('of a pack that is not loaded answers NOT_READY, and takes the default with a reset', async () => {
    const owner = service.caller();
    const gone = { pack: 'gone', packVersion: '1' };
    const collectionId = 'old';
    await service.store.collections.create(owner, { collectionId, description: null, now: 1, ...gone });
    for (const operation of ['searchFace', 'indexFace', 'searchOrIndexFace']) {
      assert.equal(await service.code(operation, { collectionId }, { image: person }), 'NOT_READY');
    }
    await service.call('resetCollection', { collectionId });
    assert.equal(await modelOf(collectionId), 'faceplugin');
  });
});

describe('A key that is limited to a pack', () => {
  test('uses the collections of that pack only', async () => {
    const caller = service.caller({ allowedModels: ['second'] });
    const code = (collectionId: string) =>
      service.code('searchFace', { collectionId }, { caller, image: person });
    assert.equal(await code('plain'), 'MODEL_NOT_ALLOWED');
    assert.equal(await code('chosen'), 'succeeded');
  });

  test('lists the collections of that pack page by page, and no cursor names another', async () => {
    const caller = service.caller({ allowedModels: ['second'] });
    for (const [collectionId, model] of [
      ['list-1', 'faceplugin'],
      ['list-2', 'second'],
      ['list-3', 'faceplugin'],
      ['list-4', 'second'],
      ['list-5', 'faceplugin'],
    ]) {
      await service.call('createCollection', { collectionId, model });
    }
    const all = (await service.call('getAllCollections', {}, { caller })).collections;
    const ids: string[] = [];
    const cursors: string[] = [];
    let cursor: string | null = null;
    do {
      const query = { limit: 1, ...(cursor === null ? {} : { cursor }) };
      const page = await service.call('getAllCollections', query, { caller });
      assert.equal(page.collections.length, 1);
      ids.push(page.collections[0].collectionId);
      cursor = page.nextCursor;
      if (cursor !== null) cursors.push(Buffer.from(cursor, 'base64url').toString());
    } while (cursor !== null);
    assert.deepEqual(
      ids,
      all.map(({ collectionId }: { collectionId: string }) => collectionId),
    );
    assert.deepEqual(cursors, ids.slice(0, -1));
    assert.ok(ids.includes('list-2') && ids.includes('list-4') && !ids.includes('list-3'));
  });
});

test('Two packs of one name are refused', () => {
  assert.throws(() => new Recognizers([service.recognizer, service.recognizer]), /same name/);
});
