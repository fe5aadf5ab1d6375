import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Caller } from '../../src/api/caller.ts';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople, samePerson } from '../../testing/sample-faces.ts';

let service: TestService;
let anna: Buffer;
let annaAgain: Buffer;
let bert: Buffer;
let ids: { anna: string; bert: string; nameless: string };
before(async () => {
  service = await TestService.open();
  [anna, annaAgain] = await samePerson();
  bert = (await differentPeople())[1] as Buffer;
  await service.call('createCollection', { collectionId: 'c' });
  const index = async (image: Buffer, externalKey: string | null) => {
    const { faceId } = await service.call('indexFace', { collectionId: 'c' }, { image });
    if (externalKey) await service.call('setExternalKey', { collectionId: 'c', faceId, externalKey });
    return faceId as string;
  };
  ids = {
    nameless: await index(anna, null),
    anna: await index(anna, 'anna'),
    bert: await index(bert, 'bert'),
  };
});
after(() => service.close());

const limitedTo = (...allowedExternalKeys: string[]): Caller => service.caller({ allowedExternalKeys });

describe('A key that is limited to some faces', () => {
  test('may not add a face, whether or not the image is good enough', async () => {
    const body = { collectionId: 'c', faceMatchThreshold: 50 };
    for (const minQuality of [0, 100]) {
      const options = { caller: limitedTo('carol'), image: bert };
      assert.equal(
        await service.code('searchOrIndexFace', { ...body, minQuality }, options),
        'FACE_NOT_ALLOWED',
      );
      assert.equal(
        await service.code('indexFace', { collectionId: 'c', minQuality }, options),
        'FACE_NOT_ALLOWED',
      );
    }
  });

  test('counts only those', async () => {
    const counts = async (caller: Caller) => {
      const one = await service.call('getCollection', { collectionId: 'c' }, { caller });
      const { collections } = await service.call('getAllCollections', {}, { caller });
      return [one.recognitionCollection.faceCount, collections[0].faceCount];
    };
    assert.deepEqual(await counts(service.caller()), [3, 3]);
    assert.deepEqual(await counts(limitedTo('anna', 'anna', 'carol')), [1, 1]);
    assert.deepEqual(await counts(limitedTo()), [0, 0]);
  });

  test('finds those, however many others are as similar', async () => {
    const body = { collectionId: 'c', faceMatchThreshold: 50 };
    const found = async (caller: Caller, image: Buffer) =>
      (await service.call('searchFace', body, { caller, image })).externalKey;
    assert.equal(await found(limitedTo('anna'), annaAgain), 'anna');
    assert.equal(await found(limitedTo('anna', 'bert'), bert), 'bert');
    assert.equal(await found(limitedTo('bert'), annaAgain), null);
    assert.equal(await found(limitedTo(), annaAgain), null);
    assert.equal(await found(limitedTo('carol'), anna), null);
  });

  test('finds a face no more once its external key is another, and again when it is back', async () => {
    const search = async () =>
      (await service.call('searchFace', { collectionId: 'c' }, { caller: limitedTo('anna'), image: anna }))
        .faceId;
    assert.equal(await search(), ids.anna);
    await service.call('setExternalKey', { collectionId: 'c', faceId: ids.anna, externalKey: 'other' });
    assert.equal(await search(), null);
    const changing = search();
    await service.call('setExternalKey', { collectionId: 'c', faceId: ids.anna, externalKey: 'anna' });
    assert.ok([null, ids.anna].includes(await changing));
    assert.equal(await search(), ids.anna);
  });

  test('never shows a face whose external key changes while it is searched for', async () => {
    for (let round = 0; round < 10; round++) {
      const searching = service.call(
        'searchFace',
        { collectionId: 'c' },
        { caller: limitedTo('anna'), image: anna },
      );
      await service.call('setExternalKey', { collectionId: 'c', faceId: ids.anna, externalKey: 'away' });
      const { externalKey } = await searching;
      assert.ok(externalKey === null || externalKey === 'anna', externalKey);
      await service.call('setExternalKey', { collectionId: 'c', faceId: ids.anna, externalKey: 'anna' });
    }
  });

  test('searches with search-or-index, and is refused where that would add', async () => {
    const count = service.faceCount('c');
    const call = (image: Buffer) =>
      [{ collectionId: 'c' }, { caller: limitedTo('anna'), image }] as [
        Record<string, unknown>,
        { caller: Caller; image: Buffer },
      ];
    const { resultSource, faceId } = await service.call('searchOrIndexFace', ...call(annaAgain));
    assert.deepEqual([resultSource, faceId], ['Search', ids.anna]);
    assert.equal(await service.code('searchOrIndexFace', ...call(bert)), 'FACE_NOT_ALLOWED');
    assert.equal(await service.code('indexFace', ...call(anna)), 'FACE_NOT_ALLOWED');
    assert.equal(service.faceCount('c'), count);
  });

  test('lists its own faces only', async () => {
    const list = async (externalKey: string) =>
      (await service.call('getFaceIds', { collectionId: 'c', externalKey }, { caller: limitedTo('anna') }))
        .faceIds;
    assert.deepEqual(await list('anna'), [ids.anna]);
    assert.deepEqual(await list('bert'), []);
    assert.deepEqual(await list('unused'), []);
  });

  test('changes no other face, and takes no other name', async () => {
    const caller = limitedTo('anna');
    const refused: [string, Record<string, unknown>][] = [
      ['deleteFace', { faceId: ids.bert }],
      ['deleteFace', { faceId: ids.nameless }],
      ['deleteFace', { externalKey: 'bert' }],
      ['setExternalKey', { faceId: ids.bert, externalKey: 'anna', allowDuplicates: true }],
      ['setExternalKey', { faceId: ids.nameless, externalKey: 'anna', allowDuplicates: true }],
      ['setExternalKey', { faceId: ids.anna, externalKey: 'carol' }],
      ['deleteExternalKey', { externalKey: 'bert' }],
      ['resetCollection', {}],
      ['deleteCollection', {}],
    ];
    for (const [operation, parameters] of refused) {
      const code = await service.code(operation, { collectionId: 'c', ...parameters }, { caller });
      assert.equal(code, 'FACE_NOT_ALLOWED', `${operation} ${JSON.stringify(parameters)}`);
    }
    assert.equal(service.faceCount('c'), 3);
    const own = { collectionId: 'c', faceId: ids.anna, externalKey: 'anna' };
    assert.equal((await service.call('setExternalKey', own, { caller })).result, 'Updated');
    await service.call('deleteFace', { collectionId: 'c', externalKey: 'anna' }, { caller });
    assert.equal(service.faceCount('c'), 2);
  });
});

describe('A key that is limited to some model packs', () => {
  test('uses no picture where the one at work is none of them', async () => {
    const { pack } = service.recognizer.packId;
    for (const operation of ['searchFace', 'indexFace', 'searchOrIndexFace']) {
      const call = (allowedModels: string[]) =>
        service.code(
          operation,
          { collectionId: 'c' },
          { caller: service.caller({ allowedModels }), image: anna },
        );
      assert.equal(await call(['other']), 'MODEL_NOT_ALLOWED');
      assert.equal(await call([]), 'MODEL_NOT_ALLOWED');
      assert.equal(await call(['other', pack]), 'succeeded');
    }
  });
});
