import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Caller } from '../../src/api/caller.ts';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople, emptyPicture, samePerson } from '../../testing/sample-faces.ts';

const collectionId = 'c';
const UNKNOWN = 'face_00000000000000000000000000';

let service: TestService;
let people: Buffer[];
let anna: Buffer;
let annaAgain: Buffer;
let bert: Buffer;
let nobody: Buffer;
let ids: { anna: string; bert: string };

before(async () => {
  [service, people] = await Promise.all([TestService.open(), differentPeople()]);
  [[anna, annaAgain], nobody] = await Promise.all([samePerson(), emptyPicture()]);
  bert = people[1] as Buffer;
  await service.call('createCollection', { collectionId });
  const enroll = async (image: Buffer, externalKey: string) =>
    (await service.call('enrollFace', { collectionId, externalKey }, { image })).faceId as string;
  ids = { anna: await enroll(anna, 'anna'), bert: await enroll(bert, 'bert') };
});
after(() => service.close());

const limitedTo = (...allowedExternalKeys: string[]): Caller => service.caller({ allowedExternalKeys });

describe('verify', () => {
  const pictures = (image: Buffer, targetImage: Buffer, parameters = {}) =>
    service.call('verifyFace', parameters, { images: { image: [image], targetImage: [targetImage] } });
  const stored = (image: Buffer, parameters: Record<string, unknown>, caller = service.caller()) =>
    service.call('verifyFace', { collectionId, ...parameters }, { caller, image });
  const code = (parameters: Record<string, unknown>, caller = service.caller()) =>
    service.code('verifyFace', parameters, { caller, image: anna });

  test('tells the same person from another one', async () => {
    const same = await pictures(anna, annaAgain);
    assert.equal(same.isMatch, true);
    assert.equal(same.hasFace, true);
    assert.equal(same.faceMatchThreshold, 80);
    assert.notDeepEqual(same.face, same.targetFace);
    const other = await pictures(anna, bert);
    assert.equal(other.isMatch, false);
    assert.ok(other.similarity < 80);
  });

  test('comes to the same with a picture, its stored face and its external key, in either order', async () => {
    const { similarity, targetFace } = await pictures(annaAgain, anna);
    assert.equal((await pictures(anna, annaAgain)).similarity, similarity);
    for (const target of [{ faceId: ids.anna }, { externalKey: 'anna' }]) {
      const answer = await stored(annaAgain, target);
      assert.equal(answer.similarity, similarity);
      assert.deepEqual(answer.targetFace, targetFace);
      assert.equal(answer.isMatch, true);
    }
    assert.equal((await stored(annaAgain, { externalKey: 'bert' })).isMatch, false);
  });

  test('holds the similarity against the threshold', async () => {
    const { similarity } = await pictures(anna, annaAgain);
    const at = async (faceMatchThreshold: number) =>
      (await pictures(anna, annaAgain, { faceMatchThreshold })).isMatch;
    assert.equal(await at(similarity), true);
    assert.equal(await at(Number((similarity + 0.01).toFixed(2))), false);
  });

  test('says which picture has no face', async () => {
    const without = { isMatch: false, similarity: null, falseMatchRate: null, faceMatchThreshold: 80 };
    const first = await pictures(nobody, anna);
    assert.deepEqual(first, { ...without, face: null, targetFace: first.targetFace, hasFace: false });
    assert.ok(first.targetFace);
    const second = await pictures(anna, nobody);
    assert.deepEqual(second, { ...without, face: second.face, targetFace: null, hasFace: true });
    const third = await stored(nobody, { externalKey: 'anna' });
    assert.deepEqual([third.hasFace, third.similarity, third.isMatch], [false, null, false]);
    assert.deepEqual(third.targetFace, (await stored(anna, { externalKey: 'anna' })).targetFace);
  });

  test('of two pictures may be about a collection, which must be there', async () => {
    const images = { image: [anna], targetImage: [annaAgain] };
    const code = (id: string) => service.code('verifyFace', { collectionId: id }, { images });
    assert.deepEqual(await pictures(anna, annaAgain, { collectionId }), await pictures(anna, annaAgain));
    assert.equal(await code('absent'), 'COLLECTION_NOT_FOUND');
  });

  test('takes exactly one target, and a stored one with its collection', async () => {
    assert.equal(await code({}), 'VALIDATION_FAILED');
    assert.equal(await code({ collectionId }), 'VALIDATION_FAILED');
    assert.equal(await code({ faceId: ids.anna }), 'VALIDATION_FAILED');
    assert.equal(await code({ collectionId, faceId: ids.anna, externalKey: 'anna' }), 'VALIDATION_FAILED');
    for (const extra of [{ externalKey: 'anna' }, { collectionId, faceId: ids.anna }]) {
      const images = { image: [anna], targetImage: [bert] };
      assert.equal(await service.code('verifyFace', extra, { images }), 'VALIDATION_FAILED');
    }
  });

  test('does not find a face that is not there, or that the caller may not see', async () => {
    assert.equal(await code({ collectionId, faceId: UNKNOWN }), 'FACE_NOT_FOUND');
    assert.equal(await code({ collectionId, externalKey: 'nobody' }), 'FACE_NOT_FOUND');
    assert.equal(await code({ collectionId: 'absent', faceId: ids.anna }), 'COLLECTION_NOT_FOUND');
    const caller = limitedTo('bert');
    assert.equal(await code({ collectionId, faceId: ids.anna }, caller), 'FACE_NOT_FOUND');
    assert.equal(await code({ collectionId, externalKey: 'anna' }, caller), 'FACE_NOT_FOUND');
    assert.equal((await stored(bert, { externalKey: 'bert' }, caller)).isMatch, true);
    const bound = service.caller({ collectionId: 'other' });
    assert.equal(await code({ collectionId, faceId: ids.anna }, bound), 'COLLECTION_NOT_ALLOWED');
  });

  test('says which of two pictures cannot be read', async () => {
    const images = { image: [anna], targetImage: [Buffer.from('no picture at all')] };
    await assert.rejects(
      service.call('verifyFace', {}, { images }),
      (error: { code: string; errors: { path: string }[] }) =>
        error.code === 'UNSUPPORTED_IMAGE' && error.errors[0]?.path === '/targetImage',
    );
  });

  test('is refused a model that is not loaded, or that the caller may not use', async () => {
    const images = { image: [anna], targetImage: [bert] };
    assert.equal(await service.code('verifyFace', { model: 'third' }, { images }), 'VALIDATION_FAILED');
    const caller = service.caller({ allowedModels: ['third'] });
    assert.equal(await service.code('verifyFace', {}, { images, caller }), 'MODEL_NOT_ALLOWED');
    assert.equal(
      await service.code('verifyFace', { model: 'third' }, { images, caller }),
      'VALIDATION_FAILED',
    );
  });
});

describe('identify', () => {
  const identify = (image: Buffer, parameters = {}, caller = service.caller()) =>
    service.call('identifyFace', { collectionId: 'many', ...parameters }, { caller, image });
  const keysOf = (answer: { matches: { externalKey: string | null }[] }) =>
    answer.matches.map(({ externalKey }) => externalKey);

  before(async () => {
    await service.call('createCollection', { collectionId: 'many' });
    for (const [i, image] of people.slice(0, 12).entries()) {
      await service.call('enrollFace', { collectionId: 'many', externalKey: `p${i}` }, { image });
    }
  });

  test('answers everybody who reaches the threshold, best first, at most as many as asked for', async () => {
    const { matches, hasFace } = await identify(annaAgain, { faceMatchThreshold: 0, maxResults: 100 });
    assert.equal(hasFace, true);
    assert.equal(matches.length, 12);
    assert.equal(matches[0].externalKey, 'p0');
    for (const [i, match] of matches.entries()) {
      assert.equal(match.rank, i + 1);
      if (i > 0) assert.ok(match.similarity <= matches[i - 1].similarity);
    }
    const few = await identify(annaAgain, { faceMatchThreshold: 0, maxResults: 3 });
    assert.deepEqual(few.matches, matches.slice(0, 3));
    assert.deepEqual(keysOf(await identify(annaAgain)), ['p0']);
    const search = await service.call('searchFace', { collectionId: 'many' }, { image: annaAgain });
    assert.equal(search.similarity, matches[0].similarity);
  });

  test('answers ten at most without being asked', async () => {
    assert.equal((await identify(annaAgain, { faceMatchThreshold: 0 })).matches.length, 10);
  });

  test('answers an external key once, and the faces without one each', async () => {
    await service.call('createCollection', { collectionId: 'shared' });
    for (const image of [anna, annaAgain, anna]) {
      const key = { collectionId: 'shared', externalKey: 'anna', allowDuplicates: true };
      await service.call('enrollFace', key, { image });
    }
    for (let i = 0; i < 2; i++) {
      await service.call('indexFace', { collectionId: 'shared' }, { image: anna });
    }
    const { matches } = await identify(anna, { collectionId: 'shared' });
    assert.deepEqual(matches.map(({ externalKey }: { externalKey: string | null }) => externalKey).sort(), [
      'anna',
      null,
      null,
    ]);
  });

  test('finds people behind more faces of one key than it first looks at', async () => {
    await service.call('createCollection', { collectionId: 'crowd' });
    const key = { collectionId: 'crowd', externalKey: 'anna', allowDuplicates: true };
    for (let i = 0; i < 20; i++) await service.call('enrollFace', key, { image: anna });
    await service.call('enrollFace', { collectionId: 'crowd', externalKey: 'bert' }, { image: bert });
    const all = { collectionId: 'crowd', faceMatchThreshold: 0, maxResults: 2 };
    assert.deepEqual(keysOf(await identify(anna, all)), ['anna', 'bert']);
  });

  test('answers nobody for a picture without a face', async () => {
    const { matches, face, hasFace } = await identify(nobody, { faceMatchThreshold: 0 });
    assert.deepEqual([matches, face, hasFace], [[], null, false]);
  });

  test('looks among the faces only that the caller may see', async () => {
    const caller = limitedTo('p3', 'p4');
    const answer = await identify(annaAgain, { faceMatchThreshold: 0 }, caller);
    assert.deepEqual(keysOf(answer).sort(), ['p3', 'p4']);
  });

  test('takes one to a hundred results', async () => {
    for (const maxResults of [0, 101, 1.5]) {
      const code = await service.code('identifyFace', { collectionId, maxResults }, { image: anna });
      assert.equal(code, 'VALIDATION_FAILED');
    }
  });
});

describe('Several pictures of one external key', () => {
  test('count together: as one template in their middle', async () => {
    await service.call('createCollection', { collectionId: 'pair' });
    const key = { collectionId: 'pair', externalKey: 'anna', allowDuplicates: true };
    const similarity = async (image: Buffer) =>
      (await service.call('searchFace', { collectionId: 'pair', faceMatchThreshold: 0 }, { image }))
        .similarity;
    await service.call('enrollFace', key, { image: anna });
    const alone = await similarity(annaAgain);
    await service.call('enrollFace', key, { image: annaAgain });
    const [one, other] = [await similarity(anna), await similarity(annaAgain)];
    assert.equal(one, other);
    assert.ok(other > alone, `${other} after ${alone}`);
    const verified = await service.call(
      'verifyFace',
      { collectionId: 'pair', externalKey: 'anna' },
      { image: anna },
    );
    assert.equal(verified.similarity, one);
  });

  test('count by the best one where they show different people', async () => {
    await service.call('createCollection', { collectionId: 'family' });
    const key = { collectionId: 'family', externalKey: 'family', allowDuplicates: true };
    for (const image of [anna, bert]) await service.call('enrollFace', key, { image });
    for (const image of [anna, bert]) {
      const answer = await service.call('searchFace', { collectionId: 'family' }, { image });
      assert.ok(answer.similarity > 99.9);
    }
  });
});
describe('search by face id', () => {
  const id = 'by-id';
  const enroll = async (image: Buffer, externalKey: string) =>
    (await service.call('enrollFace', { collectionId: id, externalKey, allowDuplicates: true }, { image }))
      .faceId as string;
  const search = (faceId: string, parameters = {}, caller = service.caller()) =>
    service.call('searchByFaceId', { collectionId: id, faceId, ...parameters }, { caller });
  const keys = async (...request: Parameters<typeof search>) =>
    (await search(...request)).matches.map(({ externalKey }: { externalKey: string }) => externalKey);
  let first: string;
  let again: string;
  let other: string;
  before(async () => {
    await service.call('createCollection', { collectionId: id });
    first = await enroll(anna, 'anna');
    again = await enroll(annaAgain, 'anna-again');
    other = await enroll(bert, 'bert');
  });

  test('finds the same people as their image, but not the face itself', async () => {
    const image = await service.call('identifyFace', { collectionId: id }, { image: anna });
    assert.deepEqual(
      image.matches.map(({ externalKey }: { externalKey: string }) => externalKey),
      ['anna', 'anna-again'],
    );
    const { faceId, matches } = await search(first);
    assert.equal(faceId, first);
    assert.deepEqual(matches, [{ ...image.matches[1], rank: 1 }]);
    assert.deepEqual(await keys(other), []);
    assert.deepEqual(await keys(first, { faceMatchThreshold: 0, maxResults: 1 }), ['anna-again']);
    assert.deepEqual((await keys(first, { faceMatchThreshold: 0 })).toSorted(), ['anna-again', 'bert']);
  });

  test('finds the other faces of its own external key', async () => {
    const [{ similarity, falseMatchRate }] = (await search(first)).matches;
    await service.call('setExternalKey', {
      collectionId: id,
      faceId: again,
      externalKey: 'anna',
      allowDuplicates: true,
    });
    const { matches } = await search(first);
    assert.deepEqual(matches, [{ faceId: again, externalKey: 'anna', similarity, falseMatchRate, rank: 1 }]);
    await service.call('setExternalKey', { collectionId: id, faceId: again, externalKey: 'anna-again' });
  });

  test('stays within the faces of the caller', async () => {
    const limited = limitedTo('anna', 'bert');
    assert.deepEqual(await keys(first, {}, limited), []);
    assert.deepEqual(await keys(first, { faceMatchThreshold: 0 }, limited), ['bert']);
    const code = (faceId: string, more = {}, caller = limited) =>
      service.code('searchByFaceId', { collectionId: id, faceId, ...more }, { caller });
    assert.equal(await code(again), 'FACE_NOT_FOUND');
    assert.equal(await code(UNKNOWN), 'FACE_NOT_FOUND');
    assert.equal(await code(first, { maxResults: 101 }), 'VALIDATION_FAILED');
    assert.equal(await code(first, { collectionId: 'absent' }), 'COLLECTION_NOT_FOUND');
    assert.equal(await code(first, {}, service.caller({ accountId: 'acc_other' })), 'COLLECTION_NOT_FOUND');
  });
});

describe('the threshold of a collection', () => {
  test('is used where a call gives none', async () => {
    const id = 'strict';
    const settings = { collectionId: id, faceMatchThreshold: 99.9 };
    await service.call('createCollection', settings);
    await service.call('enrollFace', { collectionId: id, externalKey: 'anna' }, { image: anna });
    const read = async () =>
      (await service.call('getCollection', { collectionId: id })).recognitionCollection.faceMatchThreshold;
    const results = async (own = {}) => {
      const options = { image: annaAgain };
      const body = { collectionId: id, ...own };
      const search = await service.call('searchFace', body, options);
      const identify = await service.call('identifyFace', body, options);
      const verify = await service.call('verifyFace', { ...body, externalKey: 'anna' }, options);
      const both = { image: [annaAgain], targetImage: [anna] };
      const images = await service.call('verifyFace', body, { images: both });
      assert.equal(images.faceMatchThreshold, verify.faceMatchThreshold);
      assert.equal(images.isMatch, verify.isMatch);
      return [search.faceId !== null, identify.matches.length, verify.isMatch, verify.faceMatchThreshold];
    };
    assert.equal(await read(), 99.9);
    assert.deepEqual(await results(), [false, 0, false, 99.9]);
    assert.deepEqual(await results({ faceMatchThreshold: 80 }), [true, 1, true, 80]);
    await service.call('updateCollection', { collectionId: id, description: 'kept' });
    assert.equal(await read(), 99.9);
    await service.call('resetCollection', { collectionId: id });
    assert.equal(await read(), 99.9);
    await service.call('enrollFace', { collectionId: id, externalKey: 'anna' }, { image: anna });
    await service.call('updateCollection', { collectionId: id, faceMatchThreshold: null });
    assert.equal(await read(), null);
    assert.deepEqual(await results(), [true, 1, true, 80]);
    for (const faceMatchThreshold of [0.8, 101, -1, '80']) {
      const request = { collectionId: id, faceMatchThreshold };
      assert.equal(await service.code('updateCollection', request), 'VALIDATION_FAILED');
    }
    const source = { collectionId: id, faceMatchThreshold: 99.9 };
    await service.call('updateCollection', source);
    const either = await service.call('searchOrIndexFace', { collectionId: id }, { image: annaAgain });
    assert.equal(either.resultSource, 'Index');
  });
});
