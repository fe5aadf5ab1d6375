import assert from 'node:assert/strict';
import { test } from 'node:test';
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
