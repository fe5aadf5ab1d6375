import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople } from '../../testing/sample-faces.ts';

const collectionId = 'c';
const UNKNOWN = 'face_00000000000000000000000000';

let service: TestService;
/** Ids of five faces with the keys k0, k1, none, k3 and k4. */
const ids: string[] = [];
let person: Buffer;

before(async () => {
  service = await TestService.open();
  const people = await differentPeople();
  person = people[0] as Buffer;
  await service.call('createCollection', { collectionId });
  await service.call('createCollection', { collectionId: 'empty' });
  for (let i = 0; i < 5; i++) {
    const image = people[i] as Buffer;
    const operation = i === 2 ? 'indexFace' : 'enrollFace';
    const key = i === 2 ? {} : { externalKey: `k${i}` };
    ids.push((await service.call(operation, { collectionId, ...key }, { image })).faceId);
  }
});
after(() => service.close());

describe('get', () => {
  test('answers what was stored with a face, and never its template', async () => {
    const { faces } = await service.call('detectFaces', {}, { image: person });
    const { confidence, boundingBox, quality } = faces[0];
    assert.deepEqual(await service.call('getFace', { collectionId, faceId: ids[0] }), {
      faceId: ids[0],
      externalKey: 'k0',
      createdAt: '2026-01-15T10:30:00.123Z',
      confidence,
      boundingBox,
      model: 'yunet',
      quality,
      hasThumbnail: false,
    });
    assert.equal((await service.call('getFace', { collectionId, faceId: ids[2] })).externalKey, null);
  });

  test('answers no quality for a face that was stored without one', async () => {
    const record = { box: { x: 0, y: 0, width: 1, height: 1 }, confidence: 1, createdAt: service.now };
    const { faceId } = await service.store.faces.add(
      service.caller(),
      'empty',
      { ...record, ...service.recognizer.packId },
      new Uint8Array(service.recognizer.space.rowBytes),
    );
    assert.equal((await service.call('getFace', { collectionId: 'empty', faceId })).quality, null);
    await service.store.faces.removeById(service.caller(), 'empty', faceId);
  });

  test('does not find what is not there, or what the caller may not see', async () => {
    const code = (faceId: string | undefined, caller = service.caller()) =>
      service.code('getFace', { collectionId, faceId }, { caller });
    assert.equal(await code(UNKNOWN), 'FACE_NOT_FOUND');
    const limited = service.caller({ allowedExternalKeys: ['k1'] });
    assert.equal(await code(ids[1], limited), 'succeeded');
    assert.equal(await code(ids[0], limited), 'FACE_NOT_FOUND');
    assert.equal(await code(ids[2], limited), 'FACE_NOT_FOUND');
    assert.equal(await service.code('getFace', { collectionId: 'empty', faceId: ids[0] }), 'FACE_NOT_FOUND');
    assert.equal(
      await service.code('getFace', { collectionId: 'absent', faceId: ids[0] }),
      'COLLECTION_NOT_FOUND',
    );
  });
});

describe('list', () => {
  const pages = async (limit: number, caller = service.caller()) => {
    const found: string[] = [];
    let cursor: string | null | undefined;
    do {
      const parameters = { collectionId, limit, ...(cursor ? { cursor } : {}) };
      const page = await service.call('listFaces', parameters, { caller });
      assert.ok(page.faces.length <= limit);
      found.push(...page.faces.map(({ faceId }: { faceId: string }) => faceId));
      cursor = page.nextCursor;
    } while (cursor);
    return found;
  };

  test('answers every face once, oldest first, whatever the size of a page', async () => {
    for (const limit of [1, 2, 4, 5, 6, 1000]) assert.deepEqual(await pages(limit), ids);
    const { faces } = await service.call('listFaces', { collectionId });
    assert.deepEqual(faces[1], await service.call('getFace', { collectionId, faceId: ids[1] }));
    assert.deepEqual(await service.call('listFaces', { collectionId: 'empty' }), {
      faces: [],
      nextCursor: null,
    });
  });

  test('answers only the faces that the caller may see, page by page', async () => {
    const caller = service.caller({ allowedExternalKeys: ['k4', 'k0', 'k3', 'unused'] });
    for (const limit of [1, 2, 3, 10]) {
      assert.deepEqual(await pages(limit, caller), [ids[0], ids[3], ids[4]]);
    }
  });

  const listed = async (parameters: object, caller = service.caller()) => {
    const found: string[] = [];
    let cursor: string | null | undefined;
    do {
      const request = { collectionId, limit: 1, ...parameters, ...(cursor ? { cursor } : {}) };
      const page = await service.call('listFaces', request, { caller });
      found.push(...page.faces.map(({ faceId }: { faceId: string }) => faceId));
      cursor = page.nextCursor;
    } while (cursor);
    return found;
  };

  test('answers only the faces of one key, or only those without a key', async () => {
    const limited = service.caller({ allowedExternalKeys: ['k1', 'k2'] });
    assert.deepEqual(await listed({ externalKey: 'k1' }), [ids[1]]);
    assert.deepEqual(await listed({ externalKey: 'unused' }), []);
    assert.deepEqual(await listed({ externalKey: 'k1' }, limited), [ids[1]]);
    assert.deepEqual(await listed({ externalKey: 'k0' }, limited), []);
    assert.deepEqual(await listed({ unnamed: true }), [ids[2]]);
    assert.deepEqual(await listed({ unnamed: true }, limited), []);
    assert.deepEqual(await listed({ unnamed: true, collectionId: 'empty' }), []);
    const both = { collectionId, externalKey: 'k1', unnamed: true };
    assert.equal(await service.code('listFaces', both), 'VALIDATION_FAILED');
  });

  test('goes on behind a face that was deleted meanwhile', async () => {
    const first = await service.call('listFaces', { collectionId, limit: 4 });
    await service.call('deleteFace', { collectionId, faceId: ids[3] });
    const rest = await service.call('listFaces', { collectionId, cursor: first.nextCursor });
    assert.deepEqual(
      rest.faces.map(({ faceId }: { faceId: string }) => faceId),
      [ids[4]],
    );
  });

  test('takes only cursors that it gave', async () => {
    const wrong = { collectionId, cursor: Buffer.from('-1').toString('base64url') };
    assert.equal(await service.code('listFaces', wrong), 'VALIDATION_FAILED');
    assert.equal(await service.code('listFaces', { collectionId: 'absent' }), 'COLLECTION_NOT_FOUND');
  });
});
