import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Member } from '../../src/store/records.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';

const KEYS = '/v1/auth/api-keys';

let service: AccessService;
let admin: Member;
before(async () => {
  service = await AccessService.open();
  admin = await service.member('admin');
});
after(async () => {
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

async function made(settings: Record<string, unknown> = {}) {
  const { status, body } = await service.call(await service.token(admin), 'POST', KEYS, {
    name: 'a',
    ...settings,
  });
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

const patch = (credential: string, id: string, changes: unknown) =>
  service.call(credential, 'PATCH', `${KEYS}/${id}`, changes);

describe('An API key', () => {
  test('is shown whole once, and masked ever after', async () => {
    const { key, ...shown } = await made({
      name: 'production',
      budget_usd: 50,
      allowed_face_ids: ['alice', 'bob'],
      allowed_llm_models: ['gpt-4o-mini'],
      expires_in_days: 2,
    });
    assert.match(key, /^fr_live_[0-9a-f]{32}$/);
    assert.equal(shown.key_prefix, key.slice(0, 12));
    assert.equal(shown.budget_usd, 50);
    assert.deepEqual(shown.scopes, ['v1:*']);
    assert.equal(shown.spent_usd, 0);
    assert.ok(Math.abs(Date.parse(shown.expires_at) - Date.now() - 2 * 86_400_000) < 60_000);
    const { body } = await service.call(await service.token(admin), 'GET', `${KEYS}/${shown.id}`);
    assert.deepEqual(body, shown);
    const list = await service.call(await service.token(admin), 'GET', KEYS);
    assert.ok(!JSON.stringify(list.body).includes(key.slice(12)));
    assert.deepEqual(
      list.body.api_keys.find(({ id }: { id: string }) => id === shown.id),
      shown,
    );
  });

  test('is changed, and null clears what limits it', async () => {
    const { id } = await made({
      rate_limit: 5,
      budget_usd: 1,
      allowed_ips: ['10.0.0.0/8'],
      expires_in_days: 1,
    });
    const token = await service.token(admin);
    const changed = await patch(token, id, { name: 'b', rate_limit: 7 });
    assert.deepEqual([changed.body.name, changed.body.rate_limit, changed.body.budget_usd], ['b', 7, 1]);
    const { body } = await patch(token, id, {
      rate_limit: null,
      budget_usd: null,
      allowed_ips: null,
      expires_in_days: null,
    });
    assert.deepEqual(
      [body.rate_limit, body.budget_usd, body.allowed_ips, body.expires_at],
      [null, null, [], null],
    );
  });

  test('counts as changed, frozen, regenerated and revoked from the very next request', async () => {
    const { id, key } = await made();
    const token = await service.token(admin);
    const code = async (value: string) =>
      (await service.call(value, 'GET', '/v1/collection/get-all')).body.code;
    assert.equal(await code(key), undefined);
    const ofKey = (await service.call(key, 'GET', '/v1/token/get')).body.token;
    assert.equal(await code(ofKey), undefined);

    await patch(token, id, { frozen: true });
    const frozen = await service.call(key, 'GET', '/v1/collection/get-all');
    assert.deepEqual([frozen.status, frozen.body.detail], [402, 'Insufficient credits']);
    assert.equal(await code(ofKey), 'INSUFFICIENT_CREDITS');
    await patch(token, id, { frozen: false, allowed_ips: ['192.0.2.1'] });
    assert.equal(await code(key), 'IP_NOT_ALLOWED');
    await patch(token, id, { allowed_ips: ['::ffff:127.0.0.0/104'], scopes: ['v1:faces'] });
    assert.equal(await code(key), 'SCOPE_DENIED');
    await patch(token, id, { scopes: null });

    const again = await service.call(token, 'POST', `${KEYS}/${id}/regenerate`);
    assert.equal(await code(key), 'INVALID_API_KEY');
    assert.equal(await code(ofKey), 'TOKEN_INVALID');
    assert.equal(await code(again.body.key), undefined);
    assert.deepEqual(again.body.allowed_ips, ['::ffff:127.0.0.0/104']);

    assert.equal((await service.call(token, 'DELETE', `${KEYS}/${id}`)).status, 204);
    assert.equal(await code(again.body.key), 'INVALID_API_KEY');
    assert.equal((await service.call(token, 'GET', `${KEYS}/${id}`)).status, 404);
  });

  test('is listed page by page', async () => {
    for (let i = 0; i < 3; i++) await made();
    const ids: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await service.call(
        await service.token(admin),
        'GET',
        `${KEYS}?limit=2${cursor && `&cursor=${cursor}`}`,
      );
      ids.push(...body.api_keys.map(({ id }: { id: string }) => id));
      cursor = body.next_cursor;
    }
    const all = await service.call(await service.token(admin), 'GET', KEYS);
    assert.deepEqual(
      ids,
      all.body.api_keys.map(({ id }: { id: string }) => id),
    );
    assert.ok(ids.length > 3);
  });

  test('is listed with few others if their lists are long', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `${i}-${'x'.repeat(500)}`);
    const long = [];
    for (let i = 0; i < 7; i++) long.push((await made({ allowed_face_ids: names })).id);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const target: string = `${KEYS}?limit=1000${cursor && `&cursor=${cursor}`}`;
      const { body } = await service.call(await service.token(admin), 'GET', target);
      assert.ok(JSON.stringify(body).length < 400_000);
      seen.push(...body.api_keys.map(({ id }: { id: string }) => id));
      cursor = body.next_cursor;
    }
    assert.equal(new Set(seen).size, seen.length);
    for (const id of long) assert.ok(seen.includes(id), id);
  });

  test('says when it was last used', async () => {
    const { id, key } = await made();
    await service.call(key, 'GET', '/v1/collection/get-all');
    const { body } = await service.call(await service.token(admin), 'GET', `${KEYS}/${id}`);
    assert.ok(Math.abs(Date.parse(body.last_used_at) - Date.now()) < 60_000);
  });

  test('takes every list of addresses that the contract shows', async () => {
    for (const allowed_ips of [
      ['198.51.100.42'],
      ['10.0.0.0/8'],
      ['203.0.113.0/24', '198.51.100.0/24', '192.0.2.5'],
      [],
    ]) {
      const { id, key, ...shown } = await made({ collection_id: 'people', allowed_ips });
      assert.deepEqual(shown.allowed_ips, allowed_ips);
      const { body } = await service.call(key, 'GET', '/v1/collection/get-all');
      assert.equal(body.code, allowed_ips.length > 0 ? 'IP_NOT_ALLOWED' : undefined);
      await service.call(await service.token(admin), 'DELETE', `/v1/auth/api-keys/${id}`);
    }
  });

  test('may have the rate limit of the plan', async () => {
    const { body } = await service.call(await service.token(admin), 'POST', KEYS, {
      ...{ name: 'a', rate_limit: 500 },
    });
    assert.equal(body.rate_limit, 500);
    await service.call(await service.token(admin), 'DELETE', `${KEYS}/${body.id}`);
  });

  test('is refused with what cannot be or what the plan does not allow', async () => {
    const token = await service.token(admin);
    for (const wrong of [
      { name: '' },
      { name: 'a', rate_limit: 501 },
      { name: 'a', rate_limit: 0 },
      { name: 'a', allowed_ips: ['010.0.0.1'] },
      { name: 'a', allowed_ips: ['10.0.0.0/33'] },
      { name: 'a', allowed_ips: ['fe80::1%eth0'] },
      { name: 'a', scopes: ['v1:everything'] },
      { name: 'a', scopes: [] },
      { name: 'a', budget_usd: -1 },
      { name: 'a', key: 'fr_live_00000000000000000000000000000000' },
      { name: 'a', memberId: 'mem_1' },
    ]) {
      const { body } = await service.call(token, 'POST', KEYS, wrong);
      assert.equal(body.code, 'VALIDATION_FAILED', JSON.stringify(wrong));
    }
  });

  test('is one of as many as the plan gives a member, also when they are made at once', async () => {
    const member = await service.member('member');
    const token = await service.token(member);
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => service.call(token, 'POST', KEYS, { name: 'x' })),
    );
    assert.equal(answers.filter(({ status }) => status === 201).length, 20);
    assert.equal(answers.filter(({ body }) => body.code === 'VALIDATION_FAILED').length, 10);
  });
});

describe('A member without a role', () => {
  test('handles own keys only, and so does a key of theirs', async () => {
    const other = await made();
    const member = await service.member('member');
    const token = await service.token(member);
    const own = (await service.call(token, 'POST', KEYS, { name: 'own' })).body;
    for (const credential of [token, own.key]) {
      const { body } = await service.call(credential, 'GET', KEYS);
      assert.deepEqual(
        body.api_keys.map(({ id }: { id: string }) => id),
        [own.id],
      );
      for (const [method, path] of [
        ['GET', ''],
        ['PATCH', ''],
        ['DELETE', ''],
        ['POST', '/regenerate'],
      ] as const) {
        const answer = await service.call(
          credential,
          method,
          `${KEYS}/${other.id}${path}`,
          method === 'PATCH' ? {} : undefined,
        );
        assert.equal(answer.body.code, 'NOT_FOUND');
      }
    }
    assert.equal((await service.call(own.key, 'GET', '/v1/billing/balance')).body.code, 'PERMISSION_DENIED');
    assert.equal((await service.call(other.key, 'GET', '/v1/billing/balance')).status, 200);
  });
});

describe('A key that handles keys', () => {
  before(async () => {
    admin = await service.member('admin');
  });

  test('makes none', async () => {
    const { key } = await made();
    assert.equal((await service.call(key, 'POST', KEYS, { name: 'a' })).body.code, 'PERMISSION_DENIED');
  });

  test('gives no key more than it has itself, not itself either', async () => {
    const limits = {
      collection_id: 'people',
      scopes: ['v1:api-keys', 'v1:faces'],
      allowed_face_ids: ['alice'],
      allowed_llm_models: ['yunet'],
      allowed_ips: ['127.0.0.0/8', '10.1.0.0/16'],
      rate_limit: 50,
      budget_usd: 10,
      expires_in_days: 5,
    };
    const own = await made(limits);
    const other = await made(limits);
    const wider = [
      { collection_id: null },
      { collection_id: 'others' },
      { scopes: null },
      { scopes: ['v1:collections'] },
      { allowed_face_ids: null },
      { allowed_face_ids: ['alice', 'bob'] },
      { allowed_llm_models: null },
      { allowed_llm_models: ['other'] },
      { allowed_ips: [] },
      { allowed_ips: ['0.0.0.0/0'] },
      { allowed_ips: ['10.0.0.0/8'] },
      { rate_limit: null },
      { rate_limit: 51 },
      { budget_usd: null },
      { budget_usd: 10.01 },
      { reset_spent: true },
      { expires_in_days: null },
      { expires_in_days: 6 },
    ];
    for (const id of [own.id, other.id]) {
      for (const changes of wider) {
        const { body } = await patch(own.key, id, changes);
        assert.equal(body.code, 'PERMISSION_DENIED', JSON.stringify(changes));
      }
    }
    const narrower = {
      scopes: ['v1:faces'],
      allowed_ips: ['127.0.0.1'],
      rate_limit: 5,
      budget_usd: 1,
      name: 'n',
    };
    assert.equal((await patch(own.key, other.id, narrower)).status, 200);
    const free = await made({ ...limits, budget_usd: 11 });
    assert.equal((await patch(own.key, free.id, { name: 'n' })).status, 200);
    const stolen = await service.call(own.key, 'POST', `${KEYS}/${free.id}/regenerate`);
    assert.equal(stolen.body.code, 'PERMISSION_DENIED');
  });

  test('thaws no key that has more, and resets no spend of it, though it has no budget itself', async () => {
    const own = await made({ scopes: ['v1:api-keys', 'v1:faces'] });
    const wider = await made({ frozen: true, budget_usd: 1 });
    const equal = await made({ frozen: true, budget_usd: 1, scopes: ['v1:faces'] });
    for (const changes of [{ frozen: false }, { reset_spent: true }]) {
      assert.equal((await patch(own.key, wider.id, changes)).body.code, 'PERMISSION_DENIED');
      assert.equal((await patch(own.key, equal.id, changes)).status, 200);
    }
  });

  test('clears no limit of a key that would then have more, by the scopes that the key has already', async () => {
    const own = await made({ scopes: ['v1:api-keys'] });
    const limited = await made({ collection_id: 'people' });
    const { body } = await patch(own.key, limited.id, { collection_id: null });
    assert.equal(body.code, 'PERMISSION_DENIED');
    const clearing = await made();
    assert.equal((await patch(clearing.key, limited.id, { collection_id: null })).status, 200);
  });

  test('pages through its keys without a cursor that names another one', async () => {
    const limits = { collectionId: 'paged', scopes: ['v1:api-keys'] };
    const own = await service.key(limits);
    const visible = [own.id];
    for (let i = 0; i < 3; i++) {
      await service.key();
      visible.push((await service.key(limits)).id);
    }
    await service.key();
    const seen: string[] = [];
    const cursors: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const target: string = `${KEYS}?limit=1${cursor && `&cursor=${cursor}`}`;
      const { body } = await service.call(own.key, 'GET', target);
      seen.push(...body.api_keys.map(({ id }: { id: string }) => id));
      cursor = body.next_cursor;
      if (cursor) cursors.push(Buffer.from(cursor, 'base64url').toString());
    }
    assert.deepEqual(seen, visible);
    for (const cursor of cursors) assert.ok(visible.some((id) => cursor.includes(id)));
  });

  test('sees none of the other environment', async () => {
    const live = await made();
    const { key } = await made({ environment: 'test' });
    assert.equal((await service.call(key, 'DELETE', `${KEYS}/${live.id}`)).body.code, 'NOT_FOUND');
  });

  test('may revoke itself', async () => {
    const { id, key } = await made();
    assert.equal((await service.call(key, 'DELETE', `${KEYS}/${id}`)).status, 204);
    assert.equal((await service.call(key, 'GET', KEYS)).body.code, 'INVALID_API_KEY');
  });
});
