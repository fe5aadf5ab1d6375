import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type AuthenticationParts, authenticate } from '../../src/access/gate/authenticate.ts';
import { createApiKey, hashApiKey, type NewApiKey } from '../../src/access/keys/api-keys.ts';
import { createIdentity } from '../../src/access/members/identity.ts';
import { SigningKeys } from '../../src/access/tokens/signing-keys.ts';
import type { VisageError } from '../../src/errors.ts';
import { Store } from '../../src/store/store.ts';
import { keyCaller } from '../../testing/key-caller.ts';
import { addSigningKey } from '../../testing/signing-keys.ts';

let folder: string;
let store: Store;
let key: NewApiKey;
let bound: NewApiKey;
let parts: AuthenticationParts;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
  store = Store.open(folder);
  addSigningKey(folder);
  const signingKeys = await SigningKeys.open(folder);
  const options = {
    store,
    signingKeys,
    audit: { record: async () => {} },
    registration: 'closed',
    dashboardOrigin: null,
    access: { sessionIdleMs: 1_800_000 },
    now: Date.now,
  } as const;
  parts = { keys: store.apiKeys, ...createIdentity(options) };
  const { accountId } = store.accounts.first();
  key = await createApiKey(store, { accountId, name: 'one', environment: 'live', collectionId: null });
  bound = await createApiKey(store, { accountId, name: 'two', environment: 'test', collectionId: 'people' });
});

after(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

type Headers = Record<string, string | string[]>;

function caller(headers: Headers) {
  const lists = Object.entries(headers).map(([name, value]) => [name, [value].flat()]);
  return authenticate({ headers: Object.fromEntries(lists), method: 'GET' }, parts);
}

function code(headers: Headers): string {
  try {
    caller(headers);
    return 'accepted';
  } catch (error) {
    return (error as VisageError).code;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

describe('a new API key', () => {
  test('has 128 random bits, and is known to the store by its hash only', () => {
    assert.match(key.key, /^fr_live_[0-9a-f]{32}$/);
    assert.match(bound.key, /^fr_test_[0-9a-f]{32}$/);
    assert.equal(key.prefix, key.key.slice(0, 12));
    const record = store.apiKeys.byHash(hashApiKey(key.key));
    assert.equal(record?.id, key.id);
    assert.ok(!JSON.stringify(record).includes(key.key.slice(12)));
    assert.deepEqual(store.check(), []);
  });

  test('needs an account', async () => {
    const request = { accountId: 'acc_0', name: 'x', environment: 'live' } as const;
    await assert.rejects(createApiKey(store, request), { code: 'ACCOUNT_NOT_FOUND' });
  });
});

describe('a caller', () => {
  test('is known by each of the accepted forms', () => {
    const pair = base64(`${key.accountId}:${key.key}`);
    const forms: Headers[] = [
      { authorization: `ApiKey ${key.key}` },
      { authorization: `apikey  ${key.key}` },
      { authorization: `ApiKey ${pair}` },
      { authorization: `ApiKey ${pair.replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')}` },
      { authorization: `Bearer ${key.key}` },
      { authorization: `BEARER ${key.key} ` },
      { authorization: key.key },
      { authorization: `${key.key} ` },
      { authorization: [key.key], 'x-api-key': key.key },
      { 'x-api-key': key.key },
      { 'x-api-key': [key.key, key.key], authorization: [`ApiKey ${key.key}`] },
    ];
    const expected = keyCaller(key.accountId, {
      key: { id: key.id, isToken: false, scopes: ['v1:*'], keyVersion: 1 },
    });
    for (const headers of forms) assert.deepEqual(caller(headers), expected);
  });

  test('of a bound test key carries both limits', () => {
    const { environment, collectionId } = caller({ 'x-api-key': bound.key });
    assert.deepEqual({ environment, collectionId }, { environment: 'test', collectionId: 'people' });
  });

  test('without a credential is asked for one', () => {
    for (const headers of [
      {},
      { authorization: '' },
      { authorization: ' ', 'x-api-key': '' },
      { 'x-api-key': [] },
    ]) {
      assert.equal(code(headers as Headers), 'AUTHENTICATION_REQUIRED');
    }
  });

  test('with an unknown or malformed key is refused', () => {
    const unknown = `fr_live_${'0'.repeat(32)}`;
    const malformed: Headers[] = [
      { authorization: `ApiKey ${unknown}` },
      { authorization: `ApiKey ${key.key.toUpperCase()}` },
      { authorization: `ApiKey ${key.key}0` },
      { authorization: `ApiKey ${key.key} ${key.key}` },
      { authorization: 'ApiKey' },
      { authorization: key.key.slice(1) },
      { authorization: `${key.key}:` },
      { authorization: `${key.key}${key.key}` },
      { authorization: base64(`${key.accountId}:${key.key}`) },
      { authorization: `Basic ${base64(`${key.accountId}:${key.key}`)}` },
      { authorization: `ApiKey ${base64(`:${key.key}`)}` },
      { authorization: `ApiKey ${base64(key.key)}` },
      { authorization: `Bearer ${base64(`${key.accountId}:${key.key}`)}` },
      { 'x-api-key': `${key.key}, ${key.key}` },
      { 'x-api-key': `ApiKey ${key.key}` },
    ];
    for (const headers of malformed)
      assert.equal(code(headers), 'INVALID_API_KEY', JSON.stringify(Object.keys(headers)));
  });

  test('who leaves out or mistakes the scheme is told which one to write, and is shown nothing of the credential', () => {
    const detail = (authorization: string) => {
      try {
        caller({ authorization });
      } catch (error) {
        return (error as VisageError).message;
      }
      return 'accepted';
    };
    const pair = base64(`${key.accountId}:${key.key}`);
    for (const value of [pair, `Basic ${pair}`, `${key.key}:`, 'eyJh.eyJz.c2ln', 'hunter2 swordfish']) {
      assert.match(
        detail(value),
        /Write the word ApiKey before an API key .* the word Bearer before a token/,
      );
      for (const part of value.split(' ')) assert.ok(!detail(value).includes(part), part);
    }
    for (const value of [`Bearer ${key.key}0`, `ApiKey ${key.key}0`]) {
      assert.match(detail(value), /`fr_live_` or `fr_test_` and 32 hex digits/);
      assert.ok(!detail(value).includes(key.key.slice(12)));
    }
  });

  test('who names another account is refused', () => {
    for (const account of ['acc_0', `${key.accountId} `, key.accountId.toLowerCase(), 'constructor']) {
      assert.equal(code({ authorization: `ApiKey ${base64(`${account}:${key.key}`)}` }), 'INVALID_API_KEY');
    }
  });

  test('with credentials that contradict each other is refused, whichever is right', () => {
    assert.equal(code({ authorization: `ApiKey ${key.key}`, 'x-api-key': bound.key }), 'INVALID_API_KEY');
    assert.equal(code({ authorization: `ApiKey ${bound.key}`, 'x-api-key': key.key }), 'INVALID_API_KEY');
    assert.equal(code({ authorization: [`ApiKey ${key.key}`, 'ApiKey no'] }), 'INVALID_API_KEY');
  });

  test('with something like a token is told about the token', () => {
    assert.equal(
      code({ authorization: 'Bearer eyJhbGciOiJSUzUxMiJ9.eyJzdWIiOiJ4In0.c2ln' }),
      'TOKEN_INVALID',
    );
  });

  test('with hostile headers is refused, quickly and without another error', () => {
    const hostile = [
      'x'.repeat(65536),
      `ApiKey ${'A'.repeat(65536)}`,
      `ApiKey${' '.repeat(65536)}x`,
      `Bearer ${'.'.repeat(8000)}`,
      `Bearer ${'a.'.repeat(4000)}`,
      'ApiKey \u0000\u0001\u007f',
      'ApiKey __proto__',
      '__proto__ __proto__',
      'constructor toString',
      `ApiKey ${base64('__proto__:constructor')}`,
      `ApiKey ${base64('\ud800:\u0000')}`,
      `ApiKey ${'='.repeat(100)}`,
    ];
    for (const value of hostile) {
      assert.equal(code({ authorization: value }), 'INVALID_API_KEY');
      assert.equal(code({ 'x-api-key': value }), 'INVALID_API_KEY');
    }
  });

  test('never finds the key in an error', () => {
    try {
      caller({ authorization: `ApiKey ${key.key}`, 'x-api-key': bound.key });
      assert.fail('accepted');
    } catch (error) {
      assert.ok(!(error as Error).message.includes('fr_'));
    }
  });
});
