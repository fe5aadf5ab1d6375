import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { nobody, type Person, photograph, portrait } from '../../testing/photographs.ts';
import { type Client, type Service, startService } from '../../testing/service.ts';

let service: Service;
let client: Client;
before(async () => {
  service = await startService();
  client = service.client;
});
after(() => service.stop());

const jsonImage = (data: Buffer) => ({ bytes: data.toString('base64'), url: null });

let collections = 0;
async function newCollection(): Promise<string> {
  const collectionId = `collection-${++collections}`;
  await client.ok('POST', '/v1/collection/create', { json: { collectionId } });
  return collectionId;
}

async function face(
  call: 'search' | 'index' | 'search-or-index',
  collectionId: string,
  data: Buffer,
  more = {},
) {
  return client.ok('POST', `/v1/face/${call}`, { json: { image: jsonImage(data), collectionId, ...more } });
}

async function index(collectionId: string, person: Person): Promise<string> {
  const { faceId } = await face('index', collectionId, await portrait(person));
  return faceId;
}

describe('A person that was indexed', () => {
  test('is found in another photograph, among others', async () => {
    const collectionId = await newCollection();
    const faceId = await index(collectionId, 'anna');
    for (const person of ['bea', 'cleo', 'dora', 'emma'] as const) await index(collectionId, person);
    const found = await face('search', collectionId, await portrait('annaElsewhere'));
    assert.equal(found.faceId, faceId);
    assert.ok(found.similarity >= 90, `similarity ${found.similarity}`);
    assert.deepEqual([found.hasFace, found.unprocessedFaceCount, found.externalKey], [true, 0, null]);
  });

  test('is found by the same picture as JPEG, PNG and WebP in every form of request', async () => {
    const collectionId = await newCollection();
    const faceId = await index(collectionId, 'bea');
    const jpeg = await portrait('bea');
    for (const format of ['jpeg', 'png', 'webp', 'gif'] as const) {
      const data = format === 'jpeg' ? jpeg : await sharp(jpeg).toFormat(format).toBuffer();
      const form = new FormData();
      form.set('collectionId', collectionId);
      form.set('image', new Blob([data]), 'picture');
      const target = '/v1/face/search';
      // This rate is similarity 80 for one face.
      const query = `collectionId=${collectionId}&maxFalsePositiveRate=0.0001`;
      const raw = { body: data, headers: { 'Content-Type': `image/${format}` } };
      const dataUrl = { bytes: `data:image/${format};base64,${data.toString('base64url')}` };
      const answers = [
        await face('search', collectionId, data),
        await client.ok('POST', target, { json: { image: dataUrl, collectionId } }),
        await client.ok('POST', target, { body: form }),
        await client.ok('POST', `${target}?${query}`, raw),
      ];
      for (const answer of answers) assert.deepEqual(answer, answers[0]);
      assert.equal(answers[0].faceId, faceId, format);
    }
  });

  test('is not found by somebody else, unless the threshold lets anybody through', async () => {
    const collectionId = await newCollection();
    const faceId = await index(collectionId, 'anna');
    const stranger = await portrait('emma');
    const none = await face('search', collectionId, stranger);
    assert.deepEqual([none.hasFace, none.faceId, none.similarity], [true, null, null]);
    const anybody = await face('search', collectionId, stranger, { faceMatchThreshold: 0 });
    assert.equal(anybody.faceId, faceId);
    assert.ok(anybody.similarity < 80);
  });

  test('is the largest of a group, and the others are counted', async () => {
    const collectionId = await newCollection();
    const group = await face('index', collectionId, photograph(6));
    assert.ok(group.unprocessedFaceCount >= 3);
    const { width, height, x, y } = group.face.boundingBox;
    const { width: wide = 0, height: high = 0 } = await sharp(photograph(6)).metadata();
    assert.ok(x >= 0 && y >= 0 && x + width <= wide && y + height <= high);
    const searched = await face('search', collectionId, photograph(6));
    assert.deepEqual([searched.faceId, searched.face], [group.faceId, group.face]);
  });
});

test('A picture without a face is answered so by every call', async () => {
  const collectionId = await newCollection();
  const picture = await nobody();
  const faceAnalysis = { face: null, hasFace: false, unprocessedFaceCount: 0 };
  const match = {
    faceId: null,
    externalKey: null,
    similarity: null,
    falseMatchRate: null,
    faceMatchThreshold: 80,
  };
  assert.deepEqual(await face('search', collectionId, picture), { ...faceAnalysis, ...match });
  assert.deepEqual(await face('index', collectionId, picture), { ...faceAnalysis, faceId: null });
  assert.deepEqual(await face('search-or-index', collectionId, picture), {
    ...faceAnalysis,
    ...match,
    resultSource: 'None',
  });
});

describe('Search-or-index', () => {
  test('indexes somebody new and finds somebody known', async () => {
    const collectionId = await newCollection();
    const first = await face('search-or-index', collectionId, await portrait('anna'));
    assert.deepEqual([first.resultSource, first.similarity, first.externalKey], ['Index', null, null]);
    const second = await face('search-or-index', collectionId, await portrait('annaElsewhere'));
    assert.deepEqual([second.resultSource, second.faceId], ['Search', first.faceId]);
    const other = await face('search-or-index', collectionId, await portrait('bea'));
    assert.equal(other.resultSource, 'Index');
    assert.notEqual(other.faceId, first.faceId);
  });

  test('called 32 times at once with one person indexes one face', async () => {
    const collectionId = await newCollection();
    const pictures = [await portrait('anna'), await portrait('annaElsewhere')] as const;
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, call) =>
        face('search-or-index', collectionId, pictures[call % 2] as Buffer),
      ),
    );
    assert.equal(new Set(answers.map(({ faceId }) => faceId)).size, 1);
    assert.equal(answers.filter(({ resultSource }) => resultSource === 'Index').length, 1);
  });
});

describe('Deleting', () => {
  test('a face takes it out of the next search', async () => {
    const collectionId = await newCollection();
    const faceId = await index(collectionId, 'anna');
    const picture = await portrait('anna');
    assert.equal((await face('search', collectionId, picture)).faceId, faceId);
    const target = `/v1/face/delete?collectionId=${collectionId}&faceId=${faceId}`;
    assert.deepEqual(await client.ok('DELETE', target), {});
    assert.equal((await face('search', collectionId, picture)).faceId, null);
    await client.refused('FACE_NOT_FOUND', 'DELETE', target);
  });

  test('by external key takes out every face that has it, and no other', async () => {
    const collectionId = await newCollection();
    for (const person of ['anna', 'bea'] as const) {
      const faceId = await index(collectionId, person);
      const json = { collectionId, faceId, externalKey: 'team', allowDuplicates: true };
      await client.ok('PUT', '/v1/external-key/set', { json });
    }
    const left = await index(collectionId, 'cleo');
    await client.ok('DELETE', `/v1/face/delete?collectionId=${collectionId}&externalKey=team`);
    assert.equal((await face('search', collectionId, await portrait('anna'))).faceId, null);
    assert.equal((await face('search', collectionId, await portrait('bea'))).faceId, null);
    assert.equal((await face('search', collectionId, await portrait('cleo'))).faceId, left);
  });

  test('a reset empties a collection and keeps it', async () => {
    const collectionId = await newCollection();
    await client.ok('PUT', '/v1/collection/update', { json: { collectionId, description: 'kept' } });
    const faceId = await index(collectionId, 'anna');
    await client.ok('PUT', '/v1/external-key/set', { json: { collectionId, faceId, externalKey: 'a' } });
    assert.deepEqual(await client.ok('DELETE', `/v1/collection/reset?collectionId=${collectionId}`), {
      collectionId,
    });
    assert.equal((await face('search', collectionId, await portrait('anna'))).faceId, null);
    const keys = `/v1/external-key/get-face-ids?collectionId=${collectionId}&externalKey=a`;
    assert.deepEqual((await client.ok('GET', keys)).faceIds, []);
    const { recognitionCollection } = await client.ok(
      'GET',
      `/v1/collection/get?collectionId=${collectionId}`,
    );
    assert.equal(recognitionCollection.description, 'kept');
    const again = await index(collectionId, 'anna');
    assert.equal((await face('search', collectionId, await portrait('annaElsewhere'))).faceId, again);
  });

  test('a collection takes everything with it, and twice is as good as once', async () => {
    const collectionId = await newCollection();
    await index(collectionId, 'anna');
    const target = `/v1/collection/delete?collectionId=${collectionId}`;
    assert.deepEqual(await client.ok('DELETE', target), {});
    assert.deepEqual(await client.ok('DELETE', target), {});
    await client.ok('POST', '/v1/collection/create', { json: { collectionId } });
    assert.equal((await face('search', collectionId, await portrait('anna'))).faceId, null);
  });
});

test('External keys are set, replaced, found, refused to a second face, and taken away', async () => {
  const collectionId = await newCollection();
  const anna = await index(collectionId, 'anna');
  const bea = await index(collectionId, 'bea');
  const set = (faceId: string, externalKey: string, more = {}) => ({
    json: { collectionId, faceId, externalKey, ...more },
  });
  const path = '/v1/external-key/set';
  const ids = async (key: string) => {
    const query = new URLSearchParams({ collectionId, externalKey: key });
    return (await client.ok('GET', `/v1/external-key/get-face-ids?${query}`)).faceIds;
  };
  assert.deepEqual(await client.ok('PUT', path, set(anna, 'user-1')), {
    faceId: anna,
    externalKey: 'user-1',
    result: 'Created',
  });
  assert.equal((await client.ok('PUT', path, set(anna, 'user-1'))).result, 'Updated');
  assert.equal((await face('search', collectionId, await portrait('annaElsewhere'))).externalKey, 'user-1');
  await client.refused('EXTERNAL_KEY_CONFLICT', 'PUT', path, set(bea, 'user-1'));
  await client.ok('PUT', path, set(bea, 'user-1', { allowDuplicates: true }));
  assert.deepEqual(await ids('user-1'), [anna, bea]);
  assert.equal((await client.ok('PUT', path, set(anna, '&=?/#%+~'))).result, 'Updated');
  assert.deepEqual(await ids('&=?/#%+~'), [anna]);
  assert.deepEqual(await ids('user-1'), [bea]);
  const remove = `/v1/external-key/delete?collectionId=${collectionId}&externalKey=user-1`;
  assert.deepEqual(await client.ok('DELETE', `${remove}&faceId=${anna}`), {});
  assert.deepEqual(await ids('user-1'), [bea]);
  await client.ok('DELETE', remove);
  await client.ok('DELETE', remove);
  assert.deepEqual(await ids('user-1'), []);
  assert.equal((await face('search', collectionId, await portrait('bea'))).faceId, bea);
});
