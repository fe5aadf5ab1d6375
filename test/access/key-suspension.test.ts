import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { NewApiKey } from '../../src/access/keys/api-keys.ts';
import { keyAdministration } from '../../src/access/keys/key-administration.ts';
import type { Member } from '../../src/store/records.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';

const KEYS = '/v1/auth/api-keys';
const MEMBERS = '/v1/auth/members';

let service: AccessService;
let owner: string;
before(async () => {
  service = await AccessService.open();
  owner = await service.token(await service.member('owner'));
});
after(async () => {
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

const keyOf = (member: Member, limits = {}): Promise<NewApiKey> =>
  service.key({ memberId: member.memberId, ...limits });

const remove = async ({ memberId }: Member) => {
  const { status } = await service.call(owner, 'DELETE', `${MEMBERS}/${memberId}`);
  assert.equal(status, 200);
};

const patch = (credential: string, id: string, changes: unknown) =>
  service.call(credential, 'PATCH', `${KEYS}/${id}`, changes);

async function codeOf(credential: string, target = '/v1/collection/get-all'): Promise<string | undefined> {
  return (await service.call(credential, 'GET', target)).body.code;
}

async function suspendedKey(limits = {}): Promise<NewApiKey> {
  const member = await service.member('admin');
  const key = await keyOf(member, limits);
  await remove(member);
  return key;
}

describe('A key of a member who was removed', () => {
  test('is refused from the very next request, and so are its tokens, on every route that takes them', async () => {
    const member = await service.member('admin');
    const { key } = await keyOf(member);
    const token = (await service.call(key, 'GET', '/v1/token/get')).body.token;
    assert.deepEqual([await codeOf(key), await codeOf(token)], [undefined, undefined]);
    await remove(member);
    for (const route of service.routes) {
      if (route.access.by === 'anyone') continue;
      for (const credential of [key, token]) {
        const path = route.path.replace('{id}', `key_${'0'.repeat(26)}`);
        const hasBody = route.body !== undefined || route.images !== undefined;
        const { status, body } = await service.call(credential, route.method, path, hasBody ? {} : undefined);
        assert.deepEqual([status, body.code], [401, 'INVALID_API_KEY'], `${route.method} ${route.path}`);
      }
    }
  });

  test('leaves the keys of other members and of the operator alone', async () => {
    const others = [await service.key(), await keyOf(await service.member('member'))];
    await suspendedKey();
    for (const { key, id } of others) {
      assert.equal(await codeOf(key), undefined);
      assert.equal((await service.call(owner, 'GET', `${KEYS}/${id}`)).body.suspended, false);
    }
  });

  test('is shown as suspended in the list and by itself', async () => {
    const { id } = await suspendedKey();
    assert.equal((await service.call(owner, 'GET', `${KEYS}/${id}`)).body.suspended, true);
    const { body } = await service.call(owner, 'GET', `${KEYS}?limit=1000`);
    const found = body.api_keys.find((key: { id: string }) => key.id === id);
    assert.equal(found.suspended, true);
    const listed = await keyAdministration(service.store, { record: async () => {} }).list();
    assert.deepEqual(
      listed.filter((key) => key.id === id).map(({ suspended }) => suspended),
      [true],
    );
  });

  test('works again once an owner has given it to a member, and not before', async () => {
    const { id, key } = await suspendedKey();
    const heir = await service.member('member');
    for (const changes of [{ name: 'n' }, { frozen: false }, { expires_in_days: 9 }, { scopes: null }]) {
      assert.equal((await patch(owner, id, changes)).status, 200);
      assert.equal(await codeOf(key), 'INVALID_API_KEY');
    }
    const regenerated = await service.call(owner, 'POST', `${KEYS}/${id}/regenerate`);
    assert.equal(await codeOf(regenerated.body.key), 'INVALID_API_KEY');
    const { status, body } = await patch(owner, id, { member_id: heir.memberId });
    assert.deepEqual([status, body.member_id, body.suspended], [200, heir.memberId, false]);
    assert.equal(await codeOf(regenerated.body.key), undefined);
    await remove(heir);
    assert.equal(await codeOf(regenerated.body.key), 'INVALID_API_KEY');
  });

  test('is deleted by an owner', async () => {
    const { id } = await suspendedKey();
    assert.equal((await service.call(owner, 'DELETE', `${KEYS}/${id}`)).status, 204);
    assert.equal((await service.call(owner, 'GET', `${KEYS}/${id}`)).status, 404);
  });

  test('stays suspended when the same person is a member again', async () => {
    const member = await service.member('member');
    const { key } = await keyOf(member);
    await remove(member);
    const { memberId, accountId, ...record } = member;
    const again = await service.store.members.add(accountId, { ...record, createdAt: Date.now() });
    assert.notEqual(again.memberId, memberId);
    assert.equal(await codeOf(key), 'INVALID_API_KEY');
  });

  test('is suspended too where it was stored before members and keys were judged together', async () => {
    const { key } = await service.key({ memberId: `mem_${'0'.repeat(26)}` });
    assert.equal(await codeOf(key), 'INVALID_API_KEY');
  });

  test('costs its address what a wrong key costs, so that it is no way around the limit of failures', async () => {
    const limited = await AccessService.open({ addressRateLimit: 5 });
    try {
      const { key } = await limited.key({ memberId: `mem_${'0'.repeat(26)}` });
      const codes: string[] = [];
      for (let i = 0; i < 7; i++) codes.push((await limited.call(key, 'GET', KEYS)).body.code);
      assert.deepEqual(codes, [...Array(5).fill('INVALID_API_KEY'), ...Array(2).fill('RATE_LIMIT_EXCEEDED')]);
    } finally {
      await limited.close();
    }
  });
});

describe('A member who was only invited', () => {
  test('has no use of a key, and is given none', async () => {
    const { body: invited } = await service.call(owner, 'POST', `${MEMBERS}/invite`, {
      email: 'invited@example.com',
    });
    const { key } = await service.key({ memberId: invited.id });
    assert.equal(await codeOf(key), 'INVALID_API_KEY');
    const { id } = await suspendedKey();
    assert.equal((await patch(owner, id, { member_id: invited.id })).body.code, 'VALIDATION_FAILED');
  });
});

describe('A key is given to a member', () => {
  test('by admins and owners only, and by an admin to no owner', async () => {
    const { id } = await suspendedKey();
    const heir = await service.member('member');
    const admin = await service.token(await service.member('admin'));
    const member = await service.member('member');
    const own = await keyOf(member);
    const asMember = await patch(await service.token(member), own.id, { member_id: heir.memberId });
    assert.equal(asMember.body.code, 'PERMISSION_DENIED');
    assert.equal(
      (await patch(await service.token(member), id, { member_id: heir.memberId })).body.code,
      'NOT_FOUND',
    );
    const boss = await service.member('owner');
    assert.equal((await patch(admin, id, { member_id: boss.memberId })).body.code, 'PERMISSION_DENIED');
    assert.equal((await patch(admin, id, { member_id: heir.memberId })).status, 200);
    assert.equal((await patch(owner, id, { member_id: boss.memberId })).status, 200);
  });

  test('who is active in the same account, and named by an id', async () => {
    const { id, key } = await suspendedKey();
    const stranger = await service.stranger();
    for (const member_id of [stranger.memberId, `mem_${'0'.repeat(26)}`, null, '', 'mem_1', 7]) {
      assert.equal((await patch(owner, id, { member_id })).body.code, 'VALIDATION_FAILED', `${member_id}`);
    }
    assert.equal(await codeOf(key), 'INVALID_API_KEY');
  });

  test('who has fewer keys than the plan allows, also when several come at once', async () => {
    const few = await AccessService.open({ plan: { name: 'few', keysPerMember: 2, maxRateLimit: 100 } });
    try {
      const boss = await few.token(await few.member('owner'));
      const heir = await few.member('member');
      const keys = await Promise.all(Array.from({ length: 5 }, () => few.key()));
      const answers = await Promise.all(
        keys.map(({ id }) => few.call(boss, 'PATCH', `${KEYS}/${id}`, { member_id: heir.memberId })),
      );
      assert.equal(answers.filter(({ status }) => status === 200).length, 2);
      assert.equal(answers.filter(({ body }) => body.code === 'VALIDATION_FAILED').length, 3);
      const given = answers.find(({ status }) => status === 200)?.body.id;
      const again = await few.call(boss, 'PATCH', `${KEYS}/${given}`, { member_id: heir.memberId });
      assert.equal(again.status, 200);
    } finally {
      await few.close();
    }
  });

  test('by a key only where that key has everything which the other one gets', async () => {
    const heir = await service.member('member');
    const wide = await suspendedKey();
    const narrow = await suspendedKey({ scopes: ['v1:faces'] });
    const manager = await service.key({ scopes: ['v1:api-keys', 'v1:faces'] });
    const member_id = heir.memberId;
    assert.equal((await patch(manager.key, wide.id, { member_id })).body.code, 'PERMISSION_DENIED');
    assert.equal((await patch(manager.key, narrow.id, { member_id })).status, 200);
    const { key } = await keyOf(await service.member('member'));
    assert.equal((await patch(key, narrow.id, { member_id })).body.code, 'NOT_FOUND');
  });
});

describe('A key of a member who was demoted', () => {
  test('does from the very next request what the member may do, and no more', async () => {
    const admin = await service.member('admin');
    const { key, id } = await keyOf(admin);
    const other = await service.key();
    const token = (await service.call(key, 'GET', '/v1/token/get')).body.token;
    const codes = async (credential: string) =>
      Promise.all(
        ['/v1/audit', '/v1/billing/balance', '/v1/billing/usage', `${KEYS}/${other.id}`, `${KEYS}/${id}`].map(
          (target) => codeOf(credential, target),
        ),
      );
    for (const each of [key, token]) assert.deepEqual(await codes(each), Array(5).fill(undefined));
    const { status } = await service.call(owner, 'PATCH', `${MEMBERS}/${admin.memberId}`, { role: 'member' });
    assert.equal(status, 200);
    const denied = Array(3).fill('PERMISSION_DENIED');
    for (const each of [key, token]) {
      assert.deepEqual(await codes(each), [...denied, 'NOT_FOUND', undefined]);
      assert.equal((await patch(each, other.id, { name: 'x' })).body.code, 'NOT_FOUND');
      const { body } = await service.call(each, 'GET', KEYS);
      assert.deepEqual(
        body.api_keys.map((shown: { id: string }) => shown.id),
        [id],
      );
    }
  });
});
