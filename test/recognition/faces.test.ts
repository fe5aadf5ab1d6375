import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import sharp from 'sharp';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople, emptyPicture, samePerson, samplePicture } from '../../testing/sample-faces.ts';

const collectionId = 'people';
const UNKNOWN = 'face_00000000000000000000000000';

let service: TestService;
let people: Buffer[];

before(async () => {
  [service, people] = await Promise.all([TestService.open(), differentPeople()]);
});
after(() => service.close());
beforeEach(async () => {
  await service.call('deleteCollection', { collectionId });
  await service.call('createCollection', { collectionId });
});

function person(i: number): Buffer {
  const picture = people[i];
  assert.ok(picture);
  return picture;
}

async function index(image: Buffer): Promise<string> {
  return (await service.call('indexFace', { collectionId }, { image })).faceId;
}

describe('search', () => {
  test('finds the right person in another picture', async () => {
    const [first, second] = await samePerson();
    const faceId = await index(first);
    for (let i = 1; i < 12; i++) await index(person(i));
    const answer = await service.call('searchFace', { collectionId }, { image: second });
    assert.equal(answer.faceId, faceId);
    assert.ok(answer.similarity >= 80 && answer.similarity < 100);
    assert.equal(answer.externalKey, null);
    assert.equal(answer.unprocessedFaceCount, 0);
  });

  test('looks for faces of the size that the call asks for', async () => {
    await index(person(0));
    const small = await sharp(person(0)).resize({ width: 96 }).toBuffer();
    const image = await sharp({ create: { width: 1920, height: 1080, channels: 3, background: '#888' } })
      .composite([{ input: small, left: 900, top: 500 }])
      .jpeg({ quality: 95 })
      .toBuffer();
    for (const operation of ['searchFace', 'identifyFace', 'indexFace', 'detectFaces']) {
      const parameters = operation === 'detectFaces' ? {} : { collectionId };
      assert.ok((await service.call(operation, parameters, { image })).hasFace, operation);
      const coarse = await service.call(operation, { ...parameters, minFaceSize: 512 }, { image });
      assert.equal(coarse.hasFace, false, operation);
    }
  });

  test('finds nobody among others', async () => {
    const [, image] = await samePerson();
    for (let i = 1; i < 12; i++) await index(person(i));
    const { face, ...answer } = await service.call('searchFace', { collectionId }, { image });
    assert.ok(face.confidence > 0.7);
    assert.deepEqual(answer, {
      faceId: null,
      externalKey: null,
      similarity: null,
      falseMatchRate: null,
      faceMatchThreshold: 80,
      hasFace: true,
      unprocessedFaceCount: 0,
    });
  });

  test('holds a match against the threshold, in the two decimals that it shows', async () => {
    const [first, second] = await samePerson();
    await index(first);
    const search = (faceMatchThreshold: number) =>
      service.call('searchFace', { collectionId, faceMatchThreshold }, { image: second });
    const { similarity } = await search(0);
    assert.equal((await search(similarity)).similarity, similarity);
    assert.equal((await search(Number((similarity + 0.01).toFixed(2)))).faceId, null);
  });

  test('takes thresholds from 0 to 100 only', async () => {
    for (const faceMatchThreshold of [-0.1, 100.1, '80', null]) {
      const code = await service.code(
        'searchFace',
        { collectionId, faceMatchThreshold },
        { image: person(0) },
      );
      assert.equal(code, 'VALIDATION_FAILED');
    }
  });

  test('answers for the picture itself with a similarity of at least 95', async () => {
    const faceId = await index(person(3));
    const answer = await service.call(
      'searchFace',
      { collectionId, faceMatchThreshold: 95 },
      { image: person(3) },
    );
    assert.equal(answer.faceId, faceId);
    assert.ok(answer.similarity >= 95, `${answer.similarity}`);
  });

  test('processes the largest face of a group and counts the others', async () => {
    const image = samplePicture(3);
    const answer = await service.call('indexFace', { collectionId }, { image });
    assert.equal(answer.unprocessedFaceCount, 2);
    const { boundingBox } = answer.face;
    assert.ok(boundingBox.x > 1000 && boundingBox.x + boundingBox.width <= 1400);
    const again = await service.call('searchFace', { collectionId }, { image: person(0) });
    assert.equal(again.faceId, answer.faceId);
  });

  test('keeps the box in whole pixels inside the picture, also where the face is cut off', async () => {
    const cut = await sharp(person(4)).extract({ left: 50, top: 0, width: 110, height: 150 }).toBuffer();
    const { face, hasFace } = await service.call('searchFace', { collectionId }, { image: cut });
    assert.ok(hasFace);
    const { x, y, width, height } = face.boundingBox;
    assert.ok([x, y, width, height].every(Number.isInteger));
    assert.ok(x >= 0 && y >= 0 && x + width <= 110 && y + height <= 150);
    assert.equal(face.confidence, Number(face.confidence.toFixed(4)));
  });
});

describe('a picture without a face', () => {
  test('is answered, and adds nothing', async () => {
    const image = await emptyPicture();
    const nothing = { face: null, hasFace: false, unprocessedFaceCount: 0, faceId: null };
    const noMatch = { externalKey: null, similarity: null, falseMatchRate: null };
    const found = { ...nothing, ...noMatch, faceMatchThreshold: 80 };
    assert.deepEqual(await service.call('searchFace', { collectionId }, { image }), found);
    assert.deepEqual(await service.call('indexFace', { collectionId }, { image }), nothing);
    const answer = await service.call('searchOrIndexFace', { collectionId }, { image });
    assert.deepEqual(answer, { ...found, resultSource: 'None' });
    assert.equal(service.faceCount(collectionId), 0);
  });
});

describe('index', () => {
  test('adds the same person again and again, without a key', async () => {
    const ids = [await index(person(0)), await index(person(0))];
    assert.equal(new Set(ids).size, 2);
    for (const faceId of ids) assert.match(faceId, /^face_[0-9A-HJKMNP-TV-Z]{26}$/);
    assert.equal(service.faceCount(collectionId), 2);
  });

  test('is found by the next search, and after a restart', async () => {
    const faceId = await index(person(2));
    const search = async () =>
      (await service.call('searchFace', { collectionId }, { image: person(2) })).faceId;
    assert.equal(await search(), faceId);
    await service.restart();
    assert.equal(await search(), faceId);
    assert.equal(service.faceCount(collectionId), 1);
  });

  test('stays in its collection', async () => {
    await service.call('createCollection', { collectionId: 'second' });
    await index(person(2));
    const answer = await service.call('searchFace', { collectionId: 'second' }, { image: person(2) });
    assert.equal(answer.faceId, null);
    await service.call('deleteCollection', { collectionId: 'second' });
  });
});

describe('search-or-index', () => {
  const call = (image: Buffer, faceMatchThreshold = 95) =>
    service.call('searchOrIndexFace', { collectionId, faceMatchThreshold }, { image });

  test('adds who is new and finds who is known', async () => {
    const added = await call(person(0));
    assert.equal(added.resultSource, 'Index');
    assert.equal(added.similarity, null);
    const found = await call(person(0));
    assert.deepEqual([found.resultSource, found.faceId, found.similarity], ['Search', added.faceId, 100]);
    assert.equal((await call(person(1))).resultSource, 'Index');
    assert.equal(service.faceCount(collectionId), 2);
  });

  test('adds one face however many parallel calls bring the same person', async (t) => {
    const analyze = service.recognizer.analyze.bind(service.recognizer);
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let seen = 0;
    t.mock.method(service.recognizer, 'analyze', async (...args: Parameters<typeof analyze>) => {
      const analysis = await analyze(...args);
      if (++seen === 32) open();
      await gate;
      return analysis;
    });
    const answers = await Promise.all(Array.from({ length: 32 }, () => call(person(5))));
    assert.equal(new Set(answers.map(({ faceId }) => faceId)).size, 1);
    assert.equal(answers.filter(({ resultSource }) => resultSource === 'Index').length, 1);
    assert.equal(service.faceCount(collectionId), 1);
  });

  test('adds each of several people once in parallel calls', async () => {
    const pictures = Array.from({ length: 32 }, (_, i) => person(i % 4));
    const answers = await Promise.all(pictures.map((image) => call(image)));
    for (let i = 4; i < 32; i++) assert.equal(answers[i].faceId, answers[i % 4].faceId);
    assert.equal(service.faceCount(collectionId), 4);
  });

  test('goes on after a call that failed inside the lock', async () => {
    const calls = [call(person(0)), call(person(1)), call(person(2))];
    await service.call('deleteCollection', { collectionId });
    const settled = await Promise.allSettled(calls);
    for (const result of settled) {
      if (result.status === 'rejected') assert.equal(result.reason.code, 'COLLECTION_NOT_FOUND');
    }
    await service.call('createCollection', { collectionId });
    assert.equal((await call(person(0))).resultSource, 'Index');
  });
});

describe('delete', () => {
  test('by id takes the face, its key and nothing else', async () => {
    const [gone, kept] = [await index(person(0)), await index(person(1))];
    await service.call('setExternalKey', { collectionId, faceId: gone, externalKey: 'k' });
    assert.deepEqual(await service.call('deleteFace', { collectionId, faceId: gone }), {});
    const search = async (image: Buffer) =>
      (await service.call('searchFace', { collectionId, faceMatchThreshold: 95 }, { image })).faceId;
    assert.equal(await search(person(0)), null);
    assert.equal(await search(person(1)), kept);
    assert.deepEqual((await service.call('getFaceIds', { collectionId, externalKey: 'k' })).faceIds, []);
    assert.equal(service.faceCount(collectionId), 1);
    assert.equal(await service.code('deleteFace', { collectionId, faceId: gone }), 'FACE_NOT_FOUND');
  });

  test('by external key takes every face that has it', async () => {
    const ids = [await index(person(0)), await index(person(1)), await index(person(2))];
    for (const faceId of ids.slice(0, 2)) {
      const request = { collectionId, faceId, externalKey: 'k', allowDuplicates: true };
      await service.call('setExternalKey', request);
    }
    await service.call('deleteFace', { collectionId, externalKey: 'k' });
    assert.equal(service.faceCount(collectionId), 1);
    assert.equal(await service.code('deleteFace', { collectionId, externalKey: 'k' }), 'FACE_NOT_FOUND');
  });

  test('needs one of id and external key, and a face that is there', async () => {
    const faceId = await index(person(0));
    assert.equal(await service.code('deleteFace', { collectionId }), 'VALIDATION_FAILED');
    const both = { collectionId, faceId, externalKey: 'k' };
    assert.equal(await service.code('deleteFace', both), 'VALIDATION_FAILED');
    assert.equal(await service.code('deleteFace', { collectionId, externalKey: 'ü' }), 'VALIDATION_FAILED');
    assert.equal(await service.code('deleteFace', { collectionId, faceId: UNKNOWN }), 'FACE_NOT_FOUND');
    const lower = { collectionId, faceId: faceId.toLowerCase() };
    assert.equal(await service.code('deleteFace', lower), 'FACE_NOT_FOUND');
    assert.equal(service.faceCount(collectionId), 1);
  });

  test('of one face by parallel calls succeeds once', async () => {
    const faceId = await index(person(0));
    const calls = Array.from({ length: 8 }, () => service.code('deleteFace', { collectionId, faceId }));
    const codes = await Promise.all(calls);
    assert.equal(codes.filter((code) => code === 'succeeded').length, 1);
    assert.equal(codes.filter((code) => code === 'FACE_NOT_FOUND').length, 7);
  });

  test('of the nearest face lets a search find the next one', async () => {
    const ids = [await index(person(0)), await index(person(0)), await index(person(0))];
    const deletes = ids.slice(0, 2).map((faceId) => service.call('deleteFace', { collectionId, faceId }));
    const searches = Array.from({ length: 8 }, () =>
      service.call('searchFace', { collectionId }, { image: person(0) }),
    );
    for (const { faceId } of await Promise.all(searches)) assert.ok(ids.includes(faceId));
    await Promise.all(deletes);
    assert.equal((await service.call('searchFace', { collectionId }, { image: person(0) })).faceId, ids[2]);
  });
});

describe('a search', () => {
  test('passes over a face that is in the index and no longer in the store', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) ids.push(await index(person(0)));
    for (const faceId of ids.slice(0, 11)) {
      await service.store.faces.removeById(service.caller(), collectionId, faceId);
    }
    const { faceId } = await service.call('searchFace', { collectionId }, { image: person(0) });
    assert.equal(faceId, ids[11]);
    await service.store.faces.removeById(service.caller(), collectionId, String(ids[11]));
    const nobody = await service.call('searchFace', { collectionId }, { image: person(0) });
    assert.equal(nobody.faceId, null);
  });

  test('that a reset overtakes shows nobody from before it', async (t) => {
    await index(person(0));
    const search = service.indexes.search.bind(service.indexes);
    t.mock.method(
      service.indexes,
      'search',
      async (...args: Parameters<typeof search>) => {
        const found = await search(...args);
        await service.call('resetCollection', { collectionId });
        return found;
      },
      { times: 1 },
    );
    const { faceId } = await service.call('searchFace', { collectionId }, { image: person(0) });
    assert.equal(faceId, null);
  });
});

describe('indexing', () => {
  test('that a reset overtakes brings no index back to life', async (t) => {
    const add = service.store.faces.add.bind(service.store.faces);
    t.mock.method(service.store.faces, 'add', async (...args: Parameters<typeof add>) => {
      const place = await add(...args);
      await service.call('resetCollection', { collectionId });
      return place;
    });
    await index(person(0));
    assert.equal(service.faceCount(collectionId), 0);
    assert.equal(service.indexes.totals().templates, 0);
  });
});

describe('a reset', () => {
  test('removes the faces and their keys, and keeps the collection', async () => {
    const faceId = await index(person(0));
    await service.call('setExternalKey', { collectionId, faceId, externalKey: 'k' });
    await service.call('updateCollection', { collectionId, description: 'kept' });
    assert.deepEqual(await service.call('resetCollection', { collectionId }), { collectionId });
    assert.equal((await service.call('searchFace', { collectionId }, { image: person(0) })).faceId, null);
    assert.deepEqual((await service.call('getFaceIds', { collectionId, externalKey: 'k' })).faceIds, []);
    assert.equal(await service.code('deleteFace', { collectionId, faceId }), 'FACE_NOT_FOUND');
    const { recognitionCollection } = await service.call('getCollection', { collectionId });
    assert.equal(recognitionCollection.description, 'kept');
    assert.equal(service.faceCount(collectionId), 0);
    await index(person(0));
    assert.equal(service.faceCount(collectionId), 1);
  });

  test('amid searches and indexing leaves the store and the index in agreement', async () => {
    const work = Array.from({ length: 24 }, (_, i) =>
      i % 6 === 5 ? service.call('resetCollection', { collectionId }) : index(person(i % 8)),
    );
    await Promise.all(work);
    await service.store.garbageCollected();
    assert.ok(service.faceCount(collectionId) <= 20);
    assert.equal(service.indexes.totals().templates, service.faceCount(collectionId));
  });
});

describe('a collection that is not there', () => {
  test('is 404 for every call, and no picture is looked at', async () => {
    const missing = { collectionId: 'missing' };
    const image = Buffer.from('no picture');
    for (const operation of ['searchFace', 'indexFace', 'searchOrIndexFace']) {
      assert.equal(await service.code(operation, missing, { image }), 'COLLECTION_NOT_FOUND');
    }
    assert.equal(await service.code('deleteFace', { ...missing, faceId: UNKNOWN }), 'COLLECTION_NOT_FOUND');
    assert.equal(await service.code('deleteFace', { ...missing, externalKey: 'k' }), 'COLLECTION_NOT_FOUND');
  });

  test('any more when the picture has been looked at is 404, and adds nothing', async () => {
    const call = service.code('indexFace', { collectionId }, { image: person(0) });
    await service.call('deleteCollection', { collectionId });
    assert.equal(await call, 'COLLECTION_NOT_FOUND');
    assert.deepEqual(service.store.check(), []);
  });
});

describe('a collection of another model pack', () => {
  test('is not searched, and takes the pack at work with a reset', async () => {
    const owner = service.caller();
    const other = { pack: 'yunet', packVersion: '0' };
    const old = { collectionId: 'old' };
    await service.store.collections.create(owner, { ...old, description: null, now: 1, ...other });
    for (const operation of ['searchFace', 'indexFace', 'searchOrIndexFace']) {
      assert.equal(await service.code(operation, old, { image: person(0) }), 'NOT_READY');
    }
    assert.ok(await service.call('getCollection', old));
    await service.call('resetCollection', old);
    assert.ok((await service.call('indexFace', old, { image: person(0) })).faceId);
    await service.call('deleteCollection', old);
  });
});

describe('a picture that is none', () => {
  test('is refused with the code of the decoder', async () => {
    for (const operation of ['searchFace', 'indexFace', 'searchOrIndexFace']) {
      const code = await service.code(
        operation,
        { collectionId },
        { image: Buffer.from('no picture at all') },
      );
      assert.ok(['INVALID_IMAGE', 'UNSUPPORTED_IMAGE'].includes(code), code);
    }
  });
});
