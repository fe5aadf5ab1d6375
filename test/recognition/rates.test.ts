import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { type Criterion, thresholdFor } from '../../src/recognition/match-criterion.ts';
import { falseMatchRateAt, falsePositiveRateFor } from '../../src/vision/false-match-rate.ts';
import type { Recognizer } from '../../src/vision/recognizer.ts';
import { SimilarityScale } from '../../src/vision/similarity.ts';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople, emptyPicture, samePerson } from '../../testing/sample-faces.ts';

let service: TestService;
let people: Buffer[];
let anna: Buffer;
let annaAgain: Buffer;
let nobody: Buffer;
before(async () => {
  [service, people] = await Promise.all([TestService.open(), differentPeople()]);
  [[anna, annaAgain], nobody] = await Promise.all([samePerson(), emptyPicture()]);
});
after(() => service.close());

async function addStrangers(collectionId: string, count: number): Promise<void> {
  const record = { box: { x: 0, y: 0, width: 1, height: 1 }, confidence: 1, createdAt: service.now };
  const { space } = service.recognizer;
  for (let i = 0; i < count; i++) {
    const template = new Float32Array(service.recognizer.dimension);
    template[i % template.length] = 1;
    const row = space.row(template);
    const face = { ...record, ...service.recognizer.packId };
    const key = { externalKey: `stranger-${i}`, allowDuplicates: true };
    const { gallery, label } = await service.store.faces.add(service.caller(), collectionId, face, row, key);
    await service.indexes.add(gallery, label, row, space);
  }
}

const SEARCHES = ['searchFace', 'searchOrIndexFace', 'identifyFace', 'recognizeFaces'] as const;

function refused(name: string, pattern: RegExp) {
  return (error: { code: string; message: string; errors: { path: string }[] }) => {
    assert.equal(error.code, 'VALIDATION_FAILED');
    assert.match(error.message, pattern);
    assert.ok(error.errors.some(({ path }) => path === `/${name}`));
    return true;
  };
}

describe('a false positive rate', () => {
  const collectionId = 'gallery';
  before(async () => {
    await service.call('createCollection', { collectionId });
    await addStrangers(collectionId, 99);
    await service.call('enrollFace', { collectionId, externalKey: 'anna' }, { image: anna });
  });

  test('sets the threshold of every search by the number of faces', async () => {
    for (const operation of SEARCHES) {
      // 1e-2 among 100 faces is about 1e-4 in each comparison.
      const body = { collectionId, maxFalsePositiveRate: 0.01 };
      const answer = await service.call(operation, body, { image: annaAgain });
      assert.equal(answer.faceMatchThreshold, 79.98, operation);
      const [match] = answer.matches ?? answer.faces?.[0].matches ?? [answer];
      assert.equal(match.externalKey, 'anna', operation);
      assert.equal(match.falseMatchRate, falseMatchRateAt(match.similarity));
    }
    const { faceId } = (await service.call('searchFace', { collectionId }, { image: annaAgain })) as {
      faceId: string;
    };
    const byId = { collectionId, faceId, maxFalsePositiveRate: 0.01 };
    // The face itself is not compared: 99 faces.
    assert.equal((await service.call('searchByFaceId', byId)).faceMatchThreshold, 79.94);
  });

  test('counts the faces that the caller may see', async () => {
    const caller = service.caller({ allowedExternalKeys: ['anna', 'stranger-1', 'unknown'] });
    const search = async (maxFalsePositiveRate: number) =>
      service.call('identifyFace', { collectionId, maxFalsePositiveRate }, { caller, image: annaAgain });
    // 1e-3 among 2 faces.
    const answer = await search(0.001);
    assert.equal(answer.faceMatchThreshold, 73.01);
    assert.equal(answer.matches[0].externalKey, 'anna');
    assert.equal((await search(2e-6)).faceMatchThreshold, 95);
  });

  test('below what the scale covers is refused with the least rate, which then works', async () => {
    for (const operation of SEARCHES) {
      const ask = (maxFalsePositiveRate: number, image = anna) =>
        service.call(operation, { collectionId, maxFalsePositiveRate }, { image });
      await assert.rejects(ask(9e-5), refused('maxFalsePositiveRate', /at least 0\.0001, .*100 faces/));
      assert.equal((await ask(1e-4)).faceMatchThreshold, 95, operation);
      await assert.rejects(ask(1e-6, Buffer.from('none')), refused('maxFalsePositiveRate', /at least/));
    }
  });

  test('and a threshold are refused together', async () => {
    for (const operation of SEARCHES) {
      const body = { collectionId, maxFalsePositiveRate: 0.01, faceMatchThreshold: 80 };
      for (const name of ['maxFalsePositiveRate', 'faceMatchThreshold']) {
        await assert.rejects(service.call(operation, body, { image: anna }), refused(name, /either/));
      }
    }
  });

  test('names its threshold also without a face, and in the event', async () => {
    const body = { collectionId, maxFalsePositiveRate: 0.01 };
    for (const operation of SEARCHES) {
      assert.equal(
        (await service.call(operation, body, { image: nobody })).faceMatchThreshold,
        79.98,
        operation,
      );
    }
    await service.call('searchFace', { ...body, source: 'door' }, { image: annaAgain });
    await service.events.flush();
    const { events } = await service.call('listEvents', { collectionId, source: 'door' });
    assert.deepEqual([events.length, events[0].result, events[0].threshold], [1, 'match', 79.98]);
  });

  test('rises with each face that is added', async () => {
    await service.call('createCollection', { collectionId: 'growing' });
    const thresholds: number[] = [];
    for (const [i, image] of people.slice(0, 3).entries()) {
      const body = { collectionId: 'growing', maxFalsePositiveRate: 0.001 };
      const answer = await service.call('searchOrIndexFace', body, { image });
      assert.equal(answer.resultSource, 'Index', `image ${i}`);
      thresholds.push(answer.faceMatchThreshold);
    }
    assert.deepEqual(thresholds, [70, 70, 73.01]);
  });

  test('of parallel calls with one person adds one face', async () => {
    await service.call('createCollection', { collectionId: 'parallel', maxFalsePositiveRate: 0.001 });
    const body = { collectionId: 'parallel' };
    const calls = [anna, annaAgain, anna].map((image) => service.call('searchOrIndexFace', body, { image }));
    const answers = await Promise.all(calls);
    assert.equal(answers.filter(({ resultSource }) => resultSource === 'Index').length, 1);
  });
});

describe('a false match rate', () => {
  const verify = (parameters: Record<string, unknown>) =>
    service.call('verifyFace', parameters, { images: { image: [anna], targetImage: [annaAgain] } });

  test('sets the threshold of a comparison', async () => {
    for (const [maxFalseMatchRate, threshold] of [
      [1e-3, 70],
      [1e-6, 95],
      [5e-4, 73.02],
    ]) {
      const answer = await verify({ maxFalseMatchRate });
      assert.equal(answer.faceMatchThreshold, threshold);
      assert.equal(answer.isMatch, answer.similarity >= answer.faceMatchThreshold);
      assert.equal(answer.falseMatchRate, falseMatchRateAt(answer.similarity));
    }
  });

  test('and a threshold are refused together', async () => {
    const both = { maxFalseMatchRate: 1e-3, faceMatchThreshold: 80 };
    await assert.rejects(verify(both), refused('maxFalseMatchRate', /either/));
  });
});

describe('a collection', () => {
  const get = async (collectionId: string) =>
    (await service.call('getCollection', { collectionId })).recognitionCollection;

  test('has default rates, which the rate or threshold of a call overrides', async () => {
    const collectionId = 'defaults';
    const rates = { maxFalsePositiveRate: 0.001, maxFalseMatchRate: 1e-5 };
    await service.call('createCollection', { collectionId, ...rates });
    const { faceMatchThreshold, maxFalsePositiveRate, maxFalseMatchRate } = await get(collectionId);
    assert.deepEqual(
      { faceMatchThreshold, maxFalsePositiveRate, maxFalseMatchRate },
      { ...rates, faceMatchThreshold: null },
    );
    const threshold = async (operation: string, own = {}) => {
      const images = { image: [anna], ...(operation === 'verifyFace' ? { targetImage: [anna] } : {}) };
      return (await service.call(operation, { collectionId, ...own }, { images })).faceMatchThreshold;
    };
    assert.equal(await threshold('searchFace'), 70);
    assert.equal(await threshold('searchFace', { faceMatchThreshold: 85 }), 85);
    assert.equal(await threshold('searchFace', { maxFalsePositiveRate: 0.01 }), 60);
    assert.equal(await threshold('verifyFace'), 90);
    assert.equal(await threshold('verifyFace', { maxFalseMatchRate: 1e-4 }), 80);
    const change = {
      collectionId,
      maxFalsePositiveRate: null,
      maxFalseMatchRate: null,
      faceMatchThreshold: 75,
    };
    await service.call('updateCollection', change);
    assert.equal(await threshold('searchFace'), 75);
    assert.equal(await threshold('verifyFace'), 75);
    assert.equal(await threshold('searchFace', { maxFalsePositiveRate: 0.01 }), 60);
  });

  test('has a threshold or rates, not both', async () => {
    const collectionId = 'one';
    const both = { collectionId, faceMatchThreshold: 80, maxFalseMatchRate: 1e-4 };
    await assert.rejects(service.call('createCollection', both), refused('maxFalseMatchRate', /either/));
    await service.call('createCollection', { collectionId, faceMatchThreshold: 80 });
    const change = { collectionId, maxFalsePositiveRate: 0.01 };
    await assert.rejects(service.call('updateCollection', change), refused('faceMatchThreshold', /null/));
    assert.equal((await get(collectionId)).maxFalsePositiveRate, null);
    await service.call('updateCollection', { ...change, faceMatchThreshold: null });
    const { faceMatchThreshold, maxFalsePositiveRate } = await get(collectionId);
    assert.deepEqual([faceMatchThreshold, maxFalsePositiveRate], [null, 0.01]);
  });

  test('is refused a rate that its number of faces does not allow', async () => {
    const change = { collectionId: 'gallery', maxFalsePositiveRate: 1e-5 };
    await assert.rejects(
      service.call('updateCollection', change),
      refused('maxFalsePositiveRate', /100 faces/),
    );
  });
});

describe('a threshold for a rate', () => {
  const recognizer = (last: number) => {
    const points: [number, number][] = [[-1, 0], [0.4, 80], [0.5, last], [1, 100]]; // biome-ignore format: short
    return { similarity: new SimilarityScale(points), packId: { pack: 'p' } } as unknown as Recognizer;
  };
  const refusal = (criterion: Criterion, faces: number, last = 95) => {
    try {
      thresholdFor(criterion, faces, recognizer(last));
    } catch (error) {
      return (error as Error).message;
    }
    return null;
  };

  test('exists for the rate that a refusal names, and for no rate that is clearly lower', () => {
    const logRate = fc.double({ min: -6, max: -1, noNaN: true });
    fc.assert(
      fc.property(
        logRate,
        fc.integer({ min: 1, max: 100_000 }),
        fc.constantFrom(90, 95),
        (log, faces, last) => {
          const refused = refusal({ maxFalsePositiveRate: 10 ** log }, faces, last);
          const least = falsePositiveRateFor(falseMatchRateAt(last), faces);
          assert.equal(refused !== null, 10 ** log < least * (1 - 1e-9));
          const named = Number(/at least ([\d.e-]+),/.exec(refused ?? '')?.[1] ?? 'NaN');
          if (!refused || Number.isNaN(named)) return;
          assert.equal(refusal({ maxFalsePositiveRate: named }, faces, last), null);
          assert.ok(named < least * 1.01);
        },
      ),
    );
  });

  test('of a collection too large for any rate does not exist', () => {
    const message = refusal({ maxFalsePositiveRate: 0.1 }, 1_000_000) ?? '';
    assert.match(message, /expected no rate, but faceMatchThreshold .*0\.633.*1,000,000 faces/);
  });

  test('of a comparison ends where the scale does', () => {
    assert.equal(refusal({ maxFalseMatchRate: 1e-5 }, 1, 90), null);
    assert.match(refusal({ maxFalseMatchRate: 1e-6 }, 1, 90) ?? '', /at least 0\.00001,/);
  });
});
