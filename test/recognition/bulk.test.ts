import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { TestService } from '../../testing/recognition-service.ts';

const collectionId = 'people';
const UNKNOWN = 'face_00000000000000000000000000';

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());
beforeEach(async () => {
  await service.call('deleteCollection', { collectionId });
  await service.call('createCollection', { collectionId });
});

let seed = 0;
async function add(externalKey: string | null, count = 1): Promise<string[]> {
  const { packId, dimension } = service.recognizer;
  const added = Array.from({ length: count }, async () => {
    const box = { x: 0, y: 0, width: 50, height: 50 };
    const template = new Float32Array(dimension);
    template[seed++ % dimension] = 1;
    const row = service.recognizer.space.row(template);
    const key = externalKey === null ? null : { externalKey, allowDuplicates: true };
    const { gallery, label, faceId } = await service.store.faces.add(
      service.caller(),
      collectionId,
      { box, confidence: 1, createdAt: service.now, ...packId },
      row,
      key,
    );
    await service.indexes.add(gallery, label, row, service.recognizer.space);
    return faceId;
  });
  return Promise.all(added);
}

const limitedTo = (...allowedExternalKeys: string[]) => ({ caller: service.caller({ allowedExternalKeys }) });
const people = async () =>
  Object.fromEntries(
    (await service.call('listExternalKeys', { collectionId })).people.map(
      (person: { externalKey: string; faceCount: number }) => [person.externalKey, person.faceCount],
    ),
  );

describe('Renaming an external key', () => {
  const rename = (externalKey: string, newExternalKey: string, more: object = {}) =>
    service.call('renameExternalKey', { collectionId, externalKey, newExternalKey, ...more });
  const code = (body: object, options = {}) =>
    service.code(
      'renameExternalKey',
      { collectionId, externalKey: 'anna', newExternalKey: 'bert', ...body },
      options,
    );

  test('moves every face, also more than one transaction takes', async () => {
    const ids = await add('anna', 200);
    assert.deepEqual(await rename('anna', 'bert'), { externalKey: 'bert', faceCount: 200 });
    assert.deepEqual(await people(), { bert: 200 });
    const { faceIds } = await service.call('getFaceIds', { collectionId, externalKey: 'bert' });
    assert.deepEqual(faceIds.toSorted(), ids.toSorted());
    assert.equal(service.faceCount(collectionId), 200);
    assert.equal(await code({}), 'FACE_NOT_FOUND');
  });

  test('merges two people only on request', async () => {
    await add('anna', 100);
    await add('bert', 3);
    assert.equal(await code({}), 'EXTERNAL_KEY_CONFLICT');
    assert.deepEqual(await people(), { anna: 100, bert: 3 });
    assert.deepEqual(await rename('anna', 'bert', { merge: true }), { externalKey: 'bert', faceCount: 103 });
    assert.deepEqual(await people(), { bert: 103 });
    assert.equal(service.faceCount(collectionId), 103);
  });

  test('by two calls to one new key conflicts', async () => {
    await add('anna', 100);
    await add('carl', 100);
    const codes = await Promise.all([code({}), code({ externalKey: 'carl' })]);
    assert.deepEqual(codes.toSorted(), ['EXTERNAL_KEY_CONFLICT', 'succeeded']);
    assert.equal((await people()).bert, 100);
  });

  test('that ended half-way loses no face, and goes on with merge', async () => {
    await add('anna', 200);
    let transactions = 0;
    const confirm = () => {
      if (++transactions > 2) throw new Error('power cut');
    };
    const caller = { ...service.caller(), confirm };
    const body = { collectionId, externalKey: 'anna', newExternalKey: 'bert' };
    await assert.rejects(service.call('renameExternalKey', body, { caller }), /power cut/);
    await service.restart();
    assert.deepEqual(await people(), { anna: 72, bert: 128 });
    assert.equal(service.faceCount(collectionId), 200);
    assert.equal((await rename('anna', 'bert', { merge: true })).faceCount, 200);
  });

  test('is refused beyond the faces of the caller', async () => {
    await add('anna');
    assert.equal(await code({}, limitedTo('anna')), 'FACE_NOT_ALLOWED');
    assert.equal(await code({}, limitedTo('bert')), 'FACE_NOT_ALLOWED');
    assert.equal(await code({ newExternalKey: 'anna' }), 'VALIDATION_FAILED');
    assert.equal(await code({ newExternalKey: 'a b' }), 'VALIDATION_FAILED');
    assert.equal(await code({ collectionId: 'absent' }), 'COLLECTION_NOT_FOUND');
    assert.deepEqual(await people(), { anna: 1 });
    assert.equal(await code({}, limitedTo('anna', 'bert')), 'succeeded');
  });
});

describe('Deleting many', () => {
  const ofKeys = (externalKeys: string[], options = {}) =>
    service.call('deleteFacesOfKeys', { collectionId, externalKeys }, options);
  const byId = (faceIds: string[], options = {}) =>
    service.call('deleteFaces', { collectionId, faceIds }, options);

  test('people deletes all their faces, in the index too', async () => {
    await add('anna', 150);
    await add('bert', 2);
    const [left] = await add('carl');
    await add(null);
    const keys = Array.from({ length: 200 }, (_, i) => `unused-${i}`);
    const deleted = await ofKeys([...keys, 'anna', 'anna', 'bert']);
    assert.deepEqual(deleted, { deletedFaceCount: 152 });
    assert.deepEqual(await people(), { carl: 1 });
    assert.equal(service.faceCount(collectionId), 2);
    assert.ok(await service.call('getFace', { collectionId, faceId: left }));
    assert.deepEqual(await ofKeys(['anna', 'bert']), { deletedFaceCount: 0 });
  });

  test('faces deletes those that exist, in the index too', async () => {
    const ids = await add('anna', 150);
    const unnamed = await add(null, 3);
    const some = [...ids.slice(0, 140), UNKNOWN, ...unnamed.slice(1)];
    assert.deepEqual(await byId(some), { deletedFaceCount: 142 });
    assert.deepEqual(await people(), { anna: 10 });
    assert.equal(service.faceCount(collectionId), 11);
    assert.deepEqual(await byId(some), { deletedFaceCount: 0 });
    await service.restart();
    assert.equal(service.faceCount(collectionId), 11);
  });

  test('deletes nothing if one of them is beyond the caller', async () => {
    const [anna, bert, unnamed] = (
      await Promise.all([add('anna'), add('bert'), add(null)])
    ).flat() as string[];
    const code = (operation: string, body: object) =>
      service.code(operation, { collectionId, ...body }, limitedTo('anna'));
    assert.equal(await code('deleteFacesOfKeys', { externalKeys: ['anna', 'bert'] }), 'FACE_NOT_ALLOWED');
    for (const other of [bert, unnamed]) {
      assert.equal(await code('deleteFaces', { faceIds: [anna, other] }), 'FACE_NOT_ALLOWED');
    }
    assert.equal(service.faceCount(collectionId), 3);
    assert.deepEqual(await byId([anna as string, UNKNOWN], limitedTo('anna')), { deletedFaceCount: 1 });
  });

  test('takes 1 to 1000 entries of a collection that exists', async () => {
    for (const [operation, name, entry] of [
      ['deleteFaces', 'faceIds', UNKNOWN],
      ['deleteFacesOfKeys', 'externalKeys', 'k'],
    ] as const) {
      for (const count of [0, 1001]) {
        const body = { collectionId, [name]: Array(count).fill(entry) };
        assert.equal(await service.code(operation, body), 'VALIDATION_FAILED');
      }
      const missing = { collectionId: 'absent', [name]: [entry] };
      assert.equal(await service.code(operation, missing), 'COLLECTION_NOT_FOUND');
    }
  });

  test('leaves the faces that arrive meanwhile', async () => {
    await add('anna', 200);
    const deleting = ofKeys(['anna']);
    await add('anna', 5);
    assert.equal((await deleting).deletedFaceCount, 200);
    assert.deepEqual(await people(), { anna: 5 });
  });

  test('stops if the collection is reset meanwhile', async () => {
    await add('anna', 300);
    const [{ deletedFaceCount }] = await Promise.all([
      ofKeys(['anna']),
      service.call('resetCollection', { collectionId }),
    ]);
    assert.ok(deletedFaceCount <= 300);
    assert.equal(service.faceCount(collectionId), 0);
  });
});
