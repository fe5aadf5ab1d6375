import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SCOPES } from '../../src/api/scopes.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';

after(closeShared);

describe('The set-up state', () => {
  test('says to anyone whether an owner is missing, and nothing else', async () => {
    const service = await AccessService.open();
    try {
      const asked = await service.call(null, 'GET', '/v1/setup');
      assert.deepEqual([asked.status, asked.body], [200, { needsOwner: true }]);
      await service.member('admin');
      assert.deepEqual((await service.call(null, 'GET', '/v1/setup')).body, { needsOwner: true });
      await service.member('owner');
      for (let times = 0; times < 2; times++) {
        assert.deepEqual((await service.call(null, 'GET', '/v1/setup')).body, { needsOwner: false });
      }
    } finally {
      await service.close();
    }
  });

  test('counts against the limit of the address', async () => {
    const service = await AccessService.open({ addressRateLimit: 2 });
    try {
      const statuses = [];
      for (let times = 0; times < 3; times++)
        statuses.push((await service.call(null, 'GET', '/v1/setup')).status);
      assert.deepEqual(statuses, [200, 200, 429]);
    } finally {
      await service.close();
    }
  });
});

describe('The signed-in member', () => {
  let service: AccessService;
  before(async () => {
    service = await AccessService.open();
  });
  after(() => service.close());

  test('reads its name, role, account and session', async () => {
    const owner = await service.member('owner');
    const { status, body } = await service.call(await service.token(owner), 'GET', '/v1/auth/me');
    assert.equal(status, 200);
    const { session, ...rest } = body.data;
    assert.deepEqual(rest, {
      user_id: owner.memberId,
      email: owner.email,
      name: null,
      username: null,
      role: 'owner',
      account: { id: service.accountId, name: 'default', is_first: true },
    });
    assert.ok(Date.parse(session.created_at) <= Date.now());
    assert.ok(Date.parse(session.expires_at) > Date.now());
    const stranger = await service.stranger();
    const other = (await service.call(await service.token(stranger), 'GET', '/v1/auth/me')).body.data;
    assert.deepEqual([other.account.name, other.account.is_first], ['other', false]);
  });

  test('reads every scope, and the limits of the plan with the keys that it has', async () => {
    const member = await service.member('member');
    const token = await service.token(member);
    const { body } = await service.call(token, 'GET', '/v1/auth/scopes');
    assert.deepEqual(
      body.data.scopes.map(({ name }: { name: string }) => name),
      [...SCOPES],
    );
    assert.deepEqual(body.data.plan, {
      name: 'enterprise',
      max_keys: 20,
      keys_used: 0,
      max_rate_limit: 500,
    });
    const { key } = await service.key({ memberId: member.memberId });
    for (const credential of [token, key]) {
      const { plan } = (await service.call(credential, 'GET', '/v1/auth/scopes')).body.data;
      assert.deepEqual([plan.max_keys, plan.keys_used], [20, 1]);
    }
    const operators = (await service.call((await service.key()).key, 'GET', '/v1/auth/scopes')).body.data
      .plan;
    assert.deepEqual([operators.max_keys, operators.keys_used], [null, null]);
  });
});

describe('The model packs', () => {
  test('are those that the caller may use, with the number of its collections', async () => {
    const service = await AccessService.open();
    try {
      const { key } = await service.key();
      const models = async (credential: string) =>
        (await service.call(credential, 'GET', '/v1/models')).body.models;
      for (const collectionId of ['a', 'b']) {
        await service.call(key, 'POST', '/v1/collection/create', { collectionId });
      }
      const [model, ...others] = await models(key);
      assert.deepEqual(others, []);
      assert.deepEqual(
        { ...model, version: '' },
        {
          model: 'yunet',
          version: '',
          isDefault: true,
          dimension: 512,
          hasPose: true,
          hasLiveness: false,
          collectionCount: 2,
          olderVersions: [],
        },
      );
      const member = await service.token(await service.member('member'));
      assert.equal((await models(member))[0].collectionCount, 2);
      assert.equal((await models((await service.key({ collectionId: 'a' })).key))[0].collectionCount, 1);
      assert.equal((await models((await service.key({ environment: 'test' })).key))[0].collectionCount, 0);
      assert.deepEqual(await models((await service.key({ allowedModels: ['another'] })).key), []);
    } finally {
      await service.close();
    }
  });
});
