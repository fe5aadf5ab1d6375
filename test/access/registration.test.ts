import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { deviceCookieOf, newDeviceCookie } from '../../src/access/members/device-cookie.ts';
import { logIn } from '../../src/access/members/login.ts';
import { checkInvite, roleChange } from '../../src/access/members/member-rules.ts';
import { invite, register } from '../../src/access/members/registration.ts';
import { SetupCode } from '../../src/access/members/secrets.ts';
import type { Role } from '../../src/api/roles.ts';
import type { InvitationRecord, Member } from '../../src/store/records.ts';
import { AWAY, HOME, type IdentityFixture, openIdentity, PASSWORD, person } from './identity.ts';

let fixture: IdentityFixture;
const cleanups: (() => unknown)[] = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});
beforeEach(async () => {
  fixture = await openIdentity({ after: (work) => cleanups.push(work) }, fixture?.signingKeys);
  const { close } = fixture;
  cleanups.push(close);
});

const deviceOf = (member: Member) =>
  deviceCookieOf({ cookie: [newDeviceCookie(member).split(';')[0] as string] });

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
      await register(identity, request, `198.51.100.${i}`).catch(({ code }) => codes.push(code));
    }
    assert.deepEqual(codes, [...Array(6).fill('PERMISSION_DENIED'), ...Array(2).fill('RATE_LIMIT_EXCEEDED')]);
    assert.equal(fixture.store.members.hasOwner(), false);
  });

  test('needs the code from every address, also that of this machine or of none', async () => {
    const identity = fixture.identity({ registration: 'open' });
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '']) {
      await assert.rejects(register(identity, person('a@example.com'), address), {
        code: 'PERMISSION_DENIED',
        message: /set-up code/,
      });
    }
    assert.equal(fixture.store.members.hasOwner(), false);
  });

  test('is made with the right code after any number of wrong ones', async () => {
    const identity = fixture.identity();
    for (let i = 0; i < 60; i++) {
      const request = person(`a${i}@example.com`, { setupCode: new SetupCode().text });
      await assert.rejects(register(identity, request, AWAY));
    }
    const setupCode = String(identity.setupCode?.text);
    assert.equal((await register(identity, person('a@example.com', { setupCode }), AWAY)).role, 'owner');
  });

  test('is only one, also where many send the code at once', async () => {
    const identity = fixture.identity();
    const setupCode = String(identity.setupCode?.text);
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, (_, i) =>
        register(identity, person(`a${i}@example.com`, { setupCode }), HOME),
      ),
    );
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal([...fixture.store.members.all()].length, 1);
  });

  test('is not made with a bad password', async () => {
    const identity = fixture.identity();
    const setupCode = String(identity.setupCode?.text);
    for (const password of ['short', 'a@example.com', 'password', '12345678', ' PassWord ', 'Visage2026']) {
      await assert.rejects(register(identity, person('a@example.com', { password, setupCode }), HOME), {
        code: 'VALIDATION_FAILED',
      });
    }
    assert.equal(fixture.store.members.hasOwner(), false);
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
    assert.equal(accountId(), own);
    assert.ok(fixture.store.accounts.get(other.accountId));
    assert.deepEqual(fixture.store.check(), []);
  });

  test('says of an e-mail that is known what it says of an unknown one, and takes nothing from its member', async () => {
    const owner = await fixture.member('owner@example.com', 'owner');
    const identity = fixture.identity({ registration: 'open' });
    const password = 'the password of a stranger';
    const other = await register(identity, person('owner@example.com', { password }), AWAY);
    assert.notEqual(other.accountId, owner.accountId);
    const from = { address: AWAY, device: null };
    const { email } = owner;
    assert.equal((await logIn(identity, { email, password: PASSWORD }, from)).memberId, owner.memberId);
    assert.equal((await logIn(identity, { email, password }, from)).memberId, other.memberId);
    await assert.rejects(logIn(identity, { email, password, accountId: owner.accountId }, from), {
      code: 'INVALID_CREDENTIALS',
    });
    assert.deepEqual(fixture.store.check(), []);
  });

  test('under one e-mail again and again is slowed down, and its members still log in', async () => {
    const identity = fixture.identity({ registration: 'open' });
    const owner = await fixture.member('owner@example.com', 'owner');
    const password = 'the password of a stranger';
    const made: Member[] = [];
    for (let i = 0; i < 6; i++) {
      made.push(await register(identity, person('owner@example.com', { password }), `198.51.100.${i}`));
    }
    await assert.rejects(register(identity, person('owner@example.com', { password }), AWAY), {
      code: 'RATE_LIMIT_EXCEEDED',
    });
    const from = { address: AWAY, device: null };
    const { email } = owner;
    assert.equal((await logIn(identity, { email, password: PASSWORD }, from)).memberId, owner.memberId);
    const last = made.at(-1) as Member;
    const named = { email, password, accountId: last.accountId };
    assert.equal((await logIn(identity, named, from)).memberId, last.memberId);
    for (const { accountId: account, memberId } of made) {
      const keep = { ...last, email: 'other@example.com' };
      await fixture.store.members.add(account, { ...keep, passwordHash: 'x', invitation: null });
      await fixture.store.members.change(account, memberId, () => null);
    }
    assert.deepEqual(
      fixture.store.members.byEmail(email).map(({ memberId }) => memberId),
      [owner.memberId],
    );
    assert.deepEqual(fixture.store.check(), []);
  });

  test('does not let one member of an e-mail wash away guesses at another', async () => {
    const owner = await fixture.member('owner@example.com', 'owner');
    const identity = fixture.identity({ registration: 'open' });
    const password = 'the password of a stranger';
    await register(identity, person(owner.email, { password }), AWAY);
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) {
      for (const attempt of ['wrong', password]) {
        const from = { address: `198.51.100.${i}`, device: null };
        await logIn(identity, { email: owner.email, password: attempt }, from).catch(({ code }) =>
          codes.push(code),
        );
      }
    }
    assert.ok(codes.includes('RATE_LIMIT_EXCEEDED'), codes.join());
  });

  test('does not tell by the delays after a log-in of one’s own whether others have the e-mail', async () => {
    await fixture.member('known@example.com', 'owner');
    const identity = fixture.identity({ registration: 'open' });
    const password = 'the password of a stranger';
    const codesOf = async (email: string) => {
      await register(identity, person(email, { password }), AWAY);
      const codes: string[] = [];
      for (const [at, attempt] of [
        'wrong',
        'wrong',
        'wrong',
        password,
        ...Array(6).fill('wrong'),
      ].entries()) {
        const from = { address: `198.51.100.${at}`, device: null };
        const done = logIn(identity, { email, password: attempt }, from);
        codes.push(
          await done.then(
            () => 'ok',
            ({ code }) => code,
          ),
        );
      }
      return codes;
    };
    assert.deepEqual(await codesOf('known@example.com'), await codesOf('unknown@example.com'));
  });

  test('leaves a known device its ten tries after each log-in', async () => {
    const identity = fixture.identity({ registration: 'open' });
    const owner = await fixture.member('owner@example.com', 'owner');
    await register(identity, person('stranger@example.com'), AWAY);
    const attempt = (password: string, device: ReturnType<typeof deviceOf>) =>
      logIn(identity, { email: owner.email, password }, { address: AWAY, device });
    for (let i = 0; i < 6; i++) await assert.rejects(attempt('wrong', null));
    const device = deviceOf(owner);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 9; i++) {
        await assert.rejects(attempt('wrong', device), { code: 'INVALID_CREDENTIALS' });
      }
      assert.equal((await attempt(PASSWORD, device)).memberId, owner.memberId);
    }
  });

  test('does not displace the account of a known device, however many older accounts have the e-mail', async () => {
    const identity = fixture.identity({ registration: 'open' });
    await fixture.member('first@example.com', 'owner');
    for (let i = 0; i < 4; i++) {
      await register(identity, person('v@example.com', { password: 'the password of a stranger' }), AWAY);
      fixture.clock.now += 60_000;
    }
    const victim = await register(identity, person('v@example.com'), AWAY);
    const device = deviceOf(victim);
    const attempt = (known: typeof device | null) =>
      logIn(identity, { email: 'v@example.com', password: PASSWORD }, { address: AWAY, device: known });
    await assert.rejects(attempt(null), { code: 'INVALID_CREDENTIALS', message: /send account_id/ });
    assert.equal((await attempt(device)).memberId, victim.memberId);
  });
});

describe('An invitation', () => {
  const invited = (email: string, role: Role = 'member', account = accountId(), by = 'mem_gone') =>
    invite(fixture.identity(), account, { email, role }, by, () => {});
  const inviter = (email = 'owner@example.com') => fixture.member(email, 'owner');
  const accept = (email: string, invitation: string) =>
    register(fixture.identity(), person(email, { invitation }), AWAY);

  test('makes the person a member of the account with its role, once', async () => {
    const { memberId: by } = await inviter();
    const { token, member } = await invited('B@example.com', 'admin', accountId(), by);
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
    const { memberId: by } = await inviter();
    const again = () => invited('b@example.com', 'member', accountId(), by);
    const first = await again();
    const second = await again();
    assert.equal(first.member.memberId, second.member.memberId);
    await assert.rejects(accept('b@example.com', first.token), { code: 'PERMISSION_DENIED' });
    fixture.clock.now += 7 * 86_400_000;
    await assert.rejects(accept('b@example.com', second.token), { code: 'PERMISSION_DENIED' });
    const third = await again();
    await fixture.store.members.change(accountId(), third.member.memberId, () => null);
    await assert.rejects(accept('b@example.com', third.token), { code: 'PERMISSION_DENIED' });
    assert.deepEqual(fixture.store.check(), []);
  });

  test('is good after any number of wrong ones from the same address', async () => {
    const { memberId: by } = await inviter();
    const { token } = await invited('b@example.com', 'member', accountId(), by);
    const identity = fixture.identity();
    const send = (email: string, invitation: string) =>
      register(identity, person(email, { invitation }), AWAY);
    for (let i = 0; i < 30; i++) await assert.rejects(send(`a${i}@example.com`, `inv_${i}`));
    assert.ok(await send('b@example.com', token));
    const from = { address: AWAY, device: null };
    assert.ok(await logIn(identity, { email: 'b@example.com', password: PASSWORD }, from));
  });

  test('takes no e-mail: several accounts invite a person, who joins each, and may register between', async () => {
    const { memberId: by } = await inviter();
    const identity = fixture.identity({ registration: 'open' });
    const other = await register(identity, person('tenant@example.com'), AWAY);
    const [first, second] = [
      await invited('b@example.com', 'member', accountId(), by),
      await invited('b@example.com', 'admin', other.accountId, other.memberId),
    ];
    fixture.clock.now += 1000;
    const own = await register(identity, person('b@example.com'), AWAY);
    assert.equal(own.role, 'owner');
    assert.equal((await accept('b@example.com', first.token)).accountId, accountId());
    assert.equal((await accept('b@example.com', second.token)).accountId, other.accountId);
    assert.deepEqual(
      fixture.store.members.byEmail('b@example.com').map((member) => member.accountId),
      [accountId(), other.accountId, own.accountId],
    );
    assert.deepEqual(fixture.store.check(), []);
  });

  test('is good no longer when the member who sent it was removed or may not make such a member', async () => {
    await inviter();
    const ends: ((by: Member) => Promise<unknown>)[] = [
      (by) => fixture.store.members.change(by.accountId, by.memberId, () => null),
      (by) =>
        fixture.store.members.change(by.accountId, by.memberId, (record) => ({ ...record, role: 'member' })),
    ];
    for (const [at, end] of ends.entries()) {
      const by = await fixture.member(`admin${at}@example.com`, 'admin');
      const { token } = await invited(`b${at}@example.com`, 'admin', accountId(), by.memberId);
      await end(by);
      await assert.rejects(accept(`b${at}@example.com`, token), { code: 'PERMISSION_DENIED' });
    }
  });

  test('whose role an owner has raised is good, and the owner answers for it', async () => {
    const owner = await inviter();
    const admin = await fixture.member('admin@example.com', 'admin');
    const { token, member } = await invited('b@example.com', 'member', accountId(), admin.memberId);
    const raise = roleChange(fixture.store, owner, 'owner');
    await fixture.store.members.change(accountId(), member.memberId, raise);
    assert.equal((await accept('b@example.com', token)).role, 'owner');
  });

  test('of an owner is neither lowered nor replaced by an admin', async () => {
    const owner = await inviter();
    const admin = await fixture.member('admin@example.com', 'admin');
    const send = (by: Member, role: Role) =>
      invite(fixture.identity(), accountId(), { email: 'b@example.com', role }, by.memberId, (pending) =>
        checkInvite(fixture.store, by, role, pending),
      );
    const { token } = await send(owner, 'owner');
    for (const role of ['member', 'admin', 'owner'] as const) {
      await assert.rejects(send(admin, role), { code: 'PERMISSION_DENIED' });
    }
    assert.equal((await accept('b@example.com', token)).role, 'owner');
  });

  test('of an old version, which names nobody who answers for it, is good', async () => {
    await inviter();
    const { token, member } = await invited('b@example.com');
    await fixture.store.members.change(accountId(), member.memberId, (record) => {
      const { by, ...old } = record.invitation as InvitationRecord;
      assert.equal(by, 'mem_gone');
      return { ...record, invitation: old };
    });
    assert.ok(await accept('b@example.com', token));
  });

  test('is refused for a person who is a member of the account already', async () => {
    const { email } = await fixture.member('owner@example.com', 'owner');
    await assert.rejects(invited(email), { code: 'VALIDATION_FAILED' });
  });

  test('cannot be logged in with before it is answered', async () => {
    await invited('b@example.com', 'owner');
    assert.deepEqual(fixture.store.members.byEmail('b@example.com'), []);
    assert.equal(fixture.store.members.hasOwner(), false);
  });
});
