import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { checkInvite, removal, roleChange } from '../../src/access/members/member-rules.ts';
import { ROLES, type Role } from '../../src/api/roles.ts';
import { VisageError } from '../../src/errors.ts';
import type { Member } from '../../src/store/records.ts';
import { type IdentityFixture, openIdentity } from './identity.ts';

let fixture: IdentityFixture;
let other: string;
const cleanups: (() => void)[] = [];
let count = 0;

before(async () => {
  fixture = await openIdentity({ after: (work) => cleanups.push(work) });
  const owner = { name: 'A', username: null, role: 'owner', passwordHash: 'x', invitation: null } as const;
  const made = await fixture.store.members.addWithAccount('other', {
    ...owner,
    email: 'owner@other.example',
    createdAt: fixture.clock.now,
  });
  other = made.accountId;
  // An extra owner, so no case concerns the last owner by accident.
  await fixture.member('always@example.com', 'owner');
});
after(async () => {
  await fixture.close();
  for (const clean of cleanups) clean();
});

const newMember = (role: Role): Promise<Member> => fixture.member(`${role}${count++}@example.com`, role);

async function outcome(work: Promise<Member | null>): Promise<string> {
  try {
    return (await work)?.role ?? 'removed';
  } catch (error) {
    return (error as { code: string }).code;
  }
}
const change = (by: Member, target: Member, role: Role) =>
  outcome(fixture.store.members.change(by.accountId, target.memberId, roleChange(fixture.store, by, role)));
const remove = (by: Member, target: Member) =>
  outcome(fixture.store.members.change(by.accountId, target.memberId, removal(fixture.store, by)));

describe('A member’s role', () => {
  for (const actor of ROLES) {
    for (const target of ROLES) {
      for (const role of ROLES) {
        const mayEver = actor === 'owner' || (actor === 'admin' && target !== 'owner' && role !== 'owner');
        test(`${target} is ${mayEver ? '' : 'not '}made ${role} by another ${actor}`, async () => {
          const result = await change(await newMember(actor), await newMember(target), role);
          assert.equal(result, mayEver ? role : 'PERMISSION_DENIED');
        });
      }
    }
  }

  test('is never raised by oneself, but may be lowered', async () => {
    const admin = await newMember('admin');
    assert.equal(await change(admin, admin, 'owner'), 'PERMISSION_DENIED');
    assert.equal(await change(admin, admin, 'member'), 'member');
    assert.equal(await change(admin, admin, 'admin'), 'PERMISSION_DENIED');
  });
});

describe('A member', () => {
  for (const actor of ROLES) {
    for (const target of ROLES) {
      const may = actor === 'owner' || (actor === 'admin' && target !== 'owner');
      test(`that is ${target} is ${may ? '' : 'not '}removed by another ${actor}`, async () => {
        const result = await remove(await newMember(actor), await newMember(target));
        assert.equal(result, may ? 'removed' : 'PERMISSION_DENIED');
      });
      const mayInvite = actor === 'owner' || (actor === 'admin' && target !== 'owner');
      if (mayInvite) continue;
      test(`is not invited as ${target} by one who is ${actor}`, async () => {
        const by = await newMember(actor);
        assert.throws(() => checkInvite(fixture.store, by, target), { code: 'PERMISSION_DENIED' });
      });
    }
  }

  test('may leave', async () => {
    const member = await newMember('member');
    assert.equal(await remove(member, member), 'removed');
  });

  test('whose rights were taken a moment ago changes nothing any more', async () => {
    const [actor, target] = [await newMember('admin'), await newMember('member')];
    const demoted = fixture.store.members.change(actor.accountId, actor.memberId, (record) => ({
      ...record,
      role: 'member',
    }));
    const attempts = [change(actor, target, 'admin'), remove(actor, target)];
    await demoted;
    assert.deepEqual(await Promise.all(attempts), ['PERMISSION_DENIED', 'PERMISSION_DENIED']);
  });

  test('of another account is not there', async () => {
    const [stranger] = fixture.store.members.list(other, null, 1);
    const owner = await newMember('owner');
    assert.equal(await change(owner, stranger as Member, 'member'), 'NOT_FOUND');
    assert.equal(await remove(owner, stranger as Member), 'NOT_FOUND');
  });
});

describe('The last owner', () => {
  test('is neither removed nor demoted, also where two owners remove each other at the same time', async () => {
    const [only] = fixture.store.members.list(other, null, 1) as [Member];
    assert.equal(await remove(only, only), 'PERMISSION_DENIED');
    assert.equal(await change(only, only, 'admin'), 'PERMISSION_DENIED');
    const second = await fixture.member('second@other.example', 'owner', other);
    const results = await Promise.all([remove(only, second), remove(second, only)]);
    assert.equal(results.filter((result) => result === 'removed').length, 1);
    assert.deepEqual(fixture.store.check(), []);
  });

  test('is not one who was only invited', async () => {
    const [only] = fixture.store.members.list(other, null, 1) as [Member];
    const invited = { email: 'i@other.example', name: null, username: null, role: 'owner' } as const;
    await fixture.store.members.add(other, {
      ...invited,
      passwordHash: null,
      invitation: { hash: 'a', expiresAt: 1 },
      createdAt: 1,
    });
    assert.equal(await change(only, only, 'member'), 'PERMISSION_DENIED');
  });
});

test('Members are listed page by page, all of them and each once', async () => {
  const { accountId } = fixture.store.accounts.first();
  const all = fixture.store.members.list(accountId, null, 1000).map(({ memberId }) => memberId);
  const paged: string[] = [];
  for (let after: string | null = null; ; after = paged.at(-1) ?? null) {
    const page = fixture.store.members.list(accountId, after, 7);
    if (page.length === 0) break;
    paged.push(...page.map(({ memberId }) => memberId));
  }
  assert.deepEqual(paged, all);
  assert.ok(all.length > 20);
});

test('A call whose log-in ended on the way changes nothing', async () => {
  const [actor, target] = [await newMember('owner'), await newMember('member')];
  const confirm = () => {
    throw new VisageError('TOKEN_INVALID', 'The session has ended; log in again.');
  };
  const by = { ...actor, confirm };
  const decisions = [roleChange(fixture.store, by, 'admin'), removal(fixture.store, by)];
  for (const decide of decisions) {
    const changed = outcome(fixture.store.members.change(actor.accountId, target.memberId, decide));
    assert.equal(await changed, 'TOKEN_INVALID');
  }
  const leaving = fixture.store.members.change(actor.accountId, actor.memberId, removal(fixture.store, by));
  assert.equal(await outcome(leaving), 'TOKEN_INVALID');
  assert.throws(() => checkInvite(fixture.store, by, 'member'), { code: 'TOKEN_INVALID' });
});

test('An account has a thousand members at most, invited ones included: every change looks at all of them', async () => {
  const { store, clock } = fixture;
  const record = {
    name: null,
    username: null,
    role: 'member',
    passwordHash: null,
    createdAt: clock.now,
  } as const;
  const add = (i: number) => {
    const invitation = { hash: `many-${i}`, expiresAt: clock.now + 1000 };
    return store.members.add(other, { ...record, email: `many${i}@other.example`, invitation });
  };
  const there = store.members.list(other, null, 2000).length;
  await Promise.all(Array.from({ length: 1000 - there }, (_, i) => add(i)));
  await assert.rejects(add(1000), { code: 'VALIDATION_FAILED', message: /at most 1000 members/ });
});
