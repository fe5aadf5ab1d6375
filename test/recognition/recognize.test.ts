import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { photograph, portrait } from '../../testing/photographs.ts';
import { TestService } from '../../testing/recognition-service.ts';
import { emptyPicture } from '../../testing/sample-faces.ts';

const collectionId = 'guests';

let service: TestService;
before(async () => {
  service = await TestService.open();
  await service.call('createCollection', { collectionId });
  // Photograph 1 shows Anna, Bea and one more; photograph 3 shows Anna and Dora.
  for (const person of ['annaElsewhere', 'bea', 'dora'] as const) {
    const image = await portrait(person);
    await service.call('enrollFace', { collectionId, externalKey: person }, { image });
  }
});
after(() => service.close());

const recognize = (image: Buffer, parameters = {}, caller = service.caller()) =>
  service.call('recognizeFaces', { collectionId, ...parameters }, { caller, image });
const keysOf = ({ faces }: { faces: { matches: { externalKey: string }[] }[] }) =>
  faces.map(({ matches }) => matches.map(({ externalKey }) => externalKey));

describe('recognize', () => {
  test('answers each face with its best match, largest first', async () => {
    const answer = await recognize(photograph(1));
    const { faces } = await service.call('detectFaces', { attributes: 'none' }, { image: photograph(1) });
    assert.deepEqual(
      answer.faces.map(({ boundingBox, confidence }: object & Record<string, unknown>) => {
        return { confidence, boundingBox };
      }),
      faces,
    );
    assert.deepEqual([answer.hasFace, answer.unprocessedFaceCount, answer.faceMatchThreshold], [true, 0, 80]);
    assert.deepEqual(keysOf(answer).flat().toSorted(), ['annaElsewhere', 'bea']);
    for (const { matches } of answer.faces) {
      for (const { rank, similarity } of matches) assert.ok(rank === 1 && similarity > 80);
    }
    const alone = await service.call('identifyFace', { collectionId }, { image: await portrait('bea') });
    const bea = answer.faces.flatMap(({ matches }: { matches: { externalKey: string }[] }) =>
      matches.filter(({ externalKey }) => externalKey === 'bea'),
    );
    assert.equal(bea[0].faceId, alone.matches[0].faceId);
  });

  test('takes at most as many faces and matches as requested', async () => {
    const { faces, unprocessedFaceCount } = await recognize(photograph(1), {
      maxFaces: 1,
      maxResults: 100,
      faceMatchThreshold: 0,
      attributes: 'all',
    });
    assert.deepEqual([faces.length, unprocessedFaceCount], [1, 2]);
    assert.equal(faces[0].matches.length, 3);
    assert.ok(faces[0].landmarks && faces[0].pose && faces[0].quality);
    for (const wrong of [
      { maxFaces: 0 },
      { maxFaces: 101 },
      { maxResults: 101 },
      { faceMatchThreshold: 0.5 },
    ]) {
      const code = service.code('recognizeFaces', { collectionId, ...wrong }, { image: photograph(1) });
      assert.equal(await code, 'VALIDATION_FAILED');
    }
  });

  test('answers an empty list where nobody is', async () => {
    assert.deepEqual(await recognize(await emptyPicture()), {
      faces: [],
      hasFace: false,
      unprocessedFaceCount: 0,
      faceMatchThreshold: 80,
    });
  });

  test('finds only the faces that the caller may see', async () => {
    const caller = service.caller({ allowedExternalKeys: ['bea'] });
    assert.deepEqual(keysOf(await recognize(photograph(1), {}, caller)).flat(), ['bea']);
    const code = (parameters: object, limits = {}) => {
      const options = { caller: service.caller(limits), image: photograph(1) };
      return service.code('recognizeFaces', { collectionId, ...parameters }, options);
    };
    assert.equal(await code({ collectionId: 'absent' }), 'COLLECTION_NOT_FOUND');
    assert.equal(await code({}, { accountId: 'acc_other' }), 'COLLECTION_NOT_FOUND');
    assert.equal(await code({}, { collectionId: 'other' }), 'COLLECTION_NOT_ALLOWED');
  });

  test('uses the threshold of the collection, and leaves one event for each face', async () => {
    await service.call('updateCollection', { collectionId, faceMatchThreshold: 99.5 });
    await service.events.flush();
    const owner = service.caller();
    const from = service.store.events.newestId(owner);
    const answer = await recognize(photograph(1), { source: 'lobby' });
    assert.equal(answer.faceMatchThreshold, 99.5);
    assert.deepEqual(keysOf(answer).flat(), ['bea']);
    await recognize(photograph(1), { faceMatchThreshold: 80 });
    await recognize(await emptyPicture());
    await service.events.flush();
    const { events } = await service.store.events.pageAfter(owner, {}, { from, limit: 100, scan: 1000 });
    const seen = events.map(({ type, result, externalKey, threshold, source }) => {
      return `${type} ${result} ${externalKey} ${threshold} ${source}`;
    });
    const none = 'recognize no_match null 99.5 lobby';
    assert.deepEqual(seen.slice(0, 3).toSorted(), ['recognize match bea 99.5 lobby', none, none]);
    assert.deepEqual(seen.slice(3, 6).toSorted(), [
      'recognize match annaElsewhere 80 null',
      'recognize match bea 80 null',
      'recognize no_match null 80 null',
    ]);
    assert.deepEqual(seen.slice(6), ['recognize no_face null 99.5 null']);
    await service.call('updateCollection', { collectionId, faceMatchThreshold: null });
  });
});
