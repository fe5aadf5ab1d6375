import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Member } from '../../src/store/records.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';

const PASSWORD = 'correct horse battery';
const MINUTE = 60_000;

let service: AccessService;
let owner: Member;
before(async () => {
  service = await AccessService.open();
  const passwordHash = await service.identity.passwords.hash(PASSWORD);
  await service.member('owner');
  const { accountId, memberId } = await service.member('owner');
  const changed = await service.store.members.change(accountId, memberId, (record) => {
    return { ...record, passwordHash };
  });
  owner = changed as Member;
});
after(async () => {
  await service.close();
  await closeShared();
});

async function browser(minutesAgo: number): Promise<Record<string, string>> {
  service.now = () => Date.now() - minutesAgo * MINUTE;
  const { setCookies, csrfToken } = await service.identity.sessions.beginCookie(owner);
  service.now = Date.now;
  const Cookie = setCookies.map((text) => text.split(';', 1)[0]).join('; ');
  return { Cookie, 'X-CSRF-Token': csrfToken, Origin: service.url, 'Sec-Fetch-Site': 'same-origin' };
}

const KEY = `key_${'0'.repeat(26)}`;
const MEMBER = `mem_${'0'.repeat(26)}`;
const DESTRUCTIVE: readonly [string, string, unknown, number][] = [
  ['DELETE', '/v1/collection/reset?collectionId=none', undefined, 404],
  ['DELETE', '/v1/collection/delete?collectionId=none', undefined, 200],
  ['DELETE', `/v1/auth/api-keys/${KEY}`, undefined, 404],
  ['POST', `/v1/auth/api-keys/${KEY}/regenerate`, undefined, 404],
  ['PATCH', `/v1/auth/members/${MEMBER}`, { role: 'member' }, 404],
  ['DELETE', `/v1/auth/members/${MEMBER}`, undefined, 404],
  ['POST', '/v1/face/delete-batch', { collectionId: 'none', faceIds: ['face_x'] }, 404],
  ['POST', '/v1/external-key/delete-faces', { collectionId: 'none', externalKeys: ['x'] }, 404],
  ['PUT', '/v1/events/recording', { enabled: true }, 200],
  ['POST', '/v1/billing/top-up', { amount_usd: 1 }, 200],
];

async function answers(headers: Record<string, string>): Promise<(string | number)[]> {
  const found: (string | number)[] = [];
  for (const [method, target, json] of DESTRUCTIVE) {
    const { status, body } = await service.call(null, method, target, json, headers);
    found.push(status === 403 ? body.code : status);
  }
  return found;
}

const ADMITTED = DESTRUCTIVE.map(([, , , status]) => status);
const REFUSED = DESTRUCTIVE.map(() => 'CONFIRMATION_REQUIRED');

const confirm = (headers: Record<string, string>, password: string) =>
  service.call(null, 'POST', '/v1/auth/confirm', { password }, headers);

describe('A destructive act in a browser', () => {
  test('is permitted for ten minutes after log-in, then after the password again', async () => {
    assert.deepEqual(await answers(await browser(9)), ADMITTED);
    const headers = await browser(10);
    assert.deepEqual(await answers(headers), REFUSED);
    const wrong = await confirm(headers, 'wrong');
    assert.deepEqual([wrong.status, wrong.body.code], [401, 'INVALID_CREDENTIALS']);
    assert.deepEqual(await answers(headers), REFUSED);
    const before = Date.now();
    const right = await confirm(headers, PASSWORD);
    assert.equal(right.status, 200);
    const until = Date.parse(right.body.data.confirmed_until);
    assert.ok(until >= before + 10 * MINUTE && until <= Date.now() + 10 * MINUTE);
    assert.deepEqual(await answers(headers), ADMITTED);
    assert.deepEqual(await answers(await browser(11)), REFUSED, 'of another session');
  });

  test('needs the password only: reading and creating need none', async () => {
    const headers = await browser(20);
    assert.equal((await service.call(null, 'GET', '/v1/auth/api-keys', undefined, headers)).status, 200);
    const json = { name: 'dashboard' };
    assert.equal((await service.call(null, 'POST', '/v1/auth/api-keys', json, headers)).status, 201);
  });

  test('is no business of keys and tokens', async () => {
    const { token } = await service.identity.sessions.beginToken(owner);
    service.now = () => Date.now() + 11 * MINUTE;
    const { key } = await service.key();
    assert.equal((await service.call(key, 'DELETE', '/v1/collection/delete?collectionId=none')).status, 200);
    assert.equal((await service.call(token, 'POST', '/v1/billing/top-up', { amount_usd: 1 })).status, 200);
    service.now = Date.now;
    const confirmed = await service.call(token, 'POST', '/v1/auth/confirm', { password: PASSWORD });
    assert.equal(confirmed.status, 200);
  });
});

test('A page learns until when the password is confirmed, and after how many minutes it is logged out', async () => {
  const headers = await browser(20);
  const session = async () =>
    (await service.call(null, 'GET', '/v1/auth/me', undefined, headers)).body.data.session;
  const before = await session();
  assert.equal(Date.parse(before.confirmed_until), Date.parse(before.created_at) + 10 * MINUTE);
  assert.equal(before.idle_minutes, 30);
  const { body } = await confirm(headers, PASSWORD);
  assert.equal((await session()).confirmed_until, body.data.confirmed_until);
  const token = await service.token(owner);
  const data = (await service.call(token, 'GET', '/v1/auth/me')).body.data;
  assert.deepEqual([data.session.confirmed_until, data.session.idle_minutes], [null, null]);
});

test('Guessing at a confirmation waits as guessing at a log-in does', async () => {
  const headers = await browser(10);
  const codes: string[] = [];
  for (let i = 0; i < 7; i++) codes.push((await confirm(headers, 'wrong')).body.code);
  assert.deepEqual([...new Set(codes)], ['INVALID_CREDENTIALS', 'RATE_LIMIT_EXCEEDED']);
  const right = await confirm(headers, PASSWORD);
  assert.deepEqual([right.status, right.body.code], [429, 'RATE_LIMIT_EXCEEDED']);
});

test('Every route that asks for the password is one of the destructive ones', () => {
  const flagged = service.routes
    .filter(({ confirmed }) => confirmed)
    .map(({ method, path }) => `${method} ${path}`);
  const listed = DESTRUCTIVE.map(([method, target]) => {
    const path = target.split('?', 1)[0]?.replace(/(key|mem)_0+/, '{id}');
    return `${method} ${path}`;
  });
  assert.deepEqual(flagged.sort(), listed.sort());
});
