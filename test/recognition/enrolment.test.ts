import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import sharp from 'sharp';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople, emptyPicture, samePerson } from '../../testing/sample-faces.ts';

const collectionId = 'c';

let service: TestService;
let people: Buffer[];
let blurred: Buffer;

before(async () => {
  [service, people] = await Promise.all([TestService.open(), differentPeople()]);
  blurred = await sharp(people[0]).blur(2).toBuffer();
});
after(() => service.close());
beforeEach(async () => {
  await service.call('deleteCollection', { collectionId });
  await service.call('createCollection', { collectionId });
});

const person = (i: number): Buffer => people[i] as Buffer;
const enroll = (image: Buffer, externalKey: string, parameters = {}) =>
  service.call('enrollFace', { collectionId, externalKey, ...parameters }, { image });
const code = (image: Buffer, externalKey: string, parameters = {}) =>
  service.code('enrollFace', { collectionId, externalKey, ...parameters }, { image });

describe('enroll', () => {
  test('adds a face with its external key', async () => {
    const { faceId, externalKey, result, face } = await enroll(person(0), 'k');
    assert.deepEqual([externalKey, result], ['k', 'Created']);
    const { faceIds } = await service.call('getFaceIds', { collectionId, externalKey: 'k' });
    assert.deepEqual(faceIds, [faceId]);
    const found = await service.call('searchFace', { collectionId }, { image: person(0) });
    assert.deepEqual([found.faceId, found.externalKey, found.face], [faceId, 'k', face]);
    await service.restart();
    assert.equal(service.faceCount(collectionId), 1);
  });

  test('gives a key that another face has only where duplicates are allowed', async () => {
    await enroll(person(0), 'k');
    assert.equal(await code(person(1), 'k'), 'EXTERNAL_KEY_CONFLICT');
    assert.equal(service.faceCount(collectionId), 1);
    assert.equal((await enroll(person(1), 'k', { allowDuplicates: true })).result, 'Updated');
    assert.equal((await enroll(person(2), 'l', { allowDuplicates: true })).result, 'Created');
    assert.equal(service.faceCount(collectionId), 3);
  });

  test('gives a key to one of any number of parallel calls', async () => {
    const codes = await Promise.all(people.slice(0, 12).map((image) => code(image, 'k')));
    assert.equal(codes.filter((each) => each === 'succeeded').length, 1);
    assert.ok(codes.every((each) => ['succeeded', 'EXTERNAL_KEY_CONFLICT'].includes(each)));
    assert.equal(service.faceCount(collectionId), 1);
  });

  test('adds nothing of a picture without a face', async () => {
    const answer = await enroll(await emptyPicture(), 'k');
    assert.deepEqual(answer, {
      face: null,
      hasFace: false,
      unprocessedFaceCount: 0,
      faceId: null,
      externalKey: null,
      result: null,
    });
    assert.equal(service.faceCount(collectionId), 0);
  });

  test('says whether the face is live where that is asked for', async () => {
    const { liveness, faceId } = await enroll(person(0), 'k', { checkLiveness: true });
    assert.equal(typeof liveness.isLive, 'boolean');
    assert.equal(liveness.isLive, faceId !== null);
    assert.equal((await enroll(person(1), 'l')).liveness, undefined);
  });

  test('is not for a caller who is limited to some faces', async () => {
    const caller = service.caller({ allowedExternalKeys: ['k'] });
    const refused = await service.code(
      'enrollFace',
      { collectionId, externalKey: 'k' },
      { caller, image: person(0) },
    );
    assert.equal(refused, 'FACE_NOT_ALLOWED');
  });

  test('writes nothing for a caller whose right ends before the write', async () => {
    const confirm = () => {
      throw Object.assign(new Error('revoked'), { code: 'INVALID_API_KEY' });
    };
    const caller = service.caller({ confirm });
    const parameters = { collectionId, externalKey: 'k' };
    assert.equal(
      await service.code('enrollFace', parameters, { caller, image: person(0) }),
      'INVALID_API_KEY',
    );
    assert.equal(service.faceCount(collectionId), 0);
  });
});

describe('A face of too little quality', () => {
  const qualityOf = async (image: Buffer) => {
    const { faces } = await service.call('detectFaces', {}, { image });
    return faces[0].quality.score as number;
  };

  test('is refused with the reason, and nothing is added', async () => {
    const score = await qualityOf(blurred);
    assert.ok(score < 90 && score > 0, `${score}`);
    const minQuality = score + 1;
    for (const operation of ['indexFace', 'searchOrIndexFace', 'enrollFace']) {
      const key = operation === 'enrollFace' ? { externalKey: 'k' } : {};
      const parameters = { collectionId, minQuality, attributes: 'all', ...key };
      const answer = await service.call(operation, parameters, { image: blurred });
      assert.equal(answer.faceId, null);
      assert.equal(answer.hasFace, true);
      assert.equal(answer.refusal.code, 'LOW_QUALITY');
      assert.equal(answer.face.quality.score, score);
      assert.equal(service.faceCount(collectionId), 0);
      const taken = await service.call(operation, { ...parameters, minQuality: score }, { image: blurred });
      assert.ok(taken.faceId);
      assert.equal(taken.refusal, undefined);
      await service.call('deleteFace', { collectionId, faceId: taken.faceId });
    }
  });

  test('is refused by what the collection asks for, which a call can raise and not lower', async () => {
    const score = await qualityOf(blurred);
    const index = async (parameters = {}) =>
      (await service.call('indexFace', { collectionId, ...parameters }, { image: blurred })).refusal?.code;
    await service.call('updateCollection', { collectionId, minQuality: score + 1 });
    assert.equal(await index(), 'LOW_QUALITY');
    assert.equal(await index({ minQuality: 0 }), 'LOW_QUALITY');
    await service.call('updateCollection', { collectionId, description: 'other' });
    assert.equal(await index(), 'LOW_QUALITY');
    await service.call('updateCollection', { collectionId, minQuality: 0 });
    assert.equal(await index({ minQuality: score + 1 }), 'LOW_QUALITY');
    assert.equal(await index(), undefined);
    const { recognitionCollection } = await service.call('getCollection', { collectionId });
    assert.equal(recognitionCollection.minQuality, 0);
  });

  test('is still found by search-or-index where it is known', async () => {
    const { faceId } = await service.call('indexFace', { collectionId }, { image: people[0] as Buffer });
    const answer = await service.call(
      'searchOrIndexFace',
      { collectionId, minQuality: 100 },
      { image: blurred },
    );
    assert.deepEqual([answer.resultSource, answer.faceId], ['Search', faceId]);
  });
});

describe('enroll-batch', () => {
  const batch = (entries: [string, Buffer][], parameters = {}, caller = service.caller()) => {
    const faces = entries.map(([externalKey]) => ({ externalKey }));
    const images = { faces: entries.map(([, image]) => image) };
    return service.call('enrollFaces', { collectionId, faces, ...parameters }, { caller, images });
  };

  test('answers for each in order, and adds those that succeed', async () => {
    const [first, second] = await samePerson();
    const { results } = await batch([
      ['a', first],
      ['b', Buffer.from('no picture at all')],
      ['a', second],
      ['c', await emptyPicture()],
      ['d', person(4)],
      ['e', person(5)],
      ['d', person(6)],
    ]);
    assert.deepEqual(
      results.map(({ code: problem, result }: { code?: string; result?: string }) => problem ?? result),
      [
        'Created',
        'UNSUPPORTED_IMAGE',
        'EXTERNAL_KEY_CONFLICT',
        null,
        'Created',
        'Created',
        'EXTERNAL_KEY_CONFLICT',
      ],
    );
    assert.equal(results[1].status, 400);
    assert.equal(results[1].requestId, 'test');
    assert.equal(service.faceCount(collectionId), 3);
    const { faceId } = await service.call('searchFace', { collectionId }, { image: second });
    assert.equal(faceId, results[0].faceId);
  });

  test('takes several pictures of a person where duplicates are allowed', async () => {
    const { results } = await batch(
      (await samePerson()).map((image): [string, Buffer] => ['a', image]),
      { allowDuplicates: true },
    );
    assert.deepEqual(
      results.map(({ result }: { result: string }) => result),
      ['Created', 'Updated'],
    );
  });

  test('that fails altogether answers the first error, and in it every one', async () => {
    const broken = Buffer.from('no picture at all');
    await assert.rejects(
      batch([
        ['a', broken],
        ['b', broken],
      ]),
      (error: { code: string; errors: { path: string; message: string }[] }) => {
        assert.equal(error.code, 'UNSUPPORTED_IMAGE');
        assert.deepEqual(
          error.errors.map(({ path }) => path),
          ['/faces/0', '/faces/1'],
        );
        assert.match(error.errors[1]?.message ?? '', /^UNSUPPORTED_IMAGE: /);
        return true;
      },
    );
  });

  test('is refused as a whole where the collection or the caller will not do', async () => {
    const one: [string, Buffer][] = [['a', person(0)]];
    const rejected = (parameters: object, caller = service.caller()) =>
      batch(one, parameters, caller).then(
        () => 'succeeded',
        (error: { code: string }) => error.code,
      );
    assert.equal(await rejected({ collectionId: 'absent' }), 'COLLECTION_NOT_FOUND');
    const limited = service.caller({ allowedExternalKeys: ['a'] });
    assert.equal(await rejected({}, limited), 'FACE_NOT_ALLOWED');
    assert.equal(service.faceCount(collectionId), 0);
  });
});
