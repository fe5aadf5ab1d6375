import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { authenticate } from '../../src/access/gate/authenticate.ts';
import { deviceCookieOf, isDeviceOf, newDeviceCookie } from '../../src/access/members/device-cookie.ts';
import type { Identity } from '../../src/access/members/identity.ts';
import { type Credentials, changePassword, type LoginOrigin, logIn } from '../../src/access/members/login.ts';
import type { Member } from '../../src/store/records.ts';
import { AWAY, type IdentityFixture, openIdentity, PASSWORD } from './identity.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;
const FROM = { address: AWAY, device: null };

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
    assert.equal((await logIn(identity, credentials, FROM)).memberId, member.memberId);
    for (const wrong of [
      { email: member.email, password: `${PASSWORD} ` },
      { email: member.email, password: '' },
      { email: `x${member.email}`, password: PASSWORD },
    ]) {
      await assert.rejects(logIn(identity, wrong, FROM), {
        code: 'INVALID_CREDENTIALS',
        message: 'The e-mail or the password is wrong.',
      });
    }
  });

  test('delays an unknown e-mail as it delays a known one', async () => {
    const member = await newMember();
    for (const email of [member.email, 'nobody@example.com']) {
      const codes: string[] = [];
      for (let i = 0; i < 8; i++) {
        const attempt = logIn(
          identity,
          { email, password: 'wrong' },
          { address: `198.51.100.${i}`, device: null },
        );
        codes.push(await attempt.then(String, (error: { code: string }) => error.code));
      }
      assert.deepEqual(codes, [
        ...Array(6).fill('INVALID_CREDENTIALS'),
        'RATE_LIMIT_EXCEEDED',
        'RATE_LIMIT_EXCEEDED',
      ]);
    }
    fixture.clock.now += 60_000;
    assert.ok(await logIn(identity, { email: member.email, password: PASSWORD }, FROM));
  });
});

describe('A device that logged in before', () => {
  const deviceOf = (member: Member) => {
    const [cookie = ''] = newDeviceCookie(member).split(';');
    return deviceCookieOf({ cookie: [`theme=dark; ${cookie}`] });
  };
  const attempt = (credentials: Credentials, from: LoginOrigin) =>
    logIn(identity, credentials, from).then(
      ({ memberId }) => memberId,
      ({ code }: { code: string }) => code,
    );
  /** Fails from one address until it must wait, for any e-mail. */
  async function fill(address: string, ...emails: string[]): Promise<void> {
    const failing = [...emails, ...Array.from({ length: 25 }, (_, i) => `filler${i}@example.com`)];
    for (const email of failing.flatMap((each) => Array(6).fill(each))) {
      await attempt({ email, password: 'wrong' }, { address, device: null });
    }
  }

  test('logs in with the right password where others failed too often', async () => {
    const member = await newMember();
    const address = '203.0.113.1';
    await fill(address, member.email);
    const right = { email: member.email, password: PASSWORD };
    assert.equal(await attempt(right, { address, device: null }), 'RATE_LIMIT_EXCEEDED');
    assert.equal(await attempt(right, { address, device: deviceOf(member) }), member.memberId);
    const wrong = { ...right, password: 'wrong' };
    assert.equal(await attempt(wrong, { address, device: deviceOf(member) }), 'INVALID_CREDENTIALS');
  });

  test('guesses ten times at most, at its own member only, and not with a cookie that was made up', async () => {
    const [member, other] = [await newMember(), await newMember()];
    const address = '203.0.113.2';
    await fill(address, member.email, other.email);
    const wrong = { email: member.email, password: 'wrong' };
    const device = deviceOf(member);
    assert.ok(device);
    for (const bad of [
      { ...device, memberId: other.memberId },
      { ...device, nonce: 'A'.repeat(22) },
      { ...device, mac: 'A'.repeat(43) },
      deviceOf(other),
    ]) {
      assert.equal(await attempt(wrong, { address, device: bad }), 'RATE_LIMIT_EXCEEDED');
    }
    const stranger = { ...wrong, email: other.email };
    assert.equal(await attempt(stranger, { address, device }), 'RATE_LIMIT_EXCEEDED');
    const codes: string[] = [];
    for (let i = 0; i < 12; i++) codes.push(await attempt(wrong, { address, device }));
    assert.deepEqual(codes, [
      ...Array(10).fill('INVALID_CREDENTIALS'),
      ...Array(2).fill('RATE_LIMIT_EXCEEDED'),
    ]);
    const right = { ...wrong, password: PASSWORD };
    assert.equal(await attempt(right, { address, device }), 'RATE_LIMIT_EXCEEDED');
    assert.equal(await attempt(right, { address, device: deviceOf(member) }), member.memberId);
  });

  test('guesses at its own member only, where another account has the same e-mail', async () => {
    const member = await newMember();
    const password = 'the password of a tenant';
    const passwordHash = await identity.passwords.hash(password);
    const other = await fixture.store.members.addWithAccount('tenant', {
      email: member.email,
      name: 'B',
      username: null,
      passwordHash,
      invitation: null,
      role: 'owner',
      createdAt: fixture.clock.now,
    });
    const address = '203.0.113.3';
    await fill(address, member.email);
    const [mine, theirs] = [
      { email: member.email, password: PASSWORD },
      { email: member.email, password },
    ];
    assert.equal(await attempt(theirs, { address, device: deviceOf(member) }), 'INVALID_CREDENTIALS');
    assert.equal(await attempt(mine, { address, device: deviceOf(other) }), 'INVALID_CREDENTIALS');
    assert.equal(await attempt(theirs, { address, device: deviceOf(other) }), other.memberId);
    assert.equal(await attempt(mine, { address, device: deviceOf(member) }), member.memberId);
  });

  test('is unknown after a new password', async () => {
    const member = await newMember();
    const passwordHash = await identity.passwords.hash('another password');
    const device = deviceOf(member);
    assert.ok(device && isDeviceOf(member, device));
    assert.ok(!isDeviceOf({ ...member, passwordHash }, device));
    assert.ok(!isDeviceOf({ ...member, passwordHash: null }, device));
  });

  test('has a cookie that only HTTPS, this host and no script get, and none where it came twice', async () => {
    const member = await newMember();
    const set = newDeviceCookie(member);
    assert.match(
      set,
      /^__Host-visage_device=[^;]+; HttpOnly; Path=\/; Secure; SameSite=Strict; Max-Age=34560000$/,
    );
    const [cookie = ''] = set.split(';');
    assert.equal(deviceCookieOf({ cookie: [`${cookie}; ${cookie}`] }), null);
    assert.equal(deviceCookieOf({ cookie: [`${cookie}x`] }), null);
    assert.equal(deviceCookieOf({}), null);
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

describe('A token that renews itself', () => {
  /** Renews a token every 15 minutes. @returns time since log-in and code of the refusal. */
  async function renew(refreshAfter: number | null) {
    const member = await newMember();
    const began = fixture.clock.now;
    const grant = await identity.sessions.beginToken(member);
    let { token } = grant;
    for (;;) {
      fixture.clock.now += 15 * 60_000;
      const age = fixture.clock.now - began;
      if (age === refreshAfter) {
        ({ token } = await identity.sessions.refreshBySecret(String(grant.refreshToken)));
      }
      try {
        ({ token } = identity.sessions.refreshByToken(token));
      } catch (error) {
        return { hours: age / 3_600_000, code: (error as { code: string }).code, grant };
      }
    }
  }

  test('does so until twelve hours after log-in, and the refresh token goes on', async () => {
    const { hours, code, grant } = await renew(null);
    assert.deepEqual([hours, code], [12, 'TOKEN_EXPIRED']);
    assert.ok(await identity.sessions.refreshBySecret(String(grant.refreshToken)));
  });

  test('does so no longer where a refresh token was used between', async () => {
    const { hours, code } = await renew(6 * 3_600_000);
    assert.deepEqual([hours, code], [12, 'TOKEN_EXPIRED']);
  });

  test('is still renewed a millisecond before', async () => {
    const member = await newMember();
    const began = fixture.clock.now;
    const { refreshToken } = await identity.sessions.beginToken(member);
    fixture.clock.now = began + 12 * 3_600_000 - 1000;
    const { token } = await identity.sessions.refreshBySecret(String(refreshToken));
    fixture.clock.now = began + 12 * 3_600_000 - 1;
    assert.ok(identity.sessions.refreshByToken(token));
    fixture.clock.now++;
    assert.throws(() => identity.sessions.refreshByToken(token), { code: 'TOKEN_EXPIRED' });
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

  test('that comes again after ten seconds ends its whole family, and no other, and is told of', async () => {
    const member = await newMember();
    const other = await identity.sessions.beginToken(member);
    const first = await identity.sessions.beginToken(member);
    const second = await identity.sessions.refreshBySecret(String(first.refreshToken));
    fixture.clock.now += 10_001;
    const told: string[] = [];
    const reuse = identity.sessions.refreshBySecret(String(first.refreshToken), async ({ memberId }) => {
      told.push(memberId);
    });
    await assert.rejects(reuse, { code: 'TOKEN_INVALID', message: /was used before/ });
    assert.deepEqual(told, [member.memberId]);
    await assert.rejects(identity.sessions.refreshBySecret(String(first.refreshToken)), {
      code: 'TOKEN_INVALID',
    });
    await assert.rejects(identity.sessions.refreshBySecret(String(second.refreshToken)), {
      code: 'TOKEN_INVALID',
    });
    for (const { token } of [first, second]) assert.equal(who(bearer(token)), 'TOKEN_INVALID');
    assert.equal(who(bearer(other.token)), member.memberId);
  });

  test('that was invented, with the ids of an expired token, does not end the session', async () => {
    const member = await newMember();
    const first = await identity.sessions.beginToken(member);
    const second = await identity.sessions.refreshBySecret(String(first.refreshToken));
    const [memberId, sessionId, secret = ''] = String(second.refreshToken).split('.');
    fixture.clock.now += DAY;
    const half = Buffer.from(secret, 'base64url').subarray(0, 16);
    const invented = [
      ...Array.from({ length: 20 }, () => randomBytes(32)),
      Buffer.concat([half, randomBytes(16)]),
      Buffer.alloc(32),
    ].map((bytes) => `${memberId}.${sessionId}.${bytes.toString('base64url')}`);
    for (const text of invented) {
      const told = () => assert.fail('an invented token was told as reused');
      await assert.rejects(identity.sessions.refreshBySecret(text, told), { code: 'TOKEN_INVALID' });
    }
    assert.ok(await identity.sessions.refreshBySecret(String(second.refreshToken)));
    await assert.rejects(identity.sessions.refreshBySecret(String(first.refreshToken)), {
      message: /was used before/,
    });
  });

  test('that comes again within ten seconds gets another successor, and each successor is good', async () => {
    const member = await newMember();
    const { refreshToken } = await identity.sessions.beginToken(member);
    const again = () => identity.sessions.refreshBySecret(String(refreshToken));
    const grants = await Promise.all(Array.from({ length: 8 }, again));
    fixture.clock.now += 10_000;
    grants.push(await again());
    assert.equal(new Set(grants.map((grant) => grant.refreshToken)).size, 9);
    fixture.clock.now += DAY;
    for (const grant of grants) {
      const next = await identity.sessions.refreshBySecret(String(grant.refreshToken));
      assert.equal(who(bearer(next.token)), member.memberId);
    }
  });

  test('of which no answer arrives keeps no more than a few successors', async () => {
    const member = await newMember();
    const { refreshToken, token } = await identity.sessions.beginToken(member);
    for (let i = 0; i < 40; i++) await identity.sessions.refreshBySecret(String(refreshToken));
    const { sid } = identity.tokens.verify(token) as { sid: string };
    const { siblings, used } = fixture.store.sessions.get(member.memberId, sid) ?? {};
    assert.deepEqual([siblings?.length, used?.length], [15, 1]);
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
  test("is none of the member's words, and ends every other session", async () => {
    const member = await newMember();
    const mine = await identity.sessions.beginToken(member);
    const other = await identity.sessions.beginToken(member);
    const { sid } = identity.tokens.verify(mine.token) as { sid: string };
    const change = { current: PASSWORD, next: 'another password' };
    const by = { sessionId: sid, ...FROM };
    await assert.rejects(changePassword(identity, member, { ...change, current: 'x' }, by), {
      code: 'INVALID_CREDENTIALS',
    });
    for (const next of [`${member.email}1`, `!!${member.email.split('@')[0]}!!`, 'visage2026']) {
      await assert.rejects(changePassword(identity, member, { ...change, next }, by), {
        code: 'VALIDATION_FAILED',
      });
    }
    await changePassword(identity, member, change, by);
    assert.equal(who(bearer(mine.token)), member.memberId);
    assert.equal(who(bearer(other.token)), 'TOKEN_INVALID');
    await assert.rejects(logIn(identity, { email: member.email, password: PASSWORD }, FROM), {
      code: 'INVALID_CREDENTIALS',
    });
    assert.ok(await logIn(identity, { email: member.email, password: change.next }, FROM));
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
    for (let passed = 0; passed < 36; passed++) {
      assert.equal(who({ ...HOST, cookie: later.cookie }), later.member.memberId);
      fixture.clock.now += 20 * MINUTE;
    }
    assert.equal(who({ ...HOST, cookie: later.cookie }), 'TOKEN_INVALID');
  });

  test('ends half an hour after the last request of its member; polling does not keep it', async () => {
    const { cookie, member, csrf } = await session();
    const polling = { ...HOST, cookie, 'x-visage-background': '1' };
    for (const headers of [
      { ...HOST, cookie },
      { ...SAME, ...csrf, cookie },
    ]) {
      fixture.clock.now += 30 * MINUTE - 1;
      assert.equal(who(headers, 'origin' in headers ? 'POST' : 'GET'), member.memberId);
    }
    fixture.clock.now += 30 * MINUTE - 1;
    assert.equal(who(polling), member.memberId);
    assert.equal(who({ ...HOST, cookie, 'sec-fetch-dest': 'image' }), member.memberId);
    assert.equal(who({ ...SAME, cookie }, 'POST'), 'PERMISSION_DENIED');
    fixture.clock.now++;
    assert.equal(who(polling), 'TOKEN_INVALID');
    assert.equal(who({ ...HOST, cookie }), 'TOKEN_INVALID');
  });

  test('tells the store its last use once a minute, and a restart ends it at most a minute early', async () => {
    const { cookie, member } = await session();
    const [, sessionId = ''] = (cookie.split('=')[1] as string).split('.');
    const recorded = () => fixture.store.sessions.get(member.memberId, sessionId)?.usedAt;
    const settle = () => fixture.store.sessions.note({ memberId: 'mem_', sessionId: 'ses_' }, {});
    const began = fixture.clock.now;
    for (let second = 0; second < 130; second += 10) {
      assert.equal(who({ ...HOST, cookie }), member.memberId);
      await settle();
      assert.equal(recorded(), began + Math.floor(second / 60) * MINUTE);
      fixture.clock.now += 10_000;
    }
    const restarted = fixture.identity();
    const use = () => restarted.sessions.ofCookie({ cookie: [cookie] }, 'GET');
    fixture.clock.now = began + 32 * MINUTE - 1;
    assert.equal(use()?.sessionId, sessionId);
    fixture.clock.now += 30 * MINUTE;
    assert.throws(use, { code: 'TOKEN_INVALID' });
  });

  test('that ended is not brought back by the note of its use', async () => {
    const { cookie, member } = await session();
    const [, sessionId = ''] = (cookie.split('=')[1] as string).split('.');
    const ended = identity.sessions.end(member.memberId, sessionId);
    who({ ...HOST, cookie });
    await ended;
    assert.equal(await fixture.store.sessions.note({ memberId: member.memberId, sessionId }, {}), false);
    assert.equal(fixture.store.sessions.get(member.memberId, sessionId), null);
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
