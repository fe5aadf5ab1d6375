import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Member } from '../../src/store/records.ts';
import { AccessService, closeShared, type Said } from '../../testing/access-service.ts';
import { differentPeople } from '../../testing/sample-faces.ts';

const PATH = '/v1/events/recording';
const IN = { collectionId: 'people' };

interface Tenant {
  readonly admin: string;
  readonly key: string;
  readonly testKey: string;
}

let service: AccessService;
let ours: Tenant;
let theirs: Tenant;
let image: { bytes: string };

async function tenant(owner: Member): Promise<Tenant> {
  const { accountId } = owner;
  const { key } = await service.key({ accountId });
  const { key: testKey } = await service.key({ accountId, environment: 'test' });
  for (const credential of [key, testKey]) {
    await ok(service.call(credential, 'POST', '/v1/collection/create', IN));
    await ok(service.call(credential, 'POST', '/v1/face/enroll', { ...IN, externalKey: 'ada', image }));
  }
  return { admin: await service.token(await service.member('admin', accountId)), key, testKey };
}

before(async () => {
  service = await AccessService.open();
  image = { bytes: String((await differentPeople())[0]?.toString('base64')) };
  ours = await tenant(await service.member('owner'));
  const other = { email: 'o@example.com', name: null, username: null, role: 'owner' } as const;
  const secrets = { passwordHash: 'x', invitation: null, createdAt: Date.now() };
  theirs = await tenant(await service.store.members.addWithAccount('other', { ...other, ...secrets }));
});
after(async () => {
  await service.events.flush();
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

async function ok(said: Promise<Said>): Promise<Said['body']> {
  const { status, body } = await said;
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

const choose = ({ admin }: Tenant, enabled: boolean) => ok(service.call(admin, 'PUT', PATH, { enabled }));

async function search(credential: string): Promise<void> {
  const { externalKey } = await ok(service.call(credential, 'POST', '/v1/face/search', { ...IN, image }));
  assert.equal(externalKey, 'ada');
}

async function eventsOf(credential: string): Promise<number> {
  await service.events.flush();
  return (await ok(service.call(credential, 'GET', '/v1/events'))).events.length;
}

async function lastSeenOf(credential: string): Promise<string | null> {
  const path = `/v1/external-key/list?collectionId=${IN.collectionId}`;
  return (await ok(service.call(credential, 'GET', path))).people[0].lastSeenAt;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500 && !(await isSo()); tries++) await sleep(20);
  assert.ok(await isSo());
}

describe('The choice whether an account records events', () => {
  test('is on for a new account, and any member reads it', async () => {
    for (const role of ['member', 'admin', 'owner'] as const) {
      const token = await service.token(await service.member(role));
      assert.deepEqual(await ok(service.call(token, 'GET', PATH)), { enabled: true, days: 1, cropDays: 1 });
    }
  });

  test('is a boolean, and nothing else', async () => {
    for (const json of [{}, { enabled: 'no' }, { enabled: null }, { enabled: false, days: 3 }]) {
      const { status, body } = await service.call(ours.admin, 'PUT', PATH, json);
      assert.deepEqual([status, body.code], [400, 'VALIDATION_FAILED'], JSON.stringify(json));
    }
    assert.equal((await ok(service.call(ours.admin, 'GET', PATH))).enabled, true);
  });

  test('off erases what live and test calls left, and nothing of another account', async () => {
    for (const { key, testKey } of [ours, theirs]) await Promise.all([search(key), search(testKey)]);
    for (const key of [ours.key, ours.testKey, theirs.key]) assert.equal(await eventsOf(key), 2);
    assert.ok(await lastSeenOf(ours.key));
    assert.deepEqual(await choose(ours, false), { enabled: false, days: 1, cropDays: 1 });
    for (const key of [ours.key, ours.testKey]) {
      await until(async () => (await eventsOf(key)) === 0 && (await lastSeenOf(key)) === null);
    }
    for (const key of [theirs.key, theirs.testKey]) {
      assert.equal(await eventsOf(key), 2);
      assert.ok(await lastSeenOf(key));
    }
    assert.equal((await ok(service.call(theirs.admin, 'GET', PATH))).enabled, true);
  });

  test('off keeps nothing of a search that matches, nor of an enrolment that is refused', async () => {
    await search(ours.key);
    await search(theirs.key);
    const again = { ...IN, externalKey: 'ada', image, minQuality: 100 };
    await ok(service.call(ours.key, 'POST', '/v1/face/enroll', again));
    assert.equal(await eventsOf(ours.key), 0);
    assert.equal(await lastSeenOf(ours.key), null);
    assert.equal(await eventsOf(theirs.key), 3);
  });

  test('off drops events that still wait for the disk', async () => {
    await choose(ours, true);
    await search(ours.key);
    await choose(ours, false);
    await until(async () => (await eventsOf(ours.key)) === 0);
    assert.equal(await lastSeenOf(ours.key), null);
  });

  test('on records again', async () => {
    assert.deepEqual(await choose(ours, true), { enabled: true, days: 1, cropDays: 1 });
    await search(ours.key);
    assert.equal(await eventsOf(ours.key), 1);
    assert.ok(await lastSeenOf(ours.key));
  });

  test('is in the audit log with the admin who made it', async () => {
    const { entries } = await ok(service.call(ours.admin, 'GET', '/v1/audit?action=events.recording'));
    const found = entries.map(({ target, actor }: Said['body']) => [target, actor.kind]);
    assert.deepEqual(found, [
      ['on', 'member'],
      ['off', 'member'],
      ['on', 'member'],
      ['off', 'member'],
    ]);
    const others = await ok(service.call(theirs.admin, 'GET', '/v1/audit?action=events.recording'));
    assert.deepEqual(others.entries, []);
  });
});
