import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { etagOf, hasTag, preconditionOf } from '../../src/api/etag.ts';
import { AccessService, closeShared, type Said } from '../../testing/access-service.ts';

let service: AccessService;
let key: string;
let token: string;
let count = 0;
before(async () => {
  service = await AccessService.open();
  key = (await service.key({ scopes: ['v1:*'] })).key;
  token = await service.token(await service.member('owner'));
});
after(async () => {
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

interface Kind {
  readonly name: string;
  make(): Promise<string>;
  read(id: string, headers?: Record<string, string>): Promise<Said>;
  change(id: string, text: string, headers?: Record<string, string>): Promise<Said>;
  readonly removals: readonly ((id: string, headers?: Record<string, string>) => Promise<Said>)[];
  textOf(said: Said): unknown;
}

const API_KEYS = '/v1/auth/api-keys';
const KINDS: readonly Kind[] = [
  {
    name: 'An API key',
    make: async () => (await service.call(token, 'POST', API_KEYS, { name: 'first' })).body.id,
    read: (id, headers) => service.call(token, 'GET', `${API_KEYS}/${id}`, undefined, headers),
    change: (id, name, headers) => service.call(token, 'PATCH', `${API_KEYS}/${id}`, { name }, headers),
    removals: [
      (id, headers) => service.call(token, 'POST', `${API_KEYS}/${id}/regenerate`, undefined, headers),
      (id, headers) => service.call(token, 'DELETE', `${API_KEYS}/${id}`, undefined, headers),
    ],
    textOf: ({ body }) => body.name,
  },
  {
    name: 'A collection',
    make: async () => {
      const collectionId = `people-${++count}`;
      await service.call(key, 'POST', '/v1/collection/create', { collectionId, description: 'first' });
      return collectionId;
    },
    read: (id, headers) =>
      service.call(key, 'GET', `/v1/collection/get?collectionId=${id}`, undefined, headers),
    change: (collectionId, description, headers) =>
      service.call(key, 'PUT', '/v1/collection/update', { collectionId, description }, headers),
    removals: ['reset', 'delete'].map(
      (call) => (id, headers) =>
        service.call(key, 'DELETE', `/v1/collection/${call}?collectionId=${id}`, undefined, headers),
    ),
    textOf: ({ body }) => body.recognitionCollection.description,
  },
];

const tagOf = ({ headers }: Said): string => String(headers.get('etag'));
const ifMatch = (tag: string) => ({ 'If-Match': tag });

for (const kind of KINDS) {
  describe(kind.name, () => {
    test('has a strong tag that changes with it, and only then', async () => {
      const id = await kind.make();
      const first = await kind.read(id);
      assert.match(tagOf(first), /^"[A-Za-z0-9_-]{22}"$/);
      assert.equal(tagOf(await kind.read(id)), tagOf(first));
      const changed = await kind.change(id, 'second');
      assert.equal(changed.status, 200);
      assert.notEqual(tagOf(changed), tagOf(first));
      assert.equal(tagOf(await kind.read(id)), tagOf(changed), 'the change answers the new tag');
      assert.notEqual(tagOf(await kind.read(await kind.make())), tagOf(first), 'of another object');
    });

    test('is answered 304 where the reader has it, and in full where it changed', async () => {
      const id = await kind.make();
      const tag = tagOf(await kind.read(id));
      for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
        const { status, body, headers } = await kind.read(id, { 'If-None-Match': known });
        assert.deepEqual([status, body, headers.get('etag')], [304, '', tag], known);
      }
      await kind.change(id, 'second');
      const full = await kind.read(id, { 'If-None-Match': tag });
      assert.deepEqual([full.status, kind.textOf(full)], [200, 'second']);
    });

    test('is changed only in the version that the caller names', async () => {
      const id = await kind.make();
      const tag = tagOf(await kind.read(id));
      for (const wrong of ['"other"', `W/${tag}`, `"other", W/${tag}`, tag.replaceAll('"', '"x"').slice(2)]) {
        const refused = await kind.change(id, 'refused', ifMatch(wrong));
        assert.ok([400, 412].includes(refused.status), `${wrong}: ${refused.status}`);
      }
      const refused = await kind.change(id, 'refused', ifMatch('"other"'));
      assert.deepEqual([refused.status, refused.body.code], [412, 'PRECONDITION_FAILED']);
      assert.equal(kind.textOf(await kind.read(id)), 'first');
      const second = await kind.change(id, 'second', ifMatch(`"other" , ${tag}`));
      assert.equal(second.status, 200);
      assert.equal((await kind.change(id, 'third', ifMatch(tag))).status, 412);
      assert.equal((await kind.change(id, 'third', ifMatch(tagOf(second)))).status, 200);
      assert.equal((await kind.change(id, 'fourth', ifMatch('*'))).status, 200);
    });

    test('takes one of two parallel changes of the same version', async () => {
      const id = await kind.make();
      const tag = tagOf(await kind.read(id));
      const names = Array.from({ length: 8 }, (_, i) => `parallel ${i}`);
      const answers = await Promise.all(names.map((name) => kind.change(id, name, ifMatch(tag))));
      const won = answers.flatMap(({ status }, at) => (status === 200 ? [names[at]] : []));
      assert.equal(won.length, 1);
      assert.equal(kind.textOf(await kind.read(id)), won[0]);
      assert.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [200, 412]);
    });

    test('is emptied, renewed and removed only in the version that the caller names', async () => {
      const id = await kind.make();
      for (const remove of kind.removals) {
        const before = await kind.read(id);
        assert.equal((await remove(id, ifMatch('"other"'))).body.code, 'PRECONDITION_FAILED');
        assert.equal(tagOf(await kind.read(id)), tagOf(before));
        assert.ok((await remove(id, ifMatch(tagOf(before)))).status < 300);
        const after = await kind.read(id);
        assert.ok(after.status === 404 || tagOf(after) !== tagOf(before));
      }
      assert.equal((await kind.read(id)).status, 404);
    });
  });
}

test('A collection that is not there has no version', async () => {
  const target = '/v1/collection/delete?collectionId=none';
  const refused = await service.call(key, 'DELETE', target, undefined, ifMatch('*'));
  assert.deepEqual([refused.status, refused.body.code], [412, 'PRECONDITION_FAILED']);
  assert.equal((await service.call(key, 'DELETE', target)).status, 200);
});

test('The tag of a key does not change with its use', async () => {
  const made = await service.call(token, 'POST', API_KEYS, { name: 'used' });
  const read = () => service.call(token, 'GET', `${API_KEYS}/${made.body.id}`);
  assert.equal(tagOf(await read()), tagOf(made));
  await service.call(made.body.key, 'GET', '/v1/datetime/utc-now');
  const used = await read();
  assert.notEqual(used.body.last_used_at, null);
  assert.equal(tagOf(used), tagOf(made));
});

describe('Entity tags in a header', () => {
  const record = { name: 'a', at: 1 };
  const tag = etagOf(record);
  const match = (text: string) => preconditionOf({ 'if-match': [text] })(record);

  test('are the same for the same fields in any order', () => {
    assert.equal(etagOf({ at: 1, name: 'a', gone: undefined }), tag);
    assert.notEqual(etagOf({ at: 1, name: 'b' }), tag);
    assert.notEqual(etagOf({ at: null, name: 'a' }), etagOf({ name: 'a' }));
  });

  test('may hold commas, quote marks around nothing, and blanks between them', () => {
    for (const list of [tag, `"a,b",${tag}`, `"a,W",\t${tag}`, `"",${tag}`, ` ${tag} `, '*']) {
      assert.doesNotThrow(() => match(list), list);
    }
  });

  test('are refused with the rule in words where they are malformed', () => {
    for (const bad of [
      '',
      'abc',
      tag.slice(1),
      `${tag}${tag}`,
      `w/${tag}`,
      '"a" "b"',
      `*,${tag}`,
      '"a"b"',
      ',',
    ]) {
      assert.throws(
        () => match(bad),
        { code: 'VALIDATION_FAILED', message: /^If-Match: expected "\*"/ },
        bad,
      );
      assert.throws(() => hasTag({ 'if-none-match': [bad] }, tag), { code: 'VALIDATION_FAILED' }, bad);
    }
    const many = Array.from({ length: 101 }, () => '"a"').join(',');
    assert.throws(() => match(many), { code: 'VALIDATION_FAILED' });
  });

  test('are read in time that grows with their length only', () => {
    const began = performance.now();
    for (const long of [
      `"${','.repeat(15_000)}`,
      ', '.repeat(7_000),
      `"a"${' '.repeat(15_000)}"b"`,
      '"a",W/'.repeat(2_500),
    ]) {
      assert.throws(() => match(long), { code: 'VALIDATION_FAILED' });
    }
    assert.ok(performance.now() - began < 500);
  });
});
