import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AccessService, closeShared, type Said } from '../../testing/access-service.ts';
import { samePerson } from '../../testing/sample-faces.ts';

let service: AccessService;
let token: string;
let picture: string;
before(async () => {
  service = await AccessService.open({ prices: { indexFace: 10_000, enrollFace: 10_000 } });
  token = await service.token(await service.member('admin'));
  const { key } = await service.key();
  await service.call(key, 'POST', '/v1/collection/create', { collectionId: 'people' });
  picture = (await samePerson())[0].toString('base64');
});
after(async () => {
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

function faces(): number {
  const collection = service.store.collections.get(
    { accountId: service.accountId, environment: 'live' },
    'people',
  );
  assert.ok(collection);
  return service.store.faces.count(collection.gallery);
}

async function during(credential: string, path: string, act: () => Promise<unknown>): Promise<Said> {
  let goOn = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const seen = new Promise<void>((resolve) => {
    service.beforePicture = () => {
      resolve();
      return held;
    };
  });
  const answer = service.call(credential, 'POST', path, {
    collectionId: 'people',
    image: { bytes: picture },
    ...(path === '/v1/face/enroll' ? { externalKey: 'k', allowDuplicates: true } : {}),
  });
  await seen;
  await act();
  goOn();
  service.beforePicture = async () => {};
  return answer;
}

const PATHS = ['index', 'search-or-index', 'enroll', 'search', 'identify'].map((call) => `/v1/face/${call}`);

describe('A request in flight', () => {
  const change = (id: string, changes: unknown) =>
    service.call(token, 'PATCH', `/v1/auth/api-keys/${id}`, changes);

  const ACTS: readonly [string, (id: string) => Promise<unknown>][] = [
    ['revoked', (id) => service.call(token, 'DELETE', `/v1/auth/api-keys/${id}`)],
    ['regenerated', (id) => service.call(token, 'POST', `/v1/auth/api-keys/${id}/regenerate`)],
    ['frozen', (id) => change(id, { frozen: true })],
    ['taken its scope', (id) => change(id, { scopes: ['v1:collections'] })],
    ['bound to another collection', (id) => change(id, { collection_id: 'others' })],
    ['limited to some faces', (id) => change(id, { allowed_face_ids: ['alice'] })],
    ['kept from the model', (id) => change(id, { allowed_llm_models: ['other'] })],
    ['kept from its address', (id) => change(id, { allowed_ips: ['192.0.2.1'] })],
  ];

  for (const [what, act] of ACTS) {
    test(`of a key that is ${what} meanwhile ends with INVALID_API_KEY, leaves no face and costs nothing`, async () => {
      const before = faces();
      for (const path of PATHS) {
        const { id, key } = await service.key({ budget: 20_000 });
        const { status, body } = await during(key, path, () => act(id));
        assert.deepEqual([status, body.code], [401, 'INVALID_API_KEY'], path);
        assert.equal(service.store.credits.spent(id), 0);
      }
      assert.equal(faces(), before);
    });
  }

  test('of a key whose member is removed meanwhile ends with INVALID_API_KEY, leaves no face and costs nothing', async () => {
    const before = faces();
    const owner = await service.token(await service.member('owner'));
    for (const path of PATHS) {
      const { memberId } = await service.member('member');
      const { id, key } = await service.key({ budget: 20_000, memberId });
      const ofKey = (await service.call(key, 'GET', '/v1/token/get')).body.token;
      for (const credential of path === PATHS[0] ? [ofKey] : [key]) {
        const { status, body } = await during(credential, path, () =>
          service.call(owner, 'DELETE', `/v1/auth/members/${memberId}`),
        );
        assert.deepEqual([status, body.code], [401, 'INVALID_API_KEY'], path);
      }
      assert.equal(service.store.credits.spent(id), 0);
    }
    assert.equal(faces(), before);
  });

  test('about keys or usage that only waits for its answer gets none once its key is suspended', async () => {
    const owner = await service.token(await service.member('owner'));
    const { memberId } = await service.member('admin');
    const { key } = await service.key({ memberId });
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const flush = service.usage.flush.bind(service.usage);
    // The log's timer may call this too, so every call waits for the same promise.
    const flushing = new Promise<void>((resolve) => {
      service.usage.flush = () => {
        resolve();
        return held;
      };
    });
    const answer = service.call(key, 'GET', '/v1/billing/usage');
    await flushing;
    assert.equal((await service.call(owner, 'DELETE', `/v1/auth/members/${memberId}`)).status, 200);
    service.usage.flush = flush;
    goOn();
    assert.equal((await answer).body.code, 'INVALID_API_KEY');
  });

  test('of a token dies with its key', async () => {
    const before = faces();
    const { id, key } = await service.key();
    const ofKey = (await service.call(key, 'GET', '/v1/token/get')).body.token;
    const { body } = await during(ofKey, '/v1/face/index', () =>
      service.call(token, 'DELETE', `/v1/auth/api-keys/${id}`),
    );
    assert.equal(body.code, 'INVALID_API_KEY');
    assert.equal(faces(), before);
  });

  test('of a member who has logged out leaves nothing', async () => {
    const before = faces();
    const own = await service.token(await service.member('member'));
    const { status } = await during(own, '/v1/face/index', () => service.call(own, 'POST', '/auth/logout'));
    assert.equal(status, 401);
    assert.equal(faces(), before);
  });

  test('goes on where the change leaves it allowed', async () => {
    const before = faces();
    const { id, key } = await service.key({ budget: 20_000 });
    const { status } = await during(key, '/v1/face/index', () =>
      change(id, { name: 'b', rate_limit: 9, scopes: ['v1:faces'], allowed_ips: ['127.0.0.1'] }),
    );
    assert.equal(status, 200);
    assert.equal(faces(), before + 1);
    assert.equal(service.store.credits.spent(id), 10_000);
  });
});
