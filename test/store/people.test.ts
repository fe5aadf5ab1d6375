import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Owner } from '../../src/api/caller.ts';
import { uniforms } from '../../src/base/random.ts';
import {
  PERSON_SORTS,
  type PeopleQuery,
  PeopleTable,
  type Person,
  type PersonPlace,
  sortValue,
} from '../../src/store/people-table.ts';
import type { Store } from '../../src/store/store.ts';
import { FACE, rowOf, storeWithCollection, temporaryFolder } from '../../testing/temporary-store.ts';

const uniform = uniforms(7);
const below = (limit: number) => Math.floor(uniform() * limit);

const QUERY: PeopleQuery = {
  sort: 'externalKey',
  isDescending: false,
  filter: undefined,
  after: null,
  limit: 1000,
};

function randomPerson(i: number): Person {
  return {
    externalKey: `${['Anna', 'bert', 'CARL', 'a'][below(4)]}-${i}`,
    faceCount: 1 + below(3),
    createdAt: 1e12 + below(5),
    quality: below(4) === 0 ? null : below(1000) / 10,
    bestLabel: i + 1,
    lastSeenAt: below(2) === 0 ? null : 1e12 + below(1e6),
  };
}

function expected(all: Iterable<Person>, { sort, isDescending, filter }: PeopleQuery): Person[] {
  const sorted = Array.from(all)
    .filter(({ externalKey }) => externalKey.toLowerCase().includes((filter ?? '').toLowerCase()))
    .sort((a, b) => sortValue(a, sort) - sortValue(b, sort) || (a.externalKey < b.externalKey ? -1 : 1));
  return isDescending ? sorted.reverse() : sorted;
}

async function allPages(
  page: (after: PersonPlace | null) => Promise<{ people: readonly Person[]; total: number }>,
  { sort, limit }: PeopleQuery,
): Promise<Person[]> {
  const all: Person[] = [];
  for (let after: PersonPlace | null = null; ; ) {
    const { people, total } = await page(after);
    all.push(...people);
    const last = all.at(-1);
    if (people.length < limit || !last) {
      assert.equal(total, all.length);
      return all;
    }
    after = { value: sortValue(last, sort), externalKey: last.externalKey };
  }
}

describe('a table of people', () => {
  test('pages in every order and with every filter, also after changes', async () => {
    const people = new Map(Array.from({ length: 5000 }, (_, i) => [i, randomPerson(i)]));
    const byKey = new Map(Array.from(people.values(), (person) => [person.externalKey, person]));
    const table = new PeopleTable();
    table.append(expected(byKey.values(), QUERY));
    for (let round = 0; round < 4; round++) {
      for (const sort of PERSON_SORTS) {
        for (const filter of [undefined, 'a', 'rT-1', '9', 'nobody', '\n', 'ä']) {
          const query = { ...QUERY, sort, filter, isDescending: below(2) === 0, limit: 300 + below(900) };
          const listed = await allPages((after) => table.page({ ...query, after }), query);
          assert.deepEqual(listed, expected(byKey.values(), query));
        }
      }
      const changes = new Map<string, Person | null>();
      for (let i = 0; i < 4000; i++) {
        const person = randomPerson(below(12_000));
        const isGone = below(2) === 0;
        changes.set(person.externalKey, isGone ? null : person);
        if (isGone) byKey.delete(person.externalKey);
        else byKey.set(person.externalKey, person);
      }
      await table.apply(changes);
      assert.equal(table.size, byKey.size);
    }
    await table.apply(new Map(Array.from(byKey.keys(), (key) => [key, null])));
    assert.deepEqual([table.size, table.bytes], [0, 0]);
    assert.deepEqual(await table.page(QUERY), { people: [], total: 0 });
  });

  test('lets a reader finish with the people that it began with', async () => {
    const table = new PeopleTable();
    const people = Array.from({ length: 100_000 }, (_, i) => ({
      ...randomPerson(i),
      externalKey: String(i).padStart(6, '0'),
    }));
    table.append(people);
    const reading = table.page({ ...QUERY, filter: '9' });
    await table.apply(new Map(people.map(({ externalKey }) => [externalKey, null])));
    assert.equal((await reading).total, 100_000 - 9 ** 5);
    assert.equal(table.size, 0);
  });
});

describe('the people of a store', () => {
  const add = (store: Store, owner: Owner, externalKey: string, score: number | null, at = 0) =>
    store.faces.add(
      owner,
      'people',
      {
        ...FACE,
        createdAt: FACE.createdAt + at,
        ...(score === null ? {} : { quality: { score, reasons: [] } }),
      },
      rowOf(1),
      { externalKey, allowDuplicates: true },
    );

  test('have the best face, its quality and the first time', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    await add(store, owner, 'anna', 50, 10);
    const { gallery, label } = await add(store, owner, 'anna', 90, 20);
    await add(store, owner, 'anna', null, 30);
    const { label: onlyOne } = await add(store, owner, 'bert', null, 5);
    const anna = {
      externalKey: 'anna',
      faceCount: 3,
      createdAt: FACE.createdAt + 10,
      quality: 90,
      bestLabel: label,
      lastSeenAt: null,
    };
    const bert = { ...anna, externalKey: 'bert', faceCount: 1, createdAt: FACE.createdAt + 5 };
    const people = [anna, { ...bert, quality: null, bestLabel: onlyOne }];
    for (const sort of ['externalKey', 'quality'] as const) {
      const query = { ...QUERY, sort, isDescending: sort === 'quality' };
      assert.deepEqual(await store.people.page(gallery, query), { people, total: 2 });
    }
    assert.deepEqual(await store.people.pageOf(gallery, ['bert', 'nobody'], QUERY), {
      people: people.slice(1),
      total: 1,
    });
    await store.close();
  });

  test('are shown by the best face that has a thumbnail', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    await store.collections.update(owner, 'people', { storeThumbnails: true }, 2000);
    const face = (score: number, thumbnail: Buffer | null) =>
      store.faces.add(owner, 'people', { ...FACE, quality: { score, reasons: [] }, thumbnail }, rowOf(1), {
        externalKey: 'anna',
        allowDuplicates: true,
      });
    await face(20, Buffer.from('small'));
    const { gallery, label } = await face(50, Buffer.from('better'));
    await face(90, null);
    for (const sort of ['externalKey', 'quality'] as const) {
      const [anna] = (await store.people.page(gallery, { ...QUERY, sort })).people;
      assert.deepEqual([anna?.bestLabel, anna?.quality], [label, 90]);
    }
    await store.close();
  });

  test('were last seen when one of their faces last matched', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const { gallery, label } = await add(store, owner, 'anna', 50);
    await add(store, owner, 'anna', 90);
    await add(store, owner, 'bert', 90);
    const query = { ...QUERY, sort: 'lastSeenAt', isDescending: true } as const;
    const seen = async () =>
      (await store.people.page(gallery, query)).people.map((person) => [
        person.externalKey,
        person.lastSeenAt,
      ]);
    assert.deepEqual(await seen(), [
      ['bert', null],
      ['anna', null],
    ]);
    const record = {
      at: 5000,
      type: 'search',
      result: 'match',
      operation: 'searchFace',
      collectionId: 'people',
      gallery,
      label,
      callerKind: 'key',
      callerId: 'key_1',
    } as const;
    const event = { ...owner, id: 'evt_1', record, externalKey: null, crop: null };
    await store.events.append([event]);
    assert.deepEqual(await seen(), [
      ['anna', 5000],
      ['bert', null],
    ]);
    await store.close();
  });

  test('follow every write, in every order', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const faces: { faceId: string; gallery: number }[] = [];
    const brute = async (query: PeopleQuery) => {
      const keys = new Set(Array.from({ length: 40 }, (_, i) => `person-${i}`));
      const all = await Promise.all(Array.from(keys, (key) => store.people.person(gallery, key)));
      return expected(
        all.filter((person) => person !== null),
        query,
      );
    };
    const { gallery } = await add(store, owner, 'person-0', 1);
    for (let round = 0; round < 60; round++) {
      const writes = Array.from({ length: 1 + below(20) }, async () => {
        const face = faces[below(faces.length)];
        const externalKey = `person-${below(40)}`;
        const kind = below(5);
        if (!face || kind > 2) faces.push(await add(store, owner, externalKey, below(100), below(1000)));
        else if (kind === 0) await store.faces.removeById(owner, 'people', face.faceId).catch(() => {});
        else if (kind === 1) await store.externalKeys.remove(owner, 'people', externalKey, null);
        else {
          const request = { faceId: face.faceId, externalKey, allowDuplicates: true };
          await store.externalKeys.set(owner, 'people', request).catch(() => {});
        }
      });
      // Lists that run during writes must not hide those writes from later lists.
      const during = store.people.page(gallery, { ...QUERY, sort: 'quality' });
      await Promise.all([...writes, during]);
      for (const sort of PERSON_SORTS) {
        const query = { ...QUERY, sort, isDescending: below(2) === 0, limit: 1 + below(30) };
        const listed = await allPages((after) => store.people.page(gallery, { ...query, after }), query);
        assert.deepEqual(listed, await brute(query));
      }
    }
    assert.deepEqual(store.check(), []);
    await store.close();
  });

  test('are listed straight from the store by key, from both ends', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    let gallery = 0;
    for (let i = 0; i < 700; i++) ({ gallery } = await add(store, owner, `p${below(400)}`, below(100)));
    const keys = new Set<string>();
    for (const isDescending of [false, true]) {
      const query = { ...QUERY, isDescending, limit: 70 };
      const listed = await allPages((after) => store.people.page(gallery, { ...query, after }), query);
      assert.deepEqual(listed, expected(listed, query));
      for (const { externalKey } of listed) keys.add(externalKey);
      assert.equal(listed.length, keys.size);
    }
    assert.equal(store.people.bytes, 0);
    await store.close();
  });

  test('of galleries that nobody lists leave memory', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const { gallery } = await add(store, owner, 'anna', 1);
    const query = { ...QUERY, sort: 'quality' } as const;
    await store.people.page(gallery, query);
    assert.ok(store.people.bytes > 0);
    await store.collections.reset(owner, 'people', (pack) => pack, 2000);
    assert.equal(store.people.bytes, 0);
    const { gallery: next } = await add(store, owner, 'bert', 1);
    assert.deepEqual(
      (await store.people.page(next, query)).people.map(({ externalKey }) => externalKey),
      ['bert'],
    );
    await Promise.all(Array.from({ length: 1100 }, (_, i) => add(store, owner, `p${i}`, 1)));
    assert.equal(store.people.bytes, 0);
    assert.equal((await store.people.page(next, query)).total, 1101);
    await store.close();
  });
});
