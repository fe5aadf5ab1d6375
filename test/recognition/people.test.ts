import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Caller } from '../../src/api/caller.ts';
import { TestService } from '../../testing/recognition-service.ts';

const collectionId = 'people';

let service: TestService;
before(async () => {
  service = await TestService.open();
  for (const id of [collectionId, 'crowd', 'empty'])
    await service.call('createCollection', { collectionId: id });
  for (const [externalKey, score] of [
    ['anna', 40],
    ['Anna-Maria', 70],
    ['bert', 55.5],
    ['anna', 90],
    [null, 99],
  ] as const) {
    service.now += 60_000;
    await add(collectionId, externalKey, score);
  }
});
after(() => service.close());

async function add(id: string, externalKey: string | null, score: number): Promise<string> {
  const { packId, dimension } = service.recognizer;
  const record = {
    box: { x: 0, y: 0, width: 50, height: 50 },
    confidence: 1,
    createdAt: service.now,
    quality: { score, reasons: [] },
    ...packId,
  };
  const template = new Float32Array(dimension);
  template[0] = 1;
  const row = service.recognizer.space.row(template);
  const key = externalKey === null ? null : { externalKey, allowDuplicates: true };
  const { gallery, label, faceId } = await service.store.faces.add(service.caller(), id, record, row, key);
  await service.indexes.add(gallery, label, row, service.recognizer.space);
  return faceId;
}

const list = (parameters: object = {}, caller: Caller = service.caller()) =>
  service.call('listExternalKeys', { collectionId, ...parameters }, { caller });
const keys = async (parameters?: object, caller?: Caller): Promise<string[]> =>
  (await list(parameters, caller)).people.map(({ externalKey }: { externalKey: string }) => externalKey);

describe('The list of people', () => {
  test('answers each external key once, with its best face', async () => {
    const { faceIds } = await service.call('getFaceIds', { collectionId, externalKey: 'anna' });
    const answer = await list();
    assert.deepEqual(answer.people[1], {
      externalKey: 'anna',
      faceCount: 2,
      createdAt: '2026-01-15T10:31:00.123Z',
      lastSeenAt: null,
      quality: 90,
      faceId: faceIds[1],
      hasThumbnail: false,
    });
    assert.deepEqual([answer.people.length, answer.total, answer.nextCursor], [3, 3, null]);
    assert.deepEqual(await list({ collectionId: 'empty' }), { people: [], total: 0, nextCursor: null });
  });

  test('is sorted and filtered as requested', async () => {
    assert.deepEqual(await keys(), ['Anna-Maria', 'anna', 'bert']);
    assert.deepEqual(await keys({ order: 'desc' }), ['bert', 'anna', 'Anna-Maria']);
    assert.deepEqual(await keys({ sort: 'quality' }), ['bert', 'Anna-Maria', 'anna']);
    assert.deepEqual(await keys({ sort: 'faceCount', order: 'desc' }), ['anna', 'bert', 'Anna-Maria']);
    assert.deepEqual(await keys({ sort: 'createdAt', order: 'desc' }), ['bert', 'Anna-Maria', 'anna']);
    assert.deepEqual(await keys({ filter: 'NNA', sort: 'quality', order: 'desc' }), ['anna', 'Anna-Maria']);
    assert.deepEqual((await list({ filter: 'nna', limit: 1 })).total, 2);
    assert.deepEqual(await list({ filter: 'ä b' }), { people: [], total: 0, nextCursor: null });
    for (const wrong of [{ sort: 'name' }, { order: 'up' }, { filter: '' }, { filter: 'x'.repeat(513) }]) {
      assert.equal(await service.code('listExternalKeys', { collectionId, ...wrong }), 'VALIDATION_FAILED');
    }
  });

  test('is that of the collection after a reset which comes in between', async (t) => {
    await service.call('createCollection', { collectionId: 'reset' });
    await add('reset', 'carl', 50);
    const { people } = service.store;
    const page = people.page.bind(people);
    let isReset = false;
    t.mock.method(people, 'page', async (...query: Parameters<typeof page>) => {
      const found = await page(...query);
      if (!isReset) await service.call('resetCollection', { collectionId: 'reset' });
      isReset = true;
      return found;
    });
    assert.deepEqual(await list({ collectionId: 'reset' }), { people: [], total: 0, nextCursor: null });
  });

  test('takes only cursors of the same order', async () => {
    const { nextCursor } = await list({ sort: 'quality', limit: 1 });
    assert.deepEqual(await keys({ sort: 'quality', limit: 1, cursor: nextCursor }), ['Anna-Maria']);
    const invalid = ['quality asc x anna', 'quality asc 1', 'quality asc 1 \n', 'name asc 1 anna'];
    const wrong = [
      { cursor: nextCursor },
      { cursor: nextCursor, sort: 'quality', order: 'desc' },
      ...invalid.map((text) => ({ cursor: Buffer.from(text).toString('base64url'), sort: 'quality' })),
    ];
    for (const each of wrong) {
      assert.equal(await service.code('listExternalKeys', { collectionId, ...each }), 'VALIDATION_FAILED');
    }
    const longest = 'x'.repeat(512);
    const faceIds = [await add('crowd', longest, 1), await add('crowd', 'y', 1)];
    const first = await list({ collectionId: 'crowd', limit: 1 });
    assert.deepEqual(await keys({ collectionId: 'crowd', cursor: first.nextCursor }), ['y']);
    for (const faceId of faceIds) await service.call('deleteFace', { collectionId: 'crowd', faceId });
  });

  test('shows and counts only the people that the caller may see', async () => {
    const caller = service.caller({ allowedExternalKeys: ['bert', 'anna', 'carl'] });
    for (const sort of ['externalKey', 'quality']) {
      const answer = await list({ sort, order: 'desc', limit: 1 }, caller);
      assert.equal(answer.total, 2);
      const rest = await keys({ sort, order: 'desc', cursor: answer.nextCursor }, caller);
      const all = [answer.people[0].externalKey, ...rest];
      assert.deepEqual(all, sort === 'quality' ? ['anna', 'bert'] : ['bert', 'anna']);
    }
    assert.equal((await list({ filter: 'maria' }, caller)).total, 0);
    assert.equal((await list({}, service.caller({ allowedExternalKeys: [] }))).total, 0);
    const missing = { collectionId: 'absent' };
    assert.equal(await service.code('listExternalKeys', missing), 'COLLECTION_NOT_FOUND');
    const other = { caller: service.caller({ accountId: 'acc_other' }) };
    assert.equal(await service.code('listExternalKeys', { collectionId }, other), 'COLLECTION_NOT_FOUND');
  });

  test('shows each unchanged person of 10,000 once, while others come and go', async () => {
    const many = 10_000;
    const name = (i: number) => `person-${String(i).padStart(5, '0')}`;
    await Promise.all(Array.from({ length: many }, (_, i) => add('crowd', name(i), (i * 7919) % 100)));
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page === 0 || cursor !== null; page++) {
      const request = { collectionId: 'crowd', sort: 'quality', order: 'desc', limit: 500 };
      const answer = await list({ ...request, ...(cursor === null ? {} : { cursor }) });
      assert.equal(answer.total, many);
      seen.push(...answer.people.map(({ externalKey }: { externalKey: string }) => externalKey));
      cursor = answer.nextCursor;
      const going = `coming-${page - 1}`;
      if (page > 0) await service.call('deleteFace', { collectionId: 'crowd', externalKey: going });
      await add('crowd', `coming-${page}`, page * 5);
      if (page === 0) await service.call('deleteFace', { collectionId: 'crowd', externalKey: name(0) });
    }
    const unchanged = seen.filter((key) => key.startsWith('person-') && key !== name(0));
    assert.equal(unchanged.length, many - 1);
    assert.equal(new Set(unchanged).size, many - 1);
  });

  test('starts again where a reset replaces the collection meanwhile', async () => {
    const [answer] = await Promise.all([
      list({ collectionId: 'crowd', sort: 'quality' }),
      service.call('resetCollection', { collectionId: 'crowd' }),
    ]);
    assert.ok([0, 10_000].includes(answer.total));
    assert.equal((await list({ collectionId: 'crowd', sort: 'quality' })).total, 0);
  });
});
