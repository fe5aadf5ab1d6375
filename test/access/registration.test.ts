import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { invite, register } from '../../src/access/registration.ts';
import { isFromThisMachine, SetupCode } from '../../src/access/setup-code.ts';
import type { MemberRole } from '../../src/store/members.ts';
import { AWAY, HOME, type IdentityFixture, openIdentity, person } from './identity.ts';

let fixture: IdentityFixture;
const cleanups: (() => unknown)[] = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});
/** Each test begins with a fresh appliance; the signing key of the first serves them all. */
beforeEach(async () => {
  fixture = await openIdentity({ after: (work) => cleanups.push(work) }, fixture?.signingKeys);
  const { close } = fixture;
  cleanups.push(close);
});

const accountId = () => fixture.store.accounts.first().accountId;

describe('The first owner', () => {
  test('is made with the set-up code, whatever its case, and the code is good once', async () => {
    const identity = fixture.identity();
    const setupCode = ` ${identity.setupCode?.text.toLowerCase()} `;
    const owner = await register(identity, person('A@Example.com', { setupCode }), AWAY);
    assert.deepEqual([owner.role, owner.email, owner.accountId], ['owner', 'a@example.com', accountId()]);
    await assert.rejects(register(identity, person('b@example.com', { setupCode }), AWAY), {
      code: 'PERMISSION_DENIED',
    });
    await assert.rejects(register(identity, person('b@example.com'), HOME), { code: 'PERMISSION_DENIED' });
    assert.equal(fixture.identity().setupCode, null);
    assert.deepEqual(fixture.store.check(), []);
  });

  test('is not made without the code, or with another, and guessing is slowed down', async () => {
    const identity = fixture.identity();
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) {
      const request = person(`a${i}@example.com`, { setupCode: i === 0 ? null : new SetupCode().text });
      const from = { ...AWAY, address: `198.51.100.${i}` };
      await register(identity, request, from).catch(({ code }) => codes.push(code));
    }
    assert.deepEqual(codes, [...Array(6).fill('PERMISSION_DENIED'), ...Array(2).fill('RATE_LIMIT_EXCEEDED')]);
    assert.equal(fixture.store.members.hasOwner(), false);
  });

  test('is made on the machine itself without it, and of many at once only one', async () => {
    const identity = fixture.identity();
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, i) => register(identity, person(`a${i}@example.com`), HOME)),
    );
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal(fixture.store.members.all().length, 1);
  });

  test('is not made with a bad password', async () => {
    const identity = fixture.identity();
    for (const password of ['short', 'a@example.com']) {
      await assert.rejects(register(identity, person('a@example.com', { password }), HOME), {
        code: 'VALIDATION_FAILED',
      });
    }
    assert.equal(fixture.store.members.hasOwner(), false);
  });
});

describe('A request is from this machine', () => {
  test('over loopback with a loopback host, and nothing else', () => {
    const local: [string, string][] = [
      ['127.0.0.1', '127.0.0.1:8080'],
      ['127.0.0.1', 'localhost'],
      ['::1', '[::1]:8080'],
      ['::ffff:127.0.0.1', 'localhost:8080'],
    ];
    for (const [address, host] of local) assert.ok(isFromThisMachine(address, { host: [host] }), host);
    for (const address of ['198.51.100.7', '10.0.0.1', '::', '127.0.0.1.evil', '', 'fe80::1']) {
      assert.ok(!isFromThisMachine(address, { host: ['localhost'] }), address);
    }
  });

  test('not where a proxy speaks, a name was made to lead here, or a page of another site sends it', () => {
    const from = (headers: Record<string, string[]>) =>
      isFromThisMachine('127.0.0.1', { host: ['127.0.0.1:8080'], ...headers });
    assert.ok(from({}));
    assert.ok(from({ origin: ['http://127.0.0.1:8080'] }));
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'x-forwarded-host']) {
      assert.ok(!from({ [name]: ['127.0.0.1'] }), name);
    }
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '']) {
      assert.ok(!from({ host: [host] }), host);
    }
    assert.ok(!from({ host: [] }));
    assert.ok(!from({ origin: ['https://evil.example'] }));
    assert.ok(!from({ origin: ['null'] }));
  });
});

describe('Later registration', () => {
  test('is refused where it is closed', async () => {
    await fixture.member('owner@example.com', 'owner');
    await assert.rejects(register(fixture.identity(), person('b@example.com'), AWAY), {
      code: 'PERMISSION_DENIED',
    });
  });

  test('makes the owner of another account where it is open', async () => {
    const own = accountId();
    await fixture.member('owner@example.com', 'owner');
    fixture.clock.now -= 86_400_000;
    const identity = fixture.identity({ registration: 'open' });
    const other = await register(identity, person('b@example.com'), AWAY);
    assert.equal(other.role, 'owner');
    assert.notEqual(other.accountId, own);
    // Also with a clock that was set back, the appliance's own account stays the first.
    assert.equal(accountId(), own);
    assert.ok(fixture.store.accounts.get(other.accountId));
    await assert.rejects(register(identity, person('owner@example.com'), AWAY), {
      code: 'VALIDATION_FAILED',
    });
    assert.equal(fixture.store.members.all().length, 2);
    assert.deepEqual(fixture.store.check(), []);
  });
});

describe('An invitation', () => {
  const invited = (email: string, role: MemberRole = 'member') =>
    invite(fixture.identity(), accountId(), { email, role }, () => {});

  test('makes the person a member of the account with its role, once', async () => {
    await fixture.member('owner@example.com', 'owner');
    const { token, member } = await invited('B@example.com', 'admin');
    assert.equal(member.passwordHash, null);
    const identity = fixture.identity();
    await assert.rejects(register(identity, person('c@example.com', { invitation: token }), AWAY), {
      code: 'PERMISSION_DENIED',
    });
    const made = await register(identity, person('b@example.com', { invitation: token }), AWAY);
    assert.deepEqual([made.memberId, made.role, made.accountId], [member.memberId, 'admin', accountId()]);
    await assert.rejects(register(identity, person('b@example.com', { invitation: token }), AWAY), {
      code: 'PERMISSION_DENIED',
    });
    assert.deepEqual(fixture.store.check(), []);
  });

  test('ends after a week, when it is taken back, and when another takes its place', async () => {
    await fixture.member('owner@example.com', 'owner');
    const identity = fixture.identity();
    const accept = (invitation: string) => register(identity, person('b@example.com', { invitation }), AWAY);
    const first = await invited('b@example.com');
    const second = await invited('b@example.com');
    assert.equal(first.member.memberId, second.member.memberId);
    await assert.rejects(accept(first.token), { code: 'PERMISSION_DENIED' });
    fixture.clock.now += 7 * 86_400_000;
    await assert.rejects(accept(second.token), { code: 'PERMISSION_DENIED' });
    const third = await invited('b@example.com');
    await fixture.store.members.change(accountId(), third.member.memberId, () => null);
    await assert.rejects(accept(third.token), { code: 'PERMISSION_DENIED' });
    assert.deepEqual(fixture.store.check(), []);
  });

  test('is refused for who is a member already', async () => {
    const { email } = await fixture.member('owner@example.com', 'owner');
    await assert.rejects(invited(email), { code: 'VALIDATION_FAILED' });
  });

  test('cannot be logged in with before it is answered', async () => {
    await invited('b@example.com', 'owner');
    assert.equal(fixture.store.members.byEmail('b@example.com'), null);
    assert.equal(fixture.store.members.hasOwner(), false);
  });
});
