import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople, emptyPicture, samplePicture } from '../../testing/sample-faces.ts';

let service: TestService;
let person: Buffer;
let nobody: Buffer;

before(async () => {
  service = await TestService.open();
  [person, nobody] = [(await differentPeople())[0] as Buffer, await emptyPicture()];
});
after(() => service.close());

const LANDMARKS = ['eyeLeft', 'eyeRight', 'nose', 'mouthLeft', 'mouthRight'];

describe('detect', () => {
  const detect = (image: Buffer, parameters = {}) => service.call('detectFaces', parameters, { image });

  test('finds every face, largest first, with everything that is known of it', async () => {
    const { faces, hasFace, unprocessedFaceCount } = await detect(samplePicture(4));
    assert.ok(faces.length >= 4);
    assert.deepEqual([hasFace, unprocessedFaceCount], [true, 0]);
    let last = Number.POSITIVE_INFINITY;
    for (const { boundingBox, landmarks, pose, quality, confidence } of faces.slice(0, 4)) {
      assert.ok(confidence > 0.5);
      const area = boundingBox.width * boundingBox.height;
      assert.ok(area <= last * 1.05);
      last = area;
      assert.deepEqual(
        landmarks.map(({ type }: { type: string }) => type),
        LANDMARKS,
      );
      const [eyeLeft, eyeRight, nose, mouthLeft] = landmarks;
      assert.ok(eyeLeft.x < nose.x + boundingBox.width / 2 && eyeLeft.x < eyeRight.x);
      assert.ok(eyeLeft.y < mouthLeft.y);
      assert.ok(nose.x > boundingBox.x && nose.x < boundingBox.x + boundingBox.width);
      assert.ok(Math.abs(pose.yaw) < 90);
      assert.ok(quality.score > 0);
    }
  });

  test('answers at most as many as asked for, and counts the others', async () => {
    const all = await detect(samplePicture(4), { attributes: 'none' });
    const { faces, unprocessedFaceCount } = await detect(samplePicture(4), {
      maxFaces: 2,
      attributes: 'none',
    });
    assert.deepEqual(faces, all.faces.slice(0, 2));
    assert.equal(unprocessedFaceCount, all.faces.length - 2);
    for (const face of faces) assert.deepEqual(Object.keys(face), ['confidence', 'boundingBox']);
  });

  test('answers an empty list where there is nobody, and stores nothing', async () => {
    const answer = { faces: [], hasFace: false, unprocessedFaceCount: 0 };
    assert.deepEqual(await detect(nobody), answer);
    assert.equal(service.indexes.totals().templates, 0);
  });

  test('takes a least size of faces', async () => {
    const small = await detect(samplePicture(1), { minFaceSize: 24, attributes: 'none' });
    const large = await detect(samplePicture(1), { minFaceSize: 200, attributes: 'none' });
    assert.ok(small.faces.length >= large.faces.length && large.faces.length > 0);
    const code = await service.code('detectFaces', { minFaceSize: 15 }, { image: person });
    assert.equal(code, 'VALIDATION_FAILED');
  });

  test('is for a key of any collection, and of the pack only that it may use', async () => {
    const bound = service.caller({ collectionId: 'some', allowedExternalKeys: [] });
    assert.ok((await service.call('detectFaces', {}, { caller: bound, image: person })).hasFace);
    const caller = service.caller({ allowedModels: ['other'] });
    assert.equal(await service.code('detectFaces', {}, { caller, image: person }), 'MODEL_NOT_ALLOWED');
    const model = { model: 'third' };
    assert.equal(await service.code('detectFaces', model, { image: person }), 'VALIDATION_FAILED');
  });
});

describe('attributes', () => {
  test('are shown by every call about a picture where they are asked for, and not else', async () => {
    const collectionId = 'c';
    await service.call('createCollection', { collectionId });
    const calls: [string, Record<string, unknown>][] = [
      ['indexFace', { collectionId }],
      ['searchFace', { collectionId }],
      ['searchOrIndexFace', { collectionId }],
      ['enrollFace', { collectionId, externalKey: 'k' }],
      ['identifyFace', { collectionId }],
      ['verifyFace', { collectionId, externalKey: 'k' }],
      ['checkLiveness', {}],
    ];
    const shown = (await service.call('detectFaces', {}, { image: person })).faces[0];
    for (const [operation, parameters] of calls) {
      const { face } = await service.call(
        operation,
        {
          ...parameters,
          attributes: 'all',
          ...(operation === 'enrollFace' ? { allowDuplicates: true } : {}),
        },
        { image: person },
      );
      assert.deepEqual(face, shown, operation);
      const again = operation === 'enrollFace' ? { allowDuplicates: true } : {};
      const plain = await service.call(operation, { ...parameters, ...again }, { image: person });
      assert.deepEqual(Object.keys(plain.face), ['confidence', 'boundingBox'], operation);
    }
  });
});

describe('liveness', () => {
  test('judges a picture, or several of them together', async () => {
    const one = await service.call('checkLiveness', {}, { image: person });
    assert.equal(one.hasFace, true);
    assert.ok(one.confidence >= 0.5 && one.confidence <= 1);
    const frames = { images: [person, nobody, person] };
    const several = await service.call('checkLiveness', {}, { images: frames });
    assert.deepEqual(several, one, 'the same picture twice says the same, and one without a face nothing');
  });

  test('says of a picture without a face neither', async () => {
    const nothing = { isLive: false, confidence: null, spoofType: null, face: null, hasFace: false };
    assert.deepEqual(await service.call('checkLiveness', {}, { image: nobody }), nothing);
    assert.deepEqual(
      await service.call('checkLiveness', {}, { images: { images: [nobody, nobody] } }),
      nothing,
    );
  });

  test('takes either image or images', async () => {
    assert.equal(await service.code('checkLiveness', {}, { images: {} }), 'VALIDATION_FAILED');
    const both = { image: [person], images: [person] };
    assert.equal(await service.code('checkLiveness', {}, { images: both }), 'VALIDATION_FAILED');
  });

  test('says which of several pictures cannot be read', async () => {
    const images = { images: [person, Buffer.from('no picture at all')] };
    await assert.rejects(
      service.call('checkLiveness', {}, { images }),
      (error: { code: string; errors: { path: string }[] }) =>
        error.code === 'UNSUPPORTED_IMAGE' && error.errors[0]?.path === '/images/1',
    );
  });
});
