import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople } from '../../testing/sample-faces.ts';

const collectionId = 'people';
const UNKNOWN = 'face_00000000000000000000000000';

let service: TestService;
let first: string;
let second: string;
let picture: Buffer;

before(async () => {
  service = await TestService.open();
  [picture] = (await differentPeople()) as [Buffer];
});
after(() => service.close());
beforeEach(async () => {
  await service.call('deleteCollection', { collectionId });
  await service.call('createCollection', { collectionId });
  const index = () => service.call('indexFace', { collectionId }, { image: picture });
  first = (await index()).faceId;
  second = (await index()).faceId;
});

const set = (faceId: string, externalKey: string, allowDuplicates?: boolean) =>
  service.call('setExternalKey', {
    collectionId,
    faceId,
    externalKey,
    ...(allowDuplicates === undefined ? {} : { allowDuplicates }),
  });
const faceIds = async (externalKey: string) =>
  (await service.call('getFaceIds', { collectionId, externalKey })).faceIds;

describe('setting an external key', () => {
  test('answers Created, Updated for another one, Updated for the same one', async () => {
    assert.deepEqual(await set(first, 'user-123'), {
      faceId: first,
      externalKey: 'user-123',
      result: 'Created',
    });
    assert.equal((await set(first, 'user-456')).result, 'Updated');
    assert.equal((await set(first, 'user-456')).result, 'Updated');
    assert.deepEqual(await faceIds('user-123'), []);
    assert.deepEqual(await faceIds('user-456'), [first]);
    assert.equal(service.faceCount(collectionId), 2);
  });

  test('shows in the next search', async () => {
    await service.call('deleteFace', { collectionId, faceId: second });
    await set(first, 'user-123');
    const search = await service.call('searchFace', { collectionId }, { image: picture });
    assert.equal(search.externalKey, 'user-123');
    const either = await service.call('searchOrIndexFace', { collectionId }, { image: picture });
    assert.deepEqual([either.externalKey, either.resultSource], ['user-123', 'Search']);
  });

  test('that another face has conflicts, unless duplicates are allowed', async () => {
    await set(first, 'k');
    const request = { collectionId, faceId: second, externalKey: 'k' };
    assert.equal(await service.code('setExternalKey', request), 'EXTERNAL_KEY_CONFLICT');
    assert.deepEqual(await faceIds('k'), [first]);
    assert.equal((await set(second, 'k', true)).result, 'Created');
    assert.deepEqual(await faceIds('k'), [first, second]);
    assert.equal((await set(first, 'k')).result, 'Updated');
  });

  test('by parallel calls for two faces gives it to one', async () => {
    const codes = await Promise.all(
      [first, second].map((faceId) =>
        service.code('setExternalKey', { collectionId, faceId, externalKey: 'k' }),
      ),
    );
    assert.deepEqual(codes.toSorted(), ['EXTERNAL_KEY_CONFLICT', 'succeeded']);
    assert.equal((await faceIds('k')).length, 1);
  });

  test('takes 1 to 512 characters of printable ASCII', async () => {
    for (const externalKey of ['!', '~', '__proto__', 'a/b?c=d&e#f', 'x'.repeat(512)]) {
      await set(first, externalKey);
      assert.deepEqual(await faceIds(externalKey), [first]);
    }
    for (const externalKey of ['', 'a b', ' a', 'a\n', 'a\u0000', 'ü', '\u007f', 'x'.repeat(513), 5, null]) {
      const request = { collectionId, faceId: first, externalKey };
      assert.equal(await service.code('setExternalKey', request), 'VALIDATION_FAILED');
    }
  });

  test('on a face or a collection that is not there is 404', async () => {
    const request = { collectionId, faceId: UNKNOWN, externalKey: 'k' };
    assert.equal(await service.code('setExternalKey', request), 'FACE_NOT_FOUND');
    assert.equal(
      await service.code('setExternalKey', { ...request, faceId: 'face_abc123xyz789' }),
      'FACE_NOT_FOUND',
    );
    assert.equal(
      await service.code('setExternalKey', { ...request, collectionId: 'missing' }),
      'COLLECTION_NOT_FOUND',
    );
  });

  test('does not mix up keys that begin alike, or differ in case', async () => {
    await set(first, 'user-1');
    await set(second, 'user-10');
    assert.deepEqual(await faceIds('user-1'), [first]);
    assert.deepEqual(await faceIds('user-10'), [second]);
    assert.deepEqual(await faceIds('USER-1'), []);
  });
});

describe('listing the faces of a key', () => {
  test('goes page after page, oldest first', async () => {
    const ids = [first, second];
    for (let i = 0; i < 3; i++) {
      ids.push((await service.call('indexFace', { collectionId }, { image: picture })).faceId);
    }
    for (const faceId of ids) await set(faceId, 'k', true);
    const pages: string[][] = [];
    let cursor: string | null = null;
    do {
      const request = { collectionId, externalKey: 'k', limit: 2, ...(cursor === null ? {} : { cursor }) };
      const page = await service.call('getFaceIds', request);
      pages.push(page.faceIds);
      cursor = page.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(pages, [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
    const wrong = { collectionId, externalKey: 'k', cursor: Buffer.from('-1').toString('base64url') };
    assert.equal(await service.code('getFaceIds', wrong), 'VALIDATION_FAILED');
  });

  test('that nobody has is an empty list, of a missing collection 404', async () => {
    assert.deepEqual(await faceIds('unused'), []);
    const missing = { collectionId: 'missing', externalKey: 'k' };
    assert.equal(await service.code('getFaceIds', missing), 'COLLECTION_NOT_FOUND');
  });
});

describe('deleting an external key', () => {
  const remove = (parameters: object) => service.call('deleteExternalKey', { collectionId, ...parameters });

  test('takes it from every face, and the faces stay', async () => {
    await set(first, 'k');
    await set(second, 'k', true);
    assert.deepEqual(await remove({ externalKey: 'k' }), {});
    assert.deepEqual(await faceIds('k'), []);
    assert.equal(service.faceCount(collectionId), 2);
    assert.equal((await set(second, 'k')).result, 'Created');
  });

  test('with a face takes it from that face only, if it has that key', async () => {
    await set(first, 'k');
    await set(second, 'k', true);
    await remove({ externalKey: 'k', faceId: first });
    assert.deepEqual(await faceIds('k'), [second]);
    await set(first, 'other');
    await remove({ externalKey: 'k', faceId: first });
    assert.deepEqual(await faceIds('other'), [first]);
    assert.deepEqual(await faceIds('k'), [second]);
  });

  test('that nobody has succeeds, of a missing collection is 404', async () => {
    assert.deepEqual(await remove({ externalKey: 'unused' }), {});
    assert.deepEqual(await remove({ externalKey: 'unused', faceId: UNKNOWN }), {});
    const missing = { collectionId: 'missing', externalKey: 'k' };
    assert.equal(await service.code('deleteExternalKey', missing), 'COLLECTION_NOT_FOUND');
  });
});
