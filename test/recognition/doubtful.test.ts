import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { portrait } from '../../testing/photographs.ts';
import { TestService } from '../../testing/recognition-service.ts';

const FIXTURES = new URL('../../../test/fixtures/detection/', import.meta.url);
const collectionId = 'doubts';

let service: TestService;
before(async () => {
  service = await TestService.open();
  await service.call('createCollection', { collectionId, minQuality: 0 });
});
after(() => service.close());

const fixture = (name: string) => readFileSync(new URL(name, FIXTURES));
const blurred = async (person: 'bea' | 'dora') =>
  sharp(await portrait(person))
    .blur(9)
    .jpeg({ quality: 90 })
    .toBuffer();

describe('an uncertain face', () => {
  test('is not added, with the reason', async () => {
    for (const operation of ['indexFace', 'searchOrIndexFace', 'enrollFace']) {
      const key = operation === 'enrollFace' ? { externalKey: 'k' } : {};
      const parameters = { collectionId, attributes: 'all', ...key };
      const answer = await service.call(operation, parameters, { image: fixture('blurred-1.jpg') });
      assert.deepEqual([answer.hasFace, answer.faceId], [true, null]);
      assert.equal(answer.refusal.code, 'UNCERTAIN_FACE');
      assert.ok(answer.face.quality.reasons.includes('UNCERTAIN_FACE'));
    }
    assert.equal(service.faceCount(collectionId), 0);
  });

  test('matches no face, not even its own', async () => {
    const image = [fixture('blurred-1.jpg')];
    const targetImage = [fixture('blurred-2.jpg')];
    const stranger = await service.call('verifyFace', {}, { images: { image, targetImage } });
    assert.deepEqual([stranger.hasFace, stranger.isMatch], [true, false]);
    const own = await service.call('verifyFace', {}, { images: { image, targetImage: image } });
    assert.ok(own.similarity >= 95, `${own.similarity}`);
    assert.equal(own.isMatch, false);
  });
});

describe('two blurred faces', () => {
  test('never match, while a blurred and a sharp face may', async () => {
    const [sharpBea, bea, dora] = [await portrait('bea'), await blurred('bea'), await blurred('dora')];
    const { faces } = await service.call('detectFaces', { attributes: 'all' }, { image: bea });
    assert.deepEqual(faces[0].quality.reasons, ['LOW_SHARPNESS']);
    const { faceId } = await service.call('indexFace', { collectionId }, { image: bea });
    assert.ok(faceId);
    for (const image of [bea, dora]) {
      const found = await service.call('searchFace', { collectionId, faceMatchThreshold: 2 }, { image });
      assert.equal(found.faceId, null);
      const parameters = { collectionId, faceId, faceMatchThreshold: 2 };
      assert.equal((await service.call('verifyFace', parameters, { image })).isMatch, false);
    }
    const found = await service.call(
      'searchFace',
      { collectionId, faceMatchThreshold: 2 },
      { image: sharpBea },
    );
    assert.equal(found.faceId, faceId);
  });

  test('are those whose own sharpness says so, stored or not, whatever their quality', async () => {
    await service.call('createCollection', { collectionId: 'one-rule', minQuality: 0 });
    const image = await sharp(await portrait('bea'))
      .blur(4)
      .linear(0.3, 0)
      .jpeg({ quality: 92 })
      .toBuffer();
    const { face, faceId } = await service.call(
      'indexFace',
      { collectionId: 'one-rule', attributes: 'all' },
      { image },
    );
    assert.deepEqual(face.quality.reasons, ['LOW_LIGHT', 'LOW_SHARPNESS']);
    assert.ok(face.quality.score < 10, `${face.quality.score}`);
    const found = await service.call('searchFace', { collectionId: 'one-rule' }, { image });
    assert.equal(found.faceId, faceId);
    const stored = await service.call('verifyFace', { collectionId: 'one-rule', faceId }, { image });
    const both = await service.call('verifyFace', {}, { images: { image: [image], targetImage: [image] } });
    assert.deepEqual([stored.isMatch, both.isMatch], [true, true]);
  });

  test('are left out of a person who also has a sharp face', async () => {
    const person = { collectionId: 'several', externalKey: 'bea' };
    await service.call('createCollection', { collectionId: 'several', minQuality: 0 });
    const faint = await blurred('bea');
    const enrolled = [];
    for (const image of [faint, await portrait('bea')]) {
      const parameters = { ...person, allowDuplicates: true };
      enrolled.push((await service.call('enrollFace', parameters, { image })).faceId);
    }
    const least = { faceMatchThreshold: 2 };
    const verified = await service.call('verifyFace', { ...person, ...least }, { image: faint });
    const parameters = { collectionId: 'several', faceId: enrolled[1], ...least };
    const alone = await service.call('verifyFace', parameters, { image: faint });
    assert.deepEqual([verified.isMatch, verified.similarity], [true, alone.similarity]);
    const { matches } = await service.call(
      'identifyFace',
      { collectionId: 'several', ...least },
      { image: faint },
    );
    assert.deepEqual(
      matches.map(({ faceId, similarity }: { faceId: string; similarity: number }) => [faceId, similarity]),
      [[enrolled[1], alone.similarity]],
    );
  });
});
