import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const PERSON = {
  email: 'a@example.com',
  name: 'A',
  username: null,
  role: 'owner',
  invitation: null,
} as const;

test('A member keeps the 50 newest sessions, and none that is over', async (t) => {
  const store = Store.open(temporaryFolder(t));
  const { accountId, memberId } = await store.members.addWithAccount('A', {
    ...PERSON,
    passwordHash: 'x',
    createdAt: 1,
  });
  const add = (at: number, expiresAt = 1_000_000) => {
    const record = { accountId, kind: 'cookie', secretHash: `${at}`, createdAt: at, expiresAt } as const;
    return store.sessions.add(memberId, String(at).padStart(4, '0'), record, at);
  };
  const isKept = (at: number) => store.sessions.get(memberId, String(at).padStart(4, '0')) !== null;
  for (let at = 1; at <= 50; at++) await add(at);
  assert.ok(isKept(1));
  await add(51);
  assert.deepEqual([isKept(1), isKept(2), isKept(51)], [false, true, true]);
  await add(52, 60);
  await add(60);
  assert.deepEqual([isKept(52), isKept(60)], [false, true]);
  await store.close();
});
