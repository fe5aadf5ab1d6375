import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Service, setupCodeOf, startService } from '../../testing/service.ts';

const PASSWORD = 'correct horse battery';

let service: Service;
let owner: Person;
before(async () => {
  service = await startService();
  const setup_code = await setupCodeOf(service.child);
  await call('POST', '/auth/register-email', {
    json: { name: 'O', email: 'o@example.com', password: PASSWORD, setup_code },
  });
  owner = await logIn('o@example.com');
});
after(() => service.stop());

interface Person {
  readonly id: string;
  readonly authorization: Record<string, string>;
  readonly refreshToken: string;
}

async function call(
  method: string,
  target: string,
  { json, headers }: { json?: unknown; headers?: Record<string, string> } = {},
) {
  const response = await fetch(service.child.url + target, {
    method,
    headers: { ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  await service.client.contract.check(method, target, response.clone());
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
}

async function logIn(email: string): Promise<Person> {
  const { status, body } = await call('POST', '/auth/login', { json: { email, password: PASSWORD } });
  assert.equal(status, 200, JSON.stringify(body));
  const { user_id: id, token, refresh_token: refreshToken } = body.data;
  return { id, refreshToken, authorization: { Authorization: `Bearer ${token}` } };
}

const as = ({ authorization: headers }: Person, json?: unknown) => ({ headers, json });

async function join(email: string, role: string): Promise<Person> {
  const invited = await call('POST', '/v1/auth/members/invite', as(owner, { email, role }));
  assert.equal(invited.status, 201, JSON.stringify(invited.body));
  const { invitation } = invited.body;
  const json = { name: 'N', email, password: PASSWORD, invitation };
  assert.equal((await call('POST', '/auth/register-email', { json })).status, 201);
  return logIn(email);
}

describe('Members of an account', () => {
  test('are invited, listed, promoted and removed, and a removed one is out on the next request', async () => {
    const bob = await join('bob@example.com', 'member');
    assert.equal((await call('GET', '/v1/auth/members', as(bob))).status, 403);
    const promoted = await call('PATCH', `/v1/auth/members/${bob.id}`, as(owner, { role: 'admin' }));
    assert.deepEqual([promoted.status, promoted.body.role], [200, 'admin']);
    const { body } = await call('GET', '/v1/auth/members?limit=1', as(bob));
    assert.deepEqual([body.members.length, body.members[0].id], [1, owner.id]);
    const next = await call('GET', `/v1/auth/members?cursor=${body.nextCursor}`, as(bob));
    assert.ok(next.body.members.some((member: { id: string }) => member.id === bob.id));
    assert.ok(!JSON.stringify(next.body).includes('argon2'));
    assert.equal(
      (await call('PATCH', `/v1/auth/members/${owner.id}`, as(bob, { role: 'member' }))).status,
      403,
    );
    assert.equal((await call('PATCH', `/v1/auth/members/${bob.id}`, as(bob, { role: 'owner' }))).status, 403);
    assert.equal((await call('DELETE', `/v1/auth/members/${bob.id}`, as(owner))).status, 200);
    assert.equal((await call('GET', '/v1/auth/members', as(bob))).status, 401);
    const refresh = await call('POST', '/auth/refresh', { json: { refresh_token: bob.refreshToken } });
    assert.deepEqual([refresh.status, refresh.body.code], [401, 'TOKEN_INVALID']);
    assert.equal((await call('DELETE', `/v1/auth/members/${bob.id}`, as(owner))).status, 404);
  });

  test('log out: the token and the refresh token are refused from then on', async () => {
    const carol = await join('carol@example.com', 'member');
    assert.equal((await call('POST', '/auth/logout', as(carol))).status, 200);
    assert.equal((await call('GET', '/v1/datetime/utc-now', as(carol))).status, 401);
    const json = { refresh_token: carol.refreshToken };
    assert.equal((await call('POST', '/auth/refresh', { json })).status, 401);
  });

  test('refresh from two tabs at once, and lose the session when a used refresh token comes back later', async () => {
    const gina = await join('gina@example.com', 'member');
    const refresh = (token: string) => call('POST', '/auth/refresh', { json: { refresh_token: token } });
    const tabs = await Promise.all([refresh(gina.refreshToken), refresh(gina.refreshToken)]);
    const [first, second] = tabs.map(({ status, body }) => {
      assert.equal(status, 200);
      return body.data.refresh_token as string;
    }) as [string, string];
    assert.notEqual(first, second);
    for (const token of [first, second]) assert.equal((await refresh(token)).status, 200);
    await sleep(10_500);
    const reused = await refresh(first);
    assert.deepEqual([reused.status, reused.body.code], [401, 'TOKEN_INVALID']);
    assert.equal((await call('GET', '/v1/datetime/utc-now', as(gina))).status, 401);
    const { body } = await call('GET', '/v1/audit?limit=100', as(owner));
    const entry = body.entries.find(({ action }: { action: string }) => action === 'session.reuse');
    assert.deepEqual([entry?.target, entry?.result], [gina.id, 'TOKEN_INVALID']);
  });

  test('change their own password and stay in', async () => {
    const dan = await join('dan@example.com', 'member');
    const json = { current_password: PASSWORD, new_password: `${PASSWORD}!` };
    const common = await call('POST', '/v1/auth/password', as(dan, { ...json, new_password: 'Password' }));
    assert.deepEqual([common.status, common.body.errors?.[0]?.path], [400, '/new_password']);
    const wrong = await call('POST', '/v1/auth/password', as(dan, { ...json, current_password: 'x' }));
    assert.deepEqual([wrong.status, wrong.body.code], [401, 'INVALID_CREDENTIALS']);
    assert.equal((await call('POST', '/v1/auth/password', as(dan, json))).status, 200);
    assert.equal((await call('GET', '/v1/datetime/utc-now', as(dan))).status, 200);
  });
});

describe('A browser', () => {
  test('logs in with cookies, reads with them alone and changes only with the token of its page', async () => {
    const origin = { Origin: service.child.url, 'Sec-Fetch-Site': 'same-origin' };
    const json = { email: 'o@example.com', password: PASSWORD, session: 'cookie' };
    assert.equal((await call('POST', '/auth/login', { json })).status, 403);
    const { status, headers, body } = await call('POST', '/auth/login', { json, headers: origin });
    assert.equal(status, 200);
    assert.equal(body.data.token, undefined);
    const Cookie = headers
      .getSetCookie()
      .map((text) => text.split(';', 1)[0])
      .join('; ');
    assert.equal((await call('GET', '/v1/auth/members', { headers: { Cookie } })).status, 200);
    const invite = (extra: Record<string, string>) =>
      call('POST', '/v1/auth/members/invite', {
        json: { email: 'eve@example.com' },
        headers: { Cookie, ...extra },
      });
    const token = { 'X-CSRF-Token': body.data.csrf_token };
    assert.equal((await invite(origin)).status, 403);
    assert.equal((await invite({ ...origin, ...token, Origin: 'https://evil.example' })).status, 403);
    assert.equal((await invite({ ...origin, ...token })).status, 201);
    const out = await call('POST', '/auth/logout', { headers: { Cookie, ...origin, ...token } });
    assert.equal(out.status, 200);
    assert.ok(out.headers.getSetCookie().every((text) => text.includes('Max-Age=0')));
    assert.equal((await call('GET', '/v1/auth/members', { headers: { Cookie } })).status, 401);
  });
});

describe('Guessing', () => {
  test('is answered 429 with the seconds to wait, and the right password comes through after them', async () => {
    await join('frank@example.com', 'member');
    const guess = () =>
      call('POST', '/auth/login', { json: { email: 'frank@example.com', password: 'wrong' } });
    for (let i = 0; i < 6; i++) assert.equal((await guess()).status, 401);
    const refused = await guess();
    assert.deepEqual([refused.status, refused.body.code], [429, 'RATE_LIMIT_EXCEEDED']);
    const seconds = Number(refused.headers.get('retry-after'));
    assert.ok(seconds >= 1 && seconds <= 2);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await logIn('frank@example.com');
  });

  test('by others does not hold up a device that logged in before', async () => {
    await join('grace@example.com', 'member');
    const json = { email: 'grace@example.com', password: PASSWORD };
    const { headers } = await call('POST', '/auth/login', { json });
    const device = headers.getSetCookie().find((text) => text.startsWith('__Host-visage_device='));
    const [Cookie = ''] = String(device).split(';');
    for (let i = 0; i < 7; i++) await call('POST', '/auth/login', { json: { ...json, password: 'wrong' } });
    assert.equal((await call('POST', '/auth/login', { json })).status, 429);
    assert.equal((await call('POST', '/auth/login', { json, headers: { Cookie } })).status, 200);
    const origin = { Origin: service.child.url, 'Sec-Fetch-Site': 'same-origin' };
    const cookies = { json: { ...json, session: 'cookie' }, headers: { Cookie, ...origin } };
    const again = await call('POST', '/auth/login', cookies);
    assert.deepEqual([again.status, again.headers.getSetCookie().length], [200, 3]);
  });

  test('whether an e-mail is known tells nothing', async () => {
    const answers = [];
    for (const email of ['o@example.com', 'nobody@example.com']) {
      const { status, body } = await call('POST', '/auth/login', { json: { email, password: 'wrong' } });
      answers.push({ status, ...body, requestId: '' });
    }
    assert.deepEqual(answers[0], answers[1]);
  });
});

test('Nothing that was sent or shown here is in the log', () => {
  const text = JSON.stringify(service.child.log);
  for (const secret of ['example.com', PASSWORD, 'eyJ', 'inv_', owner.refreshToken]) {
    assert.ok(!text.includes(secret), secret);
  }
});
