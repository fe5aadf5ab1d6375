import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from 'lmdb';
import type { Member } from '../../src/store/records.ts';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const EMAIL = 'shared@example.com';
const PERSON = { email: EMAIL, name: 'A', username: null, role: 'owner', invitation: null } as const;

test('Of the members of an e-mail the first four are the preferred one and the oldest', async (t) => {
  const store = Store.open(temporaryFolder(t));
  const later = Date.now() + 1_000;
  const made: Member[] = [];
  for (let at = 0; at < 1_000; at++) {
    made.push(
      await store.members.addWithAccount('A', { ...PERSON, passwordHash: 'x', createdAt: later + at }),
    );
  }
  const [oldest, last] = [made.slice(0, 4), made.at(-1) as Member];
  const idsOf = (members: readonly Member[]) => members.map(({ memberId }) => memberId);
  assert.deepEqual(idsOf(store.members.byEmail(EMAIL, { most: 4 })), idsOf(oldest));
  assert.deepEqual(
    idsOf(store.members.byEmail(EMAIL, { most: 4, first: last.memberId })),
    idsOf([last, ...oldest.slice(0, 3)]),
  );
  assert.deepEqual(idsOf(store.members.byEmail(EMAIL, { most: 4, accountId: last.accountId })), [
    last.memberId,
  ]);
  await store.close();
});

test('The check of consistency sees a member whom an e-mail no longer finds', async (t) => {
  const folder = temporaryFolder(t);
  const store = Store.open(folder);
  const { memberId } = await store.members.addWithAccount('A', {
    ...PERSON,
    passwordHash: 'x',
    createdAt: 1,
  });
  assert.deepEqual(store.check(), []);
  await store.close();
  const environment = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
  await environment.openDB('memberEmails', {}).remove(EMAIL);
  await environment.close();
  const damaged = Store.open(folder);
  assert.deepEqual(damaged.check(), [`member ${memberId} is missing from the index of e-mails`]);
  await damaged.close();
});
