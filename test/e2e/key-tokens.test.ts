import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Service, startService, visagectl } from '../../testing/service.ts';

let service: Service;
let owner: Record<string, string>;
before(async () => {
  service = await startService();
  const settings = { VISAGE_DATA_DIR: service.folder };
  const options = ['--email', 'o@example.com', '--name', 'O', '--role', 'owner', '--json'];
  const { stdout } = await visagectl(['members', 'create', ...options], settings);
  const login = await call(
    'POST',
    '/auth/login',
    {},
    { email: 'o@example.com', password: JSON.parse(stdout).password },
  );
  owner = { Authorization: `Bearer ${login.body.data.token}` };
});
after(() => service.stop());

async function call(method: string, target: string, headers: Record<string, string>, json?: unknown) {
  const response = await fetch(service.child.url + target, {
    method,
    headers: { ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

async function keyWithToken(settings: Record<string, unknown> = {}) {
  const made = await call('POST', '/v1/auth/api-keys', owner, { name: 'a', ...settings });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { id, key } = made.body as { id: string; key: string };
  const got = await call('GET', '/v1/token/get', { Authorization: `ApiKey ${key}` });
  assert.equal(got.status, 200);
  const token = { Authorization: `Bearer ${got.body.token}` };
  assert.equal((await call('GET', '/v1/datetime/utc-now', token)).status, 200);
  return { id, key, token };
}

describe('A token of a key', () => {
  test('ends with its key on the very next request: revoked, regenerated, frozen', async () => {
    const path = ({ id }: { id: string }) => `/v1/auth/api-keys/${id}`;
    const revoked = await keyWithToken();
    assert.ok((await call('DELETE', path(revoked), owner)).status < 300);
    assert.equal((await call('GET', '/v1/datetime/utc-now', revoked.token)).status, 401);

    const regenerated = await keyWithToken();
    assert.equal((await call('POST', `${path(regenerated)}/regenerate`, owner)).status, 200);
    assert.equal((await call('GET', '/v1/datetime/utc-now', regenerated.token)).status, 401);

    const frozen = await keyWithToken();
    assert.equal((await call('PATCH', path(frozen), owner, { frozen: true })).status, 200);
    assert.equal((await call('GET', '/v1/collection/get-all', frozen.token)).status, 402);
    assert.equal((await call('PATCH', path(frozen), owner, { frozen: false })).status, 200);
    assert.equal((await call('GET', '/v1/collection/get-all', frozen.token)).status, 200);
  });

  test('has every limit of its key, also one that was set after it was made', async () => {
    const { id, token } = await keyWithToken({ scopes: ['v1:collections'] });
    await call('POST', '/v1/collection/create', token, { collectionId: 'here' });
    await call('POST', '/v1/collection/create', token, { collectionId: 'there' });
    const get = (collection: string) => call('GET', `/v1/collection/get?collectionId=${collection}`, token);
    assert.equal((await get('there')).status, 200);
    assert.equal((await call('GET', '/v1/auth/api-keys', token)).body.code, 'SCOPE_DENIED');
    await call('PATCH', `/v1/auth/api-keys/${id}`, owner, { collection_id: 'here' });
    assert.deepEqual([(await get('here')).status, (await get('there')).status], [200, 403]);
    await call('PATCH', `/v1/auth/api-keys/${id}`, owner, { allowed_ips: ['198.51.100.1'] });
    assert.equal((await get('here')).body.code, 'IP_NOT_ALLOWED');
  });

  test('gets no token and is no member', async () => {
    const { token } = await keyWithToken();
    assert.equal((await call('GET', '/v1/token/get', token)).status, 401);
    assert.equal((await call('GET', '/v1/token/get', owner)).status, 401);
    assert.ok([401, 403].includes((await call('GET', '/v1/auth/members', token)).status));
    assert.equal((await call('POST', '/auth/refresh', token)).status, 401);
  });
});
