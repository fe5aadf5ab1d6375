import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { authenticate } from '../../src/access/authenticate.ts';
import type { Identity } from '../../src/access/identity.ts';
import { changePassword, logIn } from '../../src/access/login.ts';
import type { Member } from '../../src/store/members.ts';
import { AWAY, HOME, type IdentityFixture, openIdentity, PASSWORD } from './identity.ts';

const DAY = 86_400_000;

let fixture: IdentityFixture;
let identity: Identity;
const cleanups: (() => void)[] = [];
let count = 0;

before(async () => {
  fixture = await openIdentity({ after: (work) => cleanups.push(work) });
  identity = fixture.identity();
});
after(async () => {
  await fixture.close();
  for (const clean of cleanups) clean();
});

const newMember = (): Promise<Member> => fixture.member(`member${count++}@example.com`, 'member');

/** The member whom a token or a cookie stands for, or the code of the refusal. */
function who(headers: Record<string, string>, method = 'GET'): string {
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  try {
    const parts = { keys: fixture.store.apiKeys, ...identity };
    return authenticate({ headers: lists, method }, parts).member?.id ?? 'a key';
  } catch (error) {
    return (error as { code: string }).code;
  }
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('Logging in', () => {
  test('needs the right password of the right e-mail, in whatever case it is typed', async () => {
    const member = await newMember();
    const credentials = { email: ` ${member.email.toUpperCase()} `, password: PASSWORD };
    assert.equal((await logIn(identity, credentials, HOME.address)).memberId, member.memberId);
    for (const wrong of [
      { email: member.email, password: `${PASSWORD} ` },
      { email: member.email, password: '' },
      { email: `x${member.email}`, password: PASSWORD },
    ]) {
      await assert.rejects(logIn(identity, wrong, HOME.address), {
        code: 'INVALID_CREDENTIALS',
        message: 'The e-mail or the password is not right.',
      });
    }
  });

  test('delays an unknown e-mail as it delays a known one', async () => {
    const member = await newMember();
    for (const email of [member.email, 'nobody@example.com']) {
      const codes: string[] = [];
      for (let i = 0; i < 8; i++) {
        const attempt = logIn(identity, { email, password: 'wrong' }, `198.51.100.${i}`);
        codes.push(await attempt.then(String, (error: { code: string }) => error.code));
      }
      assert.deepEqual(codes, [
        ...Array(6).fill('INVALID_CREDENTIALS'),
        'RATE_LIMIT_EXCEEDED',
        'RATE_LIMIT_EXCEEDED',
      ]);
    }
    fixture.clock.now += 60_000;
    assert.ok(await logIn(identity, { email: member.email, password: PASSWORD }, AWAY.address));
  });
});

describe('A token of a member', () => {
  test('stands for the member with the role that they have now', async () => {
    const member = await newMember();
    const { token } = await identity.sessions.beginToken(member);
    assert.equal(who(bearer(token)), member.memberId);
    await fixture.store.members.change(member.accountId, member.memberId, (record) => ({
      ...record,
      role: 'admin',
    }));
    const caller = authenticate(
      { headers: { authorization: [`Bearer ${token}`] }, method: 'GET' },
      { keys: fixture.store.apiKeys, ...identity },
    );
    assert.deepEqual(
      [caller.member?.role, caller.environment, caller.collectionId, caller.key],
      ['admin', 'live', null, null],
    );
  });

  test('ends after fifteen minutes, with its session, and with its member', async () => {
    const member = await newMember();
    const first = await identity.sessions.beginToken(member);
    fixture.clock.now += 15 * 60_000;
    assert.equal(who(bearer(first.token)), 'TOKEN_EXPIRED');
    const second = await identity.sessions.beginToken(member);
    const third = await identity.sessions.beginToken(member);
    const { sid } = identity.tokens.verify(second.token) as { sid: string };
    await identity.sessions.end(member.memberId, sid);
    assert.equal(who(bearer(second.token)), 'TOKEN_INVALID');
    assert.equal(who(bearer(third.token)), member.memberId);
    await fixture.store.members.change(member.accountId, member.memberId, () => null);
    assert.equal(who(bearer(third.token)), 'TOKEN_INVALID');
    await assert.rejects(identity.sessions.refreshBySecret(String(third.refreshToken)), {
      code: 'TOKEN_INVALID',
    });
    assert.deepEqual(fixture.store.check(), []);
  });

  test('is exchanged for a fresh one until five minutes after it expired, while its session lives', async () => {
    const member = await newMember();
    const { token } = await identity.sessions.beginToken(member);
    fixture.clock.now += 19 * 60_000;
    const fresh = identity.sessions.refreshByToken(token);
    assert.equal(who(bearer(fresh.token)), member.memberId);
    assert.equal(fresh.refreshToken, null);
    fixture.clock.now += 60_000;
    assert.throws(() => identity.sessions.refreshByToken(token), { code: 'TOKEN_EXPIRED' });
    const { sid } = identity.tokens.verify(fresh.token) as { sid: string };
    await identity.sessions.end(member.memberId, sid);
    assert.throws(() => identity.sessions.refreshByToken(fresh.token), { code: 'TOKEN_INVALID' });
  });
});

describe('A refresh token', () => {
  test('is good once, and gives the next one', async () => {
    const member = await newMember();
    let { refreshToken } = await identity.sessions.beginToken(member);
    for (let i = 0; i < 3; i++) {
      const grant = await identity.sessions.refreshBySecret(String(refreshToken));
      assert.equal(who(bearer(grant.token)), member.memberId);
      assert.notEqual(grant.refreshToken, refreshToken);
      refreshToken = grant.refreshToken;
    }
  });

  test('that comes a second time ends its whole family, and no other', async () => {
    const member = await newMember();
    const other = await identity.sessions.beginToken(member);
    const first = await identity.sessions.beginToken(member);
    const second = await identity.sessions.refreshBySecret(String(first.refreshToken));
    await assert.rejects(identity.sessions.refreshBySecret(String(first.refreshToken)), {
      code: 'TOKEN_INVALID',
    });
    await assert.rejects(identity.sessions.refreshBySecret(String(second.refreshToken)), {
      code: 'TOKEN_INVALID',
    });
    for (const { token } of [first, second]) assert.equal(who(bearer(token)), 'TOKEN_INVALID');
    assert.equal(who(bearer(other.token)), member.memberId);
  });

  test('that comes twice at the same time gives one answer at most', async () => {
    const { refreshToken } = await identity.sessions.beginToken(await newMember());
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => identity.sessions.refreshBySecret(String(refreshToken))),
    );
    assert.ok(results.filter(({ status }) => status === 'fulfilled').length <= 1);
  });

  test('ends after thirty days without use, and ninety days after log-in in any case', async () => {
    const member = await newMember();
    const idle = await identity.sessions.beginToken(member);
    let { refreshToken } = await identity.sessions.beginToken(member);
    for (let day = 0; day < 80; day += 20) {
      fixture.clock.now += 20 * DAY;
      ({ refreshToken } = await identity.sessions.refreshBySecret(String(refreshToken)));
    }
    await assert.rejects(identity.sessions.refreshBySecret(String(idle.refreshToken)), {
      code: 'TOKEN_INVALID',
    });
    fixture.clock.now += 11 * DAY;
    await assert.rejects(identity.sessions.refreshBySecret(String(refreshToken)), { code: 'TOKEN_INVALID' });
  });

  test('is kept as a hash only, and junk is refused', async () => {
    const member = await newMember();
    const { refreshToken, token } = await identity.sessions.beginToken(member);
    const { sid } = identity.tokens.verify(token) as { sid: string };
    const kept = JSON.stringify(fixture.store.sessions.get(member.memberId, sid));
    assert.ok(!kept.includes(String(refreshToken).split('.')[2] as string));
    for (const junk of ['', '..', 'a.b.c', token, `${refreshToken}x`, `__proto__.${sid}.x`]) {
      await assert.rejects(identity.sessions.refreshBySecret(junk), { code: 'TOKEN_INVALID' });
    }
    assert.equal(who(bearer(token)), member.memberId);
  });
});

describe('A new password', () => {
  test('ends every other session of the member', async () => {
    const member = await newMember();
    const mine = await identity.sessions.beginToken(member);
    const other = await identity.sessions.beginToken(member);
    const { sid } = identity.tokens.verify(mine.token) as { sid: string };
    const change = { current: PASSWORD, next: 'another password' };
    const by = { sessionId: sid, address: AWAY.address };
    await assert.rejects(changePassword(identity, member, { ...change, current: 'x' }, by), {
      code: 'INVALID_CREDENTIALS',
    });
    await changePassword(identity, member, change, by);
    assert.equal(who(bearer(mine.token)), member.memberId);
    assert.equal(who(bearer(other.token)), 'TOKEN_INVALID');
    await assert.rejects(logIn(identity, { email: member.email, password: PASSWORD }, AWAY.address), {
      code: 'INVALID_CREDENTIALS',
    });
    assert.ok(await logIn(identity, { email: member.email, password: change.next }, AWAY.address));
  });
});

describe('A session of a browser', () => {
  const HOST = { host: 'visage.example' };
  const SAME = { ...HOST, origin: 'https://visage.example', 'sec-fetch-site': 'same-origin' };

  async function session() {
    const member = await newMember();
    const { setCookies, csrfToken } = await identity.sessions.beginCookie(member);
    const cookie = setCookies.map((text) => text.split(';', 1)[0]).join('; ');
    return { member, setCookies, csrf: { 'x-csrf-token': csrfToken }, cookie };
  }

  test('has cookies that only HTTPS, this host and, for the secret one, no script get', async () => {
    const { setCookies } = await session();
    const [secret, csrf] = setCookies as [string, string];
    assert.match(
      secret,
      /^__Host-visage_session=[^;]+; HttpOnly; Path=\/; Secure; SameSite=Strict; Max-Age=43200$/,
    );
    assert.match(csrf, /^__Host-visage_csrf=[^;]+; Path=\/; Secure; SameSite=Strict; Max-Age=43200$/);
  });

  test('may read with its cookie, and change with the token from the same origin', async () => {
    const { member, cookie, csrf } = await session();
    assert.equal(who({ ...HOST, cookie }), member.memberId);
    for (const method of ['POST', 'PATCH', 'DELETE', 'PUT']) {
      assert.equal(who({ ...SAME, ...csrf, cookie }, method), member.memberId);
    }
    assert.equal(who({ ...HOST, origin: SAME.origin, ...csrf, cookie }, 'POST'), member.memberId);
  });

  test('changes nothing for another site, or without the token', async () => {
    const { cookie, csrf } = await session();
    const another = await session();
    const attempts: Record<string, string>[] = [
      { ...SAME },
      { ...SAME, 'x-csrf-token': '' },
      { ...SAME, ...another.csrf },
      { ...HOST, ...csrf },
      { ...SAME, ...csrf, origin: 'https://evil.example' },
      { ...SAME, ...csrf, origin: 'null' },
      { ...SAME, ...csrf, origin: 'https://visage.example.evil.example' },
      { ...SAME, ...csrf, 'sec-fetch-site': 'same-site' },
      { ...SAME, ...csrf, 'sec-fetch-site': 'cross-site' },
      { ...SAME, ...csrf, 'sec-fetch-site': 'none' },
    ];
    for (const headers of attempts) {
      assert.equal(who({ ...headers, cookie }, 'POST'), 'PERMISSION_DENIED', JSON.stringify(headers));
    }
  });

  test('ends twelve hours after log-in, and when it is ended', async () => {
    const { cookie, member } = await session();
    const [, sessionId] = (cookie.split('=')[1] as string).split('.');
    const later = await session();
    await identity.sessions.end(member.memberId, sessionId as string);
    assert.equal(who({ ...HOST, cookie }), 'TOKEN_INVALID');
    fixture.clock.now += DAY / 2;
    assert.equal(who({ ...HOST, cookie: later.cookie }), 'TOKEN_INVALID');
  });

  test('is none where the cookie came twice, is another’s or is half there', async () => {
    const { cookie } = await session();
    const other = await session();
    const [own] = cookie.split('; ') as [string];
    assert.equal(who({ cookie: `${own}; ${other.cookie}` }), 'AUTHENTICATION_REQUIRED');
    assert.equal(who({ cookie: own.slice(0, -1) }), 'TOKEN_INVALID');
    assert.equal(who({ cookie: `${own.slice(0, -1)}${own.endsWith('A') ? 'B' : 'A'}` }), 'TOKEN_INVALID');
    assert.equal(who({ cookie: own.replace('__Host-', '') }), 'AUTHENTICATION_REQUIRED');
  });

  test('cannot be refreshed as a program’s, nor a program’s used as a cookie', async () => {
    const { cookie } = await session();
    const text = (cookie.split('; ')[0] as string).split('=')[1] as string;
    await assert.rejects(identity.sessions.refreshBySecret(text), { code: 'TOKEN_INVALID' });
    const { refreshToken } = await identity.sessions.beginToken(await newMember());
    assert.equal(who({ cookie: `__Host-visage_session=${refreshToken}` }), 'TOKEN_INVALID');
  });
});
