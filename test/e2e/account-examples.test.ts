import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT, type Service, setupCodeOf, startService } from '../../testing/service.ts';

interface Example {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly answer?: unknown;
}

function examplesOf(api: 'security' | 'accounts'): Example[] {
  return JSON.parse(readFileSync(join(ROOT, `test/fixtures/${api}-api-examples.json`), 'utf8'));
}

type Secrets = Record<string, string>;

let service: Service;
before(async () => {
  service = await startService();
});
after(() => service.stop());

async function send({ method, target, headers, body }: Example, secrets: Secrets) {
  const filled = (text: string) =>
    Object.entries(secrets).reduce((whole, [name, value]) => whole.replaceAll(name, value), text);
  const response = await fetch(service.child.url + filled(target), {
    method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, filled(value)])),
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}

function assertHolds(actual: unknown, shown: unknown, path = ''): void {
  assert.equal(typeof actual, typeof shown, path);
  if (typeof shown !== 'object' || shown === null) return;
  for (const [name, value] of Object.entries(shown)) {
    assert.ok(Object.hasOwn(actual as object, name), `${path}/${name}`);
    assertHolds((actual as Record<string, unknown>)[name], value, `${path}/${name}`);
  }
}

describe('Every example of the Security API', () => {
  const placeholder = 'QUJDMTIzOnlvdXItYXBpLWtleS1oZXJl';
  for (const example of examplesOf('security')) {
    test(`${example.method} ${example.target}`, async () => {
      if (example.headers.Authorization) assert.equal((await send(example, {})).status, 401);
      const { account_id, key } = await service.key();
      const pair = Buffer.from(`${account_id}:${key}`).toString('base64');
      const { status, body } = await send(example, { [placeholder]: pair });
      assert.equal(status, 200);
      assertHolds(body, example.answer);
    });
  }

  test('answers times as exact as shown, and a token that lives as long as asked for and then serves', async () => {
    const [get, utcNow] = examplesOf('security') as [Example, Example];
    const { account_id, key } = await service.key();
    const secrets = { [placeholder]: Buffer.from(`${account_id}:${key}`).toString('base64') };
    const { body } = await send(get, secrets);
    assert.match(body.expirationUtcTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    const life = Date.parse(body.expirationUtcTime) - Date.now();
    assert.ok(life > 3_590_000 && life <= 3_600_000, String(life));
    assert.deepEqual(JSON.parse(Buffer.from(body.token.split('.')[0], 'base64url').toString()).alg, 'RS512');

    const bearer = { ...utcNow, headers: { Authorization: `Bearer ${body.token}` } };
    const times = new Set<string>();
    for (let i = 0; i < 20; i++) times.add((await send(bearer, {})).body.utcNow.slice(-5));
    assert.ok(times.size > 10, 'the last digits move');
    const now = (await send(bearer, {})).body.utcNow;
    assert.match(now, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
    assert.ok(Math.abs(Date.parse(now) - Date.now()) < 5_000);
  });

  test('a token gets no token, and a life outside a minute to an hour is refused', async () => {
    const { key } = await service.key();
    const get = (query: string, authorization = `ApiKey ${key}`) =>
      send({ method: 'GET', target: `/v1/token/get${query}`, headers: { Authorization: authorization } }, {});
    const { token, expirationUtcTime } = (await get('')).body;
    assert.ok(Math.abs(Date.parse(expirationUtcTime) - Date.now() - 900_000) < 10_000);
    assert.equal((await get('', `Bearer ${token}`)).status, 401);
    for (const seconds of ['59', '3601', '0', '-1', 'x', '60.5', '', '1e3x']) {
      assert.equal((await get(`?expirationInSeconds=${seconds}`)).status, 400, seconds);
    }
    assert.equal((await get('?expirationInSeconds=60')).status, 200);
  });
});

const LIST_KEYS: Example = {
  method: 'GET',
  target: '/v1/auth/api-keys',
  headers: { Authorization: 'Bearer YOUR_KEY' },
};

describe('Every example of the Accounts API, in order', () => {
  const secrets: Secrets = {};
  /** The first registration creates the owner, which needs the set-up code that the example lacks. */
  const forFirstOwner = async (example: Example): Promise<Example> => {
    if (!example.target.includes('register') || example.body === undefined) return example;
    const setup_code = await setupCodeOf(service.child);
    return { ...example, body: JSON.stringify({ ...JSON.parse(example.body), setup_code }) };
  };
  for (const example of examplesOf('accounts')) {
    test(`${example.method} ${example.target}`, async () => {
      const { status, body } = await send(await forFirstOwner(example), secrets);
      assert.ok(status >= 200 && status < 300, `${status} ${JSON.stringify(body)}`);
      if (example.answer !== undefined) assertHolds(body, example.answer);
      if (body?.data?.token) secrets.YOUR_JWT = body.data.token;
      if (body?.key) {
        secrets.KEY_ID = body.id;
        // The example's key is bound to faces, so its default scopes exclude key management.
        const { status: refused } = await send(LIST_KEYS, { YOUR_KEY: body.key });
        assert.equal(refused, 403);
        secrets.YOUR_KEY = (await service.key()).key;
      }
    });
  }
});
