import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EventView } from '../../src/store/event-records.ts';
import { TestService } from '../../testing/recognition-service.ts';
import { differentPeople, emptyPicture } from '../../testing/sample-faces.ts';

let service: TestService;
let [ada, bob]: Buffer[] = [];
let nobody: Buffer;

before(async () => {
  service = await TestService.open();
  [ada, bob] = await differentPeople();
  nobody = await emptyPicture();
  await service.call('createCollection', { collectionId: 'people' });
});
after(() => service.close());

const IN = { collectionId: 'people' };

async function eventsOf(work: () => Promise<unknown>): Promise<EventView[]> {
  const owner = service.caller();
  await service.events.flush();
  const from = service.store.events.newestId(owner);
  await work();
  await service.events.flush();
  const { events } = await service.store.events.pageAfter(owner, {}, { from, limit: 100, scan: 1000 });
  return [...events];
}

async function eventOf(...args: Parameters<TestService['call']>): Promise<EventView> {
  const events = await eventsOf(() => service.call(...args).catch(() => {}));
  assert.equal(events.length, 1, JSON.stringify(events));
  return events[0] as EventView;
}

const short = ({ type, result, operation, externalKey, refusal, source }: EventView) => {
  return { type, result, operation, externalKey, refusal, source };
};
const expected = (event: Partial<EventView>) => ({
  externalKey: null,
  refusal: null,
  source: null,
  ...event,
});

describe('Each call about faces leaves one event', () => {
  let faceId: string;

  test('an enrolment, with face, key, quality, box and camera', async () => {
    const parameters = { ...IN, externalKey: 'ada', source: 'desk' };
    const event = await eventOf('enrollFace', parameters, { image: ada as Buffer });
    const face = { type: 'enroll', result: 'added', operation: 'enrollFace', externalKey: 'ada' } as const;
    assert.deepEqual(short(event), expected({ ...face, source: 'desk' }));
    faceId = String(event.faceId);
    assert.match(faceId, /^face_/);
    assert.ok(Number(event.quality) > 0 && event.box && event.box.width > 0);
    assert.deepEqual(event.caller, { kind: 'key', id: 'key_1', name: null });
  });

  test('a refused enrolment, with the name that the call gave', async () => {
    const low = { ...IN, externalKey: 'bob', minQuality: 100 };
    const type = { type: 'enroll', result: 'refused', operation: 'enrollFace' } as const;
    const refused = await eventOf('enrollFace', low, { image: bob as Buffer });
    assert.deepEqual(short(refused), expected({ ...type, externalKey: 'bob', refusal: 'LOW_QUALITY' }));
    const taken = await eventOf('enrollFace', { ...IN, externalKey: 'ada' }, { image: bob as Buffer });
    assert.deepEqual(
      short(taken),
      expected({ ...type, externalKey: 'ada', refusal: 'EXTERNAL_KEY_CONFLICT' }),
    );
    assert.equal(taken.faceId, null);
  });

  test('each entry of a batch', async () => {
    const faces = [{ externalKey: 'ada' }, { externalKey: 'carl' }, { externalKey: 'carl' }];
    const events = await eventsOf(() =>
      service
        .call(
          'enrollFaces',
          { ...IN, faces, source: 'batch' },
          { images: { faces: [ada as Buffer, nobody, Buffer.from('no image')] } },
        )
        .catch(() => {}),
    );
    const type = { type: 'enroll', operation: 'enrollFaces', source: 'batch' } as const;
    const sorted = events.map(short).sort((a, b) => String(a.refusal).localeCompare(String(b.refusal)));
    assert.deepEqual(sorted, [
      expected({ ...type, result: 'refused', externalKey: 'ada', refusal: 'EXTERNAL_KEY_CONFLICT' }),
      expected({ ...type, result: 'no_face', externalKey: 'carl' }),
      expected({ ...type, result: 'refused', externalKey: 'carl', refusal: 'UNSUPPORTED_IMAGE' }),
    ]);
  });

  test('a search: match, no match, no face, and an image that cannot be read', async () => {
    service.now += 5_000;
    const type = { type: 'search', operation: 'searchFace' } as const;
    const match = await eventOf('searchFace', { ...IN, source: 'Tür 1' }, { image: ada as Buffer });
    assert.deepEqual(
      short(match),
      expected({ ...type, result: 'match', externalKey: 'ada', source: 'Tür 1' }),
    );
    assert.deepEqual([match.faceId, match.threshold, match.collectionId], [faceId, 80, 'people']);
    assert.ok(Number(match.similarity) > 90);
    const label = service.store.faces.byId(service.gallery('people'), faceId)?.label ?? 0;
    assert.equal(service.store.events.lastSeenOf(service.gallery('people'), label), service.now);
    const none = await eventOf('searchFace', IN, { image: bob as Buffer });
    assert.deepEqual(short(none), expected({ ...type, result: 'no_match' }));
    assert.ok(none.box && none.similarity === null);
    const empty = await eventOf('searchFace', IN, { image: nobody });
    assert.deepEqual(short(empty), expected({ ...type, result: 'no_face' }));
    const broken = await eventOf('searchFace', IN, { image: Buffer.from('no image') });
    assert.deepEqual(short(broken), expected({ ...type, result: 'refused', refusal: 'UNSUPPORTED_IMAGE' }));
  });

  test('an identification, with its best match', async () => {
    const event = await eventOf('identifyFace', IN, { image: ada as Buffer });
    const type = { type: 'identify', operation: 'identifyFace', externalKey: 'ada' } as const;
    assert.deepEqual(short(event), expected({ ...type, result: 'match' }));
    const none = await eventOf('identifyFace', IN, { image: bob as Buffer });
    assert.equal(none.result, 'no_match');
  });

  test('a verification, also a failed one with whom the call named', async () => {
    const type = { type: 'verify', operation: 'verifyFace' } as const;
    const claim = { ...IN, externalKey: 'ada' };
    const verify = (image: Buffer) => eventOf('verifyFace', claim, { images: { image: [image] } });
    assert.deepEqual(
      short(await verify(ada as Buffer)),
      expected({ ...type, result: 'match', externalKey: 'ada' }),
    );
    const failed = await verify(bob as Buffer);
    assert.deepEqual(short(failed), expected({ ...type, result: 'no_match', externalKey: 'ada' }));
    assert.ok(Number(failed.similarity) < 80);
    assert.equal((await verify(nobody)).result, 'no_face');
    const images = { image: [ada as Buffer], targetImage: [ada as Buffer] };
    const two = await eventOf('verifyFace', {}, { images });
    assert.deepEqual([two.result, two.collectionId, two.faceId], ['match', null, null]);
  });

  test('a check of liveness', async () => {
    const event = await eventOf('checkLiveness', { source: 'gate' }, { image: ada as Buffer });
    assert.ok(['live', 'not_live'].includes(event.result));
    assert.deepEqual([event.type, event.source, event.collectionId], ['liveness', 'gate', null]);
    const empty = await eventOf('checkLiveness', {}, { image: nobody });
    assert.equal(empty.result, 'no_face');
  });

  test('indexing, and search-or-index as what it did', async () => {
    const index = await eventOf('indexFace', IN, { image: bob as Buffer });
    assert.deepEqual(short(index), expected({ type: 'index', result: 'added', operation: 'indexFace' }));
    const operation = 'searchOrIndexFace';
    const known = await eventOf(operation, IN, { image: bob as Buffer });
    assert.deepEqual(short(known), expected({ type: 'search', result: 'match', operation }));
    assert.equal(known.faceId, index.faceId);
    await service.call('deleteFace', { ...IN, faceId: String(index.faceId) });
    const added = await eventOf(operation, IN, { image: bob as Buffer });
    assert.deepEqual(short(added), expected({ type: 'index', result: 'added', operation }));
    const limited = service.caller({ allowedExternalKeys: ['nobody'] });
    const refused = await eventOf('indexFace', IN, { caller: limited, image: bob as Buffer });
    assert.equal(refused.refusal, 'FACE_NOT_ALLOWED');
  });

  test('a name for a face, and a deletion, which names nobody', async () => {
    const name = { ...IN, faceId, externalKey: 'lovelace' };
    const assigned = await eventOf('setExternalKey', name);
    const type = { type: 'assign', result: 'assigned' } as const;
    const lovelace = { externalKey: 'lovelace', operation: 'setExternalKey' };
    assert.deepEqual(short(assigned), expected({ ...type, ...lovelace }));
    const removed = await eventOf('deleteExternalKey', { ...IN, externalKey: 'lovelace', faceId });
    assert.deepEqual(short(removed), expected({ ...type, operation: 'deleteExternalKey' }));
    assert.equal(removed.faceId, faceId);
    const deleted = await eventOf('deleteFace', { ...IN, faceId });
    assert.deepEqual(
      short(deleted),
      expected({ type: 'delete', result: 'deleted', operation: 'deleteFace' }),
    );
    assert.equal(deleted.faceId, null);
    const owner = service.caller();
    const page = await service.store.events.page(owner, { faceId }, { from: null, limit: 9, scan: 999 });
    assert.deepEqual(page.events, []);
    await service.store.garbageCollected();
    assert.deepEqual(service.store.check(), []);
  });
});

test('A camera label is printable text of at most 64 characters', async () => {
  for (const source of ['', 'a'.repeat(65), 'a\nb', '\u202e', '\u2028']) {
    const code = await service.code('searchFace', { ...IN, source }, { image: nobody });
    assert.equal(code, 'VALIDATION_FAILED', JSON.stringify(source));
  }
});
