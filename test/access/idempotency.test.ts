import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Idempotency, namesIn } from '../../src/access/idempotency.ts';
import { takesIdempotencyKey } from '../../src/api/idempotency-key.ts';
import type { Route } from '../../src/api/route.ts';
import { uniforms } from '../../src/base/random.ts';
import { AccessService, closeShared, type Said } from '../../testing/access-service.ts';
import { differentPeople } from '../../testing/sample-faces.ts';

const PRICE = 1_000;
const HOUR = 3_600_000;

let service: AccessService;
let people: Buffer[];
let key: string;
let keyId: string;
let token: string;
let collectionId: string;
let count = 0;
before(async () => {
  service = await AccessService.open({
    prices: { searchFace: PRICE, enrollFace: PRICE, detectFaces: PRICE },
    plan: { name: 'test', keysPerMember: 1_000, maxRateLimit: 1_000_000 },
  });
  people = await differentPeople();
  token = await service.token(await service.member('owner'));
});
beforeEach(async () => {
  const made = await service.key({ scopes: ['v1:*'] });
  key = made.key;
  keyId = made.id;
  collectionId = `people-${++count}`;
  await service.call(key, 'POST', '/v1/collection/create', { collectionId });
});
after(async () => {
  await service.store.garbageCollected();
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

const image = (picture = people[0]) => ({ bytes: (picture as Buffer).toString('base64') });
const retryKey = (name: string) => ({ 'Idempotency-Key': `${name}-${collectionId}` });
const face = (call: string, fields: object, headers: Record<string, string> = {}, by = key) =>
  service.call(by, 'POST', `/v1/face/${call}`, { collectionId, ...fields }, headers);
const enroll = (externalKey: string, headers: Record<string, string> = {}, picture = people[0]) =>
  face('enroll', { externalKey, image: image(picture), allowDuplicates: true }, headers);
const isReplay = ({ headers }: Said) => headers.get('idempotency-replayed') === 'true';
const faceCount = () => {
  const owner = { accountId: service.accountId, environment: 'live' } as const;
  const collection = service.store.collections.get(owner, collectionId);
  return collection ? service.store.faces.count(collection.gallery) : 0;
};
const spent = () => service.store.credits.spent(keyId);

function restarted(): Idempotency {
  const another = new Idempotency({ store: service.store, now: () => service.now() });
  void another.close();
  return another;
}

describe('A retry with the same Idempotency-Key', () => {
  test('gets the first answer, adds nothing and costs nothing', async () => {
    const first = await enroll('ada', retryKey('a'));
    assert.deepEqual([first.status, isReplay(first), faceCount(), spent()], [200, false, 1, PRICE]);
    for (let i = 0; i < 3; i++) {
      const again = await enroll('ada', retryKey('a'));
      assert.deepEqual([again.status, again.body, isReplay(again)], [200, first.body, true]);
      assert.notEqual(again.headers.get('x-request-id'), first.headers.get('x-request-id'));
    }
    assert.deepEqual([faceCount(), spent()], [1, PRICE]);
    const other = await enroll('ada', retryKey('b'));
    assert.notEqual(other.body.faceId, first.body.faceId);
    assert.deepEqual([faceCount(), spent()], [2, 2 * PRICE]);
  });

  test('is no retry for another credential or another call', async () => {
    const first = await enroll('ada', retryKey('a'));
    const { key: another } = await service.key({ scopes: ['v1:*'] });
    const fields = { externalKey: 'ada', image: image(), allowDuplicates: true };
    const second = await face('enroll', fields, retryKey('a'), another);
    assert.deepEqual([second.status, isReplay(second)], [200, false]);
    assert.notEqual(second.body.faceId, first.body.faceId);
    const third = await face('search', { image: image() }, retryKey('a'));
    assert.deepEqual([third.status, isReplay(third)], [200, false]);
  });

  test('is known by the key and by a token of it, and after the key was regenerated', async () => {
    const first = await enroll('ada', retryKey('a'));
    const { token: ofKey } = (await service.call(key, 'GET', '/v1/token/get')).body;
    const fields = { externalKey: 'ada', image: image(), allowDuplicates: true };
    assert.deepEqual((await face('enroll', fields, retryKey('a'), ofKey)).body, first.body);
    const renewed = await service.call(token, 'POST', `/v1/auth/api-keys/${keyId}/regenerate`);
    assert.deepEqual((await face('enroll', fields, retryKey('a'), renewed.body.key)).body, first.body);
    assert.equal((await face('enroll', fields, retryKey('a'))).status, 401);
  });

  test('works for forms and raw images, whatever boundary the client draws', async () => {
    const form = (text: string, boundary: string) => {
      const part = (head: string, body: string) =>
        `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`;
      return Buffer.concat([
        Buffer.from(part('name="collectionId"', collectionId) + part('name="externalKey"', text)),
        Buffer.from(
          `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="${boundary}.jpg"\r\n\r\n`,
        ),
        people[1] as Buffer,
        Buffer.from(`\r\n--${boundary}--\r\n`),
      ]);
    };
    const send = async (body: Buffer, type: string, query = '') => {
      const headers = { Authorization: `ApiKey ${key}`, 'Content-Type': type, ...retryKey(type.slice(0, 5)) };
      const target = `${service.url}/v1/face/enroll${query}`;
      const response = await fetch(target, { method: 'POST', headers, body: new Uint8Array(body) });
      const replayed = response.headers.get('idempotency-replayed');
      return {
        status: response.status,
        replayed,
        body: (await response.json()) as { faceId?: string; code?: string },
      };
    };
    const multipart = (text: string, boundary: string) =>
      send(form(text, boundary), `multipart/form-data; boundary=${boundary}`);
    const first = await multipart('bob', 'xxxxxxxx');
    const again = await multipart('bob', 'another-boundary');
    assert.deepEqual([first.status, again.replayed, again.body], [200, 'true', first.body]);
    assert.equal((await multipart('eve', 'xxxxxxxx')).body.code, 'IDEMPOTENCY_KEY_REUSED');
    const query = `?collectionId=${collectionId}&externalKey=raw`;
    const raw = await send(people[2] as Buffer, 'image/jpeg', query);
    const rawAgain = await send(people[2] as Buffer, 'image/jpeg', query);
    assert.deepEqual([raw.status, rawAgain.replayed, rawAgain.body], [200, 'true', raw.body]);
    const otherQuery = await send(people[2] as Buffer, 'image/jpeg', `${query}2`);
    assert.deepEqual([otherQuery.status, otherQuery.body.code], [422, 'IDEMPOTENCY_KEY_REUSED']);
    const otherImage = await send(people[0] as Buffer, 'image/jpeg', query);
    assert.deepEqual([otherImage.status, otherImage.body.code], [422, 'IDEMPOTENCY_KEY_REUSED']);
    assert.equal(faceCount(), 2);
  });

  test('is refused with another body, also while the first request runs', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begin = () => {};
    const began = new Promise<void>((resolve) => {
      begin = resolve;
    });
    service.beforePicture = () => {
      begin();
      return held;
    };
    const running = enroll('ada', retryKey('a'));
    await began;
    const same = await enroll('ada', retryKey('a'));
    const other = await enroll('eve', retryKey('a'));
    service.beforePicture = async () => {};
    assert.deepEqual([same.status, same.body.code], [409, 'IDEMPOTENCY_CONFLICT']);
    assert.equal(same.headers.get('retry-after'), '1');
    assert.deepEqual([other.status, other.body.code], [422, 'IDEMPOTENCY_KEY_REUSED']);
    release();
    assert.equal((await running).status, 200);
    assert.equal((await enroll('eve', retryKey('a'))).body.code, 'IDEMPOTENCY_KEY_REUSED');
    assert.equal(isReplay(await enroll('ada', retryKey('a'))), true);
    assert.equal(faceCount(), 1);
  });

  test('adds one face however many arrive at once', async () => {
    for (let round = 0; round < 5; round++) {
      const before = faceCount();
      const sent = Array.from({ length: 16 }, () => enroll('ada', retryKey(`round-${round}`)));
      const answers = await Promise.all(sent);
      const statuses = [...new Set(answers.map(({ status }) => status))].sort();
      assert.ok(
        statuses.every((status) => status === 200 || status === 409),
        `${statuses}`,
      );
      assert.equal(new Set(answers.flatMap(({ body }) => body.faceId ?? [])).size, 1);
      assert.equal(faceCount(), before + 1);
    }
    assert.equal(spent(), 5 * PRICE);
  });

  test('is forgotten after 24 hours', async () => {
    const first = await enroll('ada', retryKey('a'));
    const began = Date.now();
    service.now = () => began + 24 * HOUR - 60_000;
    assert.equal(isReplay(await enroll('ada', retryKey('a'))), true);
    service.now = () => began + 24 * HOUR + 60_000;
    const second = await enroll('ada', retryKey('a'));
    assert.deepEqual([second.status, isReplay(second)], [200, false]);
    assert.notEqual(second.body.faceId, first.body.faceId);
    service.now = Date.now;
    await service.store.calls.trim(began + 72 * HOUR);
    assert.deepEqual(service.store.check(), []);
  });
});

describe('A refused request', () => {
  test('is not kept: the same key works once the request is right', async () => {
    const headers = retryKey('a');
    const bad = await face('enroll', { externalKey: 'ada', image: image(), minQuality: 'x' }, headers);
    assert.equal(bad.status, 400);
    const noImage = await face('enroll', { externalKey: 'ada', image: { bytes: 'AAAA' } }, headers);
    assert.equal(noImage.status, 400);
    const { body } = await service.call(
      key,
      'POST',
      '/v1/face/enroll',
      { collectionId: 'none', externalKey: 'ada', image: image() },
      headers,
    );
    assert.equal(body.code, 'COLLECTION_NOT_FOUND');
    assert.equal((await enroll('ada', headers)).status, 200);
    assert.equal(isReplay(await enroll('ada', headers)), true);
  });

  test('for a malformed key says the rule in words', async () => {
    for (const bad of ['', 'a b', 'x'.repeat(256), 'ü']) {
      const { status, body } = await enroll('ada', { 'Idempotency-Key': bad });
      assert.deepEqual(
        [status, body.code, body.errors?.[0].path],
        [400, 'VALIDATION_FAILED', 'Idempotency-Key'],
        bad,
      );
      assert.match(
        body.detail,
        /^Idempotency-Key: expected 1 to 255 visible ASCII characters without spaces/,
      );
    }
    assert.equal((await enroll('ada', { 'Idempotency-Key': `"${'~'.repeat(253)}"` })).status, 200);
  });

  test('of a key that was revoked or narrowed meanwhile gets no answer of before', async () => {
    const bound = await service.key({ scopes: ['v1:*', 'v1:faces'] });
    await enroll('ada');
    const search = () => face('search', { image: image() }, retryKey('s'), bound.key);
    assert.equal((await search()).status, 200);
    const change = { collection_id: 'elsewhere' };
    await service.call(token, 'PATCH', `/v1/auth/api-keys/${bound.id}`, change);
    const narrowed = await search();
    assert.deepEqual([narrowed.status, narrowed.body.code], [409, 'IDEMPOTENCY_CONFLICT']);
    await service.call(token, 'DELETE', `/v1/auth/api-keys/${bound.id}`);
    assert.equal((await search()).status, 401);
  });
});

describe('An answer with a secret', () => {
  const create = (headers = {}) => service.call(token, 'POST', '/v1/auth/api-keys', { name: 'x' }, headers);

  test('is not kept, and a retry is refused', async () => {
    const first = await create(retryKey('k'));
    assert.equal(first.status, 201);
    const again = await create(retryKey('k'));
    assert.deepEqual([again.status, again.body.code], [409, 'IDEMPOTENCY_CONFLICT']);
    assert.match(again.body.detail, /secret/);
    assert.ok(!JSON.stringify(again.body).includes(first.body.key));
    const target = `/v1/auth/api-keys/${first.body.id}/regenerate`;
    assert.equal((await service.call(token, 'POST', target, undefined, retryKey('r'))).status, 200);
    assert.equal((await service.call(token, 'POST', target, undefined, retryKey('r'))).status, 409);
  });

  test('is marked on each route whose body or answer holds one', () => {
    const SECRET = /password|secret|invitation|csrf|^token$|_token$|^key$/i;
    const namesOf = (schema: unknown): string[] => {
      if (typeof schema !== 'object' || schema === null) return [];
      const { properties = {}, items } = schema as { properties?: Record<string, unknown>; items?: unknown };
      return [...Object.keys(properties), ...[...Object.values(properties), items].flatMap(namesOf)];
    };
    const holds = ({ body, responses }: Route) =>
      [body, ...Object.values(responses).map(({ schema }) => schema)]
        .flatMap(namesOf)
        .some((name) => SECRET.test(name));
    for (const route of service.routes.filter(takesIdempotencyKey)) {
      assert.equal(route.secret === true, holds(route), route.operationId);
    }
  });
});

describe('An answer that names a face', () => {
  const search = () => face('search', { image: image() }, retryKey('s'));
  const expectErased = async (what: string) => {
    const { status, body } = await search();
    assert.deepEqual([status, body.code], [409, 'IDEMPOTENCY_CONFLICT'], what);
    assert.match(body.detail, /deleted/);
    await service.store.garbageCollected();
    assert.deepEqual(service.store.check(), []);
    const again = await enroll('ada', retryKey('e'));
    assert.equal(again.status, 409, 'a retry does not bring the face back');
  };
  const known = async () => {
    const { body } = await enroll('ada', retryKey('e'));
    const found = await search();
    assert.equal(found.body.faceId, body.faceId);
    assert.equal(isReplay(await search()), true);
    return body.faceId as string;
  };
  const remove = (target: string) => service.call(key, 'DELETE', `/v1/${target}collectionId=${collectionId}`);

  test('is erased with the face, by id or by external key', async () => {
    const faceId = await known();
    assert.equal((await remove(`face/delete?faceId=${faceId}&`)).status, 200);
    await expectErased('by id');
  });

  test('is erased with the faces of its external key', async () => {
    await known();
    assert.equal((await remove('face/delete?externalKey=ada&')).status, 200);
    await expectErased('by external key');
  });

  test('is erased when nobody has its external key any more', async () => {
    await enroll('ada', retryKey('e'));
    assert.equal((await remove('external-key/delete?externalKey=ada&')).status, 200);
    const { status, body } = await enroll('ada', retryKey('e'));
    assert.deepEqual([status, body.code], [409, 'IDEMPOTENCY_CONFLICT']);
  });

  test('is erased by a reset and by a delete of its collection', async () => {
    const kept = collectionId;
    for (const call of ['reset', 'delete']) {
      collectionId = `${kept}-${call}`;
      await service.call(key, 'POST', '/v1/collection/create', { collectionId });
      await known();
      assert.equal((await remove(`collection/${call}?`)).status, 200);
      await expectErased(call);
    }
  });

  test('leaves nothing of name, image or key in the store', async () => {
    const faceId = await known();
    await remove(`face/delete?faceId=${faceId}&`);
    await service.store.garbageCollected();
    const place = { accountId: service.accountId, callerId: keyId };
    for (const [operation, name] of [
      ['enrollFace', 'e'],
      ['searchFace', 's'],
    ] as const) {
      const mac = service.store.calls.mac('key', operation, retryKey(name)['Idempotency-Key']);
      const record = service.store.calls.get({ ...place, mac }, Date.now());
      assert.deepEqual(Object.keys(record ?? {}).sort(), ['at', 'bounds', 'size', 'state']);
      assert.equal(record?.state, 'erased');
    }
  });
});

describe('After a crash', () => {
  const route = { operationId: 'enrollFace', method: 'POST', access: { by: 'caller' } } as unknown as Route;
  const asked = (name: string) => {
    const caller = {
      accountId: service.accountId,
      environment: 'live',
      collectionId: null,
      allowedExternalKeys: null,
      allowedModels: null,
      key: { id: keyId, isToken: false, scopes: [], keyVersion: 1 },
      member: null,
    } as const;
    const request = {
      requestId: 'r',
      address: '',
      headers: {},
      params: {},
      query: {},
      body: { collectionId },
      images: {},
      caller,
      reauthorize: () => {},
    };
    return { route, request, key: `${name}-${collectionId}`, pieces: () => [Buffer.from('same')] };
  };
  const answer = { status: 200, body: { done: true } };

  test('a request that had written is not run again', async () => {
    const { store } = service;
    let wrote = () => {};
    const written = new Promise<void>((resolve) => {
      wrote = resolve;
    });
    void restarted().run(asked('w'), async ({ caller }) => {
      assert.ok(caller);
      await store.collections.update(caller, collectionId, { description: 'once' }, 1);
      wrote();
      return new Promise(() => {});
    });
    await written;
    let runs = 0;
    const retry = restarted().run(asked('w'), async () => {
      runs++;
      return answer;
    });
    await assert.rejects(retry, { code: 'IDEMPOTENCY_CONFLICT', message: /ended without an answer/ });
    assert.equal(runs, 0);
  });

  test('a request that had not written runs again, also where its transaction failed', async () => {
    const { store } = service;
    void restarted().run(asked('n'), () => new Promise(() => {}));
    const failed = restarted().run(asked('n'), async ({ caller }) => {
      assert.ok(caller);
      await store.collections.update(caller, 'none', { description: 'never' }, 1);
      return answer;
    });
    await assert.rejects(failed, { code: 'COLLECTION_NOT_FOUND' });
    const again = await restarted().run(asked('n'), async () => answer);
    assert.deepEqual(again, answer);
    const replayed = await restarted().run(asked('n'), async () => assert.fail('ran again'));
    assert.deepEqual(replayed, { ...answer, headers: { 'Idempotency-Replayed': 'true' } });
  });

  test('a charged call needs no second transaction for its answer', async () => {
    const { calls } = service.store;
    const keep = calls.keep.bind(calls);
    calls.keep = () => Promise.reject(new Error('The process died'));
    try {
      const fields = { collectionId, image: image() };
      const first = await service.call(key, 'POST', '/v1/face/search', fields, retryKey('p'));
      const again = await service.call(key, 'POST', '/v1/face/search', fields, retryKey('p'));
      assert.deepEqual([first.status, isReplay(again), spent()], [200, true, PRICE]);
    } finally {
      calls.keep = keep;
    }
  });

  test('a charged call that was paid for has its answer: charge and answer are one transaction', async () => {
    const { store } = service;
    const charge = { accountId: service.accountId, keyId, amount: PRICE, budget: null, prepaid: false };
    const place = {
      accountId: service.accountId,
      day: '2026-01-15',
      hour: 10,
      keyId,
      operation: 'x',
      environment: 'live',
    } as const;
    let paid = () => {};
    const isPaid = new Promise<void>((resolve) => {
      paid = resolve;
    });
    void restarted().run(asked('c'), async (_request, settling) => {
      store.credits.reserve(charge);
      await store.credits.settle(charge, place, () => settling?.(answer));
      paid();
      return new Promise(() => {});
    });
    await isPaid;
    const replayed = await restarted().run(asked('c'), async () => assert.fail('ran again'));
    assert.deepEqual(replayed.body, answer.body);
    assert.equal(spent(), PRICE);
  });
});

describe('Kept answers', () => {
  test('are bounded: a large one is not kept, and its request does not run again', async () => {
    const { store } = service;
    const place = { accountId: 'acc_size', callerId: 'key_size', mac: 'm' };
    const owner = { accountId: service.accountId, environment: 'live' } as const;
    const none = { faceIds: [], externalKeys: [] };
    const result = (body: string) => {
      return {
        owner,
        collectionId,
        answer: { status: 200, headers: {}, body },
        names: none,
        requested: none,
      };
    };
    await store.calls.keep(place, { at: 1, bounds: '' }, result('x'.repeat(65_536)));
    assert.equal(store.calls.get(place, 1)?.state, 'answered');
    await store.calls.keep(place, { at: 2, bounds: '' }, result('x'.repeat(65_537)));
    assert.equal(store.calls.get(place, 2)?.state, 'unkept');
    await store.calls.trim(3 * 24 * HOUR);
    assert.equal(store.calls.get(place, 2), null);
  });

  test('are limited by account and in total: the oldest of the account with the most go first', async () => {
    const { calls } = service.store;
    const { limits } = calls;
    await calls.trim(Date.now() + 48 * HOUR);
    assert.equal(calls.bytes, 0);
    const owner = { accountId: service.accountId, environment: 'live' } as const;
    const none = { faceIds: [], externalKeys: [] };
    const answer = { status: 200, headers: {}, body: 'x'.repeat(1_000) };
    const result = { owner, collectionId, answer, names: none, requested: none };
    const placeOf = (accountId: string, at: number) => ({ accountId, callerId: 'key_l', mac: `m${at}` });
    const keep = (accountId: string, at: number) =>
      calls.keep(placeOf(accountId, at), { at, bounds: '' }, result);
    const kept = (accountId: string) =>
      Array.from({ length: 100 }, (_, at) => at).filter((at) => calls.get(placeOf(accountId, at), 100));
    try {
      calls.limits = { ...limits, maxAccountBytes: 10 * 1_256 };
      for (let at = 0; at < 30; at++) await keep('acc_large', at);
      for (let at = 0; at < 5; at++) await keep('acc_small', at);
      await calls.trim(100);
      assert.deepEqual(kept('acc_large'), [20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
      assert.deepEqual(kept('acc_small'), [0, 1, 2, 3, 4]);
      calls.limits = { ...limits, maxTotalBytes: 12 * 1_256 };
      await calls.trim(100);
      assert.deepEqual([kept('acc_large').at(0), kept('acc_small').length], [23, 5]);
      assert.ok(calls.bytes <= calls.limits.maxTotalBytes);
      calls.limits = { ...limits, maxAccountBytes: 2 * 1_256 };
      for (let at = 30; at < 40; at++) await keep('acc_large', at);
      assert.deepEqual(kept('acc_large'), [38, 39]);
    } finally {
      calls.limits = limits;
    }
    assert.deepEqual(service.store.check(), []);
  });

  test('of a face that was deleted before they could be kept are not kept', async () => {
    const { store } = service;
    const place = { accountId: service.accountId, callerId: keyId, mac: 'late' };
    const owner = { accountId: service.accountId, environment: 'live' } as const;
    const none = { faceIds: [], externalKeys: [] };
    const answer = { status: 200, headers: {}, body: '{}' };
    const names = { faceIds: ['face_gone'], externalKeys: [] };
    await store.calls.keep(
      place,
      { at: Date.now(), bounds: '' },
      { owner, collectionId, answer, names, requested: none },
    );
    assert.equal(store.calls.get(place, Date.now())?.state, 'unkept');
  });

  test('hold no hash of an image that the secrets of the store alone could make', async () => {
    const { store } = service;
    const digest = (idempotencyKey: string) =>
      store.calls.fingerprint(idempotencyKey).update('x').digest('hex');
    assert.equal(digest('a'), digest('a'));
    assert.notEqual(digest('a'), digest('b'));
    assert.notEqual(digest('a'), createHmac('sha256', '').update('x').digest('hex'));
  });
});

test('The hash of a request changes with every byte, and with where one part ends', async () => {
  const random = uniforms(7);
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
  const route = { operationId: 'hashed', method: 'POST', access: { by: 'caller' } } as unknown as Route;
  const caller = { accountId: 'acc_h', environment: 'live', key: { id: 'key_h' }, member: null } as never;
  const run = async (key: string, pieces: Buffer[]) => {
    const request = { params: {}, query: {}, body: {}, caller, reauthorize: () => {} } as never;
    const asked = { route, request, key, pieces: () => pieces };
    try {
      const { headers } = await service.idempotency.run(asked, async () => ({ status: 200, body: {} }));
      return headers?.['Idempotency-Replayed'] === 'true' ? 'same' : 'first';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  for (let round = 0; round < 40; round++) {
    const pieces = Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
      bytes(1 + Math.floor(random() * 3_000)),
    );
    const name = `property-${round}`;
    assert.equal(await run(name, pieces), 'first');
    assert.equal(
      await run(
        name,
        pieces.map((piece) => Buffer.from(piece)),
      ),
      'same',
    );
    const at = Math.floor(random() * pieces.length);
    const changed = pieces.map((piece) => Buffer.from(piece));
    const target = changed[at] as Buffer;
    const byte = Math.floor(random() * target.length);
    target[byte] = (target[byte] as number) ^ (1 << Math.floor(random() * 8));
    const whole = Buffer.concat(pieces);
    const cut = Math.floor(random() * whole.length);
    for (const other of [
      changed,
      [...pieces, Buffer.alloc(0)],
      [...pieces, bytes(1)],
      pieces.map((piece) => piece.subarray(0, -1)),
      [whole.subarray(0, cut), Buffer.alloc(0), whole.subarray(cut), Buffer.alloc(0)],
    ]) {
      assert.equal(await run(name, other), 'IDEMPOTENCY_KEY_REUSED');
    }
  }
});

test('The names in an answer are found at every place where answers have them', () => {
  const value = {
    faceId: 'a',
    externalKey: null,
    matches: [
      { faceId: 'b', externalKey: 'x', similarity: 1 },
      { faceId: 'a', externalKey: '' },
    ],
    faces: [{ matches: [{ faceId: 'c' }] }],
    faceIds: ['d', 'e'],
    newExternalKey: 'y',
    description: 'faceId',
  };
  assert.deepEqual(namesIn(value), { faceIds: ['a', 'b', 'c', 'd', 'e'], externalKeys: ['x', 'y'] });
  assert.deepEqual(namesIn('text'), { faceIds: [], externalKeys: [] });
});
