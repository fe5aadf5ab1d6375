import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Row } from '../../src/native/gallery-index.ts';
import { GallerySearch } from '../../src/recognition/gallery-search.ts';
import type { FacePlace } from '../../src/store/records.ts';
import { TestService } from '../../testing/recognition-service.ts';

let service: TestService;
before(async () => {
  service = await TestService.open();
});
after(() => service.close());

function rowOf(direction: number): Row {
  const vector = new Float32Array(service.recognizer.dimension);
  vector[0] = 0.8;
  vector[1 + (direction % (vector.length - 1))] = 0.6;
  return service.recognizer.space.row(vector);
}

async function addFaces(collectionId: string, count: number, keyOf: (i: number) => string): Promise<number> {
  await service.call('createCollection', { collectionId });
  const record = { box: { x: 0, y: 0, width: 1, height: 1 }, confidence: 1, createdAt: service.now };
  const caller = service.caller();
  for (let from = 0; from < count; from += 1000) {
    const added = await Promise.all(
      Array.from({ length: Math.min(1000, count - from) }, (_, i) =>
        service.store.faces.add(
          caller,
          collectionId,
          { ...record, ...service.recognizer.packId },
          rowOf(from + i),
          { externalKey: keyOf(from + i), allowDuplicates: true },
        ),
      ),
    );
    await Promise.all(
      added.map(({ gallery, label }, i) =>
        service.indexes.add(gallery, label, rowOf(from + i), service.recognizer.space),
      ),
    );
  }
  return service.gallery(collectionId);
}

async function watched<T>(onTurn: () => void, work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const tick = () => {
    if (isOver) return;
    onTurn();
    setImmediate(tick);
  };
  setImmediate(tick);
  try {
    return await work();
  } finally {
    isOver = true;
  }
}

async function largestStep(gallery: number, key: string, count: number, work: () => Promise<unknown>) {
  let [left, largest] = [count, 0];
  const look = () => {
    const now = service.store.externalKeys.first(gallery, key, count).length;
    largest = Math.max(largest, left - now);
    left = now;
  };
  await watched(look, work);
  look();
  assert.equal(left, 0);
  return largest;
}

describe('A key of thousands of faces', () => {
  const count = 700;

  test('is deleted with its faces in steps, each on disk and out of the index', async () => {
    const gallery = await addFaces('deleted', count, () => 'many');
    const { generation } = service.store.faces.state(gallery);
    const step = await largestStep(gallery, 'many', count, () =>
      service.call('deleteFace', { collectionId: 'deleted', externalKey: 'many' }),
    );
    assert.ok(step <= 64, `${step} faces in one turn`);
    assert.equal(service.faceCount('deleted'), 0);
    const steps = service.store.faces.state(gallery).generation - generation;
    assert.equal(steps, Math.ceil(count / 64));
    assert.equal(service.indexes.state(gallery).generation, service.store.faces.state(gallery).generation);
    const again = { collectionId: 'deleted', externalKey: 'many' };
    assert.equal(await service.code('deleteFace', again), 'FACE_NOT_FOUND');
  });

  test('is taken from its faces in steps; the faces stay', async () => {
    const gallery = await addFaces('kept', count, () => 'many');
    const step = await largestStep(gallery, 'many', count, () =>
      service.call('deleteExternalKey', { collectionId: 'kept', externalKey: 'many' }),
    );
    assert.ok(step <= 64, `${step} faces in one turn`);
    assert.equal(service.faceCount('kept'), count);
  });

  test('keeps a face that gets it while it is being deleted', async () => {
    const gallery = await addFaces('raced', 1_200, (i) => (i === 0 ? 'other' : 'many'));
    const [other] = service.store.externalKeys.first(gallery, 'other', 1);
    const place: FacePlace = { gallery, label: other as number };
    const steps = service.store.faces.removeByExternalKey(service.caller(), 'raced', 'many');
    const removed = [...((await steps.next()).value as FacePlace[])];
    const { faceId } = await service.store.faces.add(
      service.caller(),
      'raced',
      {
        box: { x: 0, y: 0, width: 1, height: 1 },
        confidence: 1,
        createdAt: service.now,
        ...service.recognizer.packId,
      },
      rowOf(1),
      { externalKey: 'many', allowDuplicates: true },
    );
    for await (const places of steps) removed.push(...places);
    assert.equal(removed.length, 1_199);
    assert.ok(service.store.faces.get(place));
    assert.ok(service.store.faces.byId(gallery, faceId));
  });

  test('ends its deletion where the collection is reset meanwhile, and touches nothing of the new gallery', async () => {
    await addFaces('reset', 600, () => 'many');
    const steps = service.store.faces.removeByExternalKey(service.caller(), 'reset', 'many');
    await steps.next();
    await service.call('resetCollection', { collectionId: 'reset' });
    for await (const _ of steps) assert.fail('a step after the reset');
    await service.store.garbageCollected();
    assert.deepEqual(service.store.check(), []);
  });

  test('is taken from one face without a look at the others', async () => {
    const gallery = await addFaces('one', 300, () => 'many');
    const [label] = service.store.externalKeys.first(gallery, 'many', 1);
    const face = service.store.faces.get({ gallery, label: label as number });
    const parameters = { collectionId: 'one', externalKey: 'many', faceId: face?.faceId };
    await service.call('deleteExternalKey', { ...parameters, externalKey: 'other' });
    assert.equal(service.store.externalKeys.first(gallery, 'many', 1000).length, 300);
    await service.call('deleteExternalKey', parameters);
    assert.equal(service.store.externalKeys.first(gallery, 'many', 1000).length, 299);
    assert.deepEqual(service.store.check(), []);
  });
});

describe('A search', () => {
  function counted() {
    const counts = { all: 0, turn: 0, most: 0 };
    const count = () => {
      counts.all++;
      counts.most = Math.max(counts.most, ++counts.turn);
    };
    const faces = new Proxy(service.store.faces, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (name === 'get' || name === 'row') count();
          return Reflect.apply(value, target, args);
        };
      },
    });
    const store = new Proxy(service.store, {
      get: (target, name) => (name === 'faces' ? faces : Reflect.get(target, name, target)),
    });
    const { indexes, recognizers, events, eventStreams } = service;
    const search = new GallerySearch({
      store,
      indexes,
      recognizers,
      events,
      eventStreams,
      now: () => service.now,
      log: service.log,
    });
    const { recognizer } = service;
    const probe = { recognizer, row: rowOf(0), doubts: { isUncertain: false, isDoubtful: false } };
    const run = (collectionId: string) =>
      watched(
        () => {
          counts.turn = 0;
        },
        () => search.nearest(service.caller(), collectionId, probe, { threshold: 0 }, 100),
      );
    return { counts, run };
  }

  test('among people of many faces lets others have their turn', async () => {
    await addFaces('people', 6_000, (i) => `key-${i % 300}`);
    const { counts, run } = counted();
    assert.equal((await run('people')).matches.length, 100);
    assert.ok(counts.all > 2_000, `${counts.all} reads`);
    assert.ok(counts.most < counts.all / 2, `${counts.most} of ${counts.all} reads in one turn`);
  });

  test('does not read the faces of a key of thousands one by one', async () => {
    await addFaces('family', 5_000, () => 'many');
    const { counts, run } = counted();
    assert.equal((await run('family')).matches.length, 1);
    assert.ok(counts.all < 100, `${counts.all} reads`);
  });
});

describe('Labels', () => {
  test('are those of all keys, each once, and in pages those of the oldest', async () => {
    const gallery = await addFaces('labels', 9_000, (i) => `key-${i % 3}`);
    const keys = ['key-0', 'key-1', 'key-0', 'none'];
    const labels = await service.store.externalKeys.labels(gallery, keys);
    assert.equal(labels.length, 6_000);
    const sorted = [...labels].sort((a, b) => a - b);
    for (const [after, limit] of [
      [0, 1001],
      [sorted[10] as number, 7],
      [sorted[5_990] as number, 100],
      [sorted.at(-1) as number, 5],
    ] as const) {
      const page = await service.store.externalKeys.oldest(gallery, keys, after, limit);
      assert.deepEqual(page, sorted.filter((label) => label > after).slice(0, limit));
    }
  });
});
