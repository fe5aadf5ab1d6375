import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { NewApiKeyRequest } from '../../src/access/keys/api-keys.ts';
import type { NewAuditRecord } from '../../src/store/audit-records.ts';
import type { Member } from '../../src/store/records.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';

const MODEL = 'yunet';

let service: AccessService;
let admin: Member;
let stranger: string;
const ids = new Map<string, string>();

function ofFirstRelease(action: string): NewAuditRecord {
  return {
    at: Date.now(),
    accountId: service.accountId,
    actor: { kind: 'key', id: 'key_of_old' },
    action,
    target: 'user-1',
    result: 'ok',
    address: null,
    requestId: null,
    count: 1,
  };
}

const entry = (action: string, more: Partial<NewAuditRecord>): NewAuditRecord => {
  return { ...ofFirstRelease(action), target: null, environment: 'live', collectionId: null, ...more };
};

async function keyId(name: string, limits: Partial<NewApiKeyRequest>): Promise<string> {
  const { id } = await service.key({ name, ...limits });
  ids.set(name, id);
  return id;
}

before(async () => {
  service = await AccessService.open();
  admin = await service.member('admin');
  stranger = (await service.stranger()).accountId;
  const { store, accountId } = service;
  const face = (externalKey: string) => store.audit.pseudonym(accountId, externalKey);
  const narrow = await keyId('narrow', { collectionId: 'staff', allowedExternalKeys: ['user-1'] });
  const modelled = await keyId('modelled', { allowedModels: [MODEL] });
  const foreign = (await service.key({ accountId: stranger, allowedExternalKeys: ['user-1'] })).id;
  await store.audit.append([
    entry('staff', { collectionId: 'staff' }),
    entry('guests', { collectionId: 'guests' }),
    entry('test-staff', { collectionId: 'staff', environment: 'test' }),
    entry('account', { environment: null }),
    entry('live', {}),
    entry('test', { environment: 'test' }),
    ofFirstRelease('old'),
    entry('face-1', { collectionId: 'staff', target: face('user-1') }),
    entry('face-2', { collectionId: 'staff', target: face('user-2') }),
    entry('face-1-guests', { collectionId: 'guests', target: face('user-1') }),
    entry('face-1-test', { collectionId: 'staff', target: face('user-1'), environment: 'test' }),
    entry('by-narrow', { collectionId: 'staff', actor: { kind: 'key', id: narrow } }),
    entry('by-modelled', { actor: { kind: 'key', id: modelled } }),
    entry('api-key.of-narrow', { collectionId: 'staff', target: narrow }),
    entry('api-key.of-foreign', { collectionId: 'staff', target: foreign }),
    entry('plain-narrow', { target: narrow }),
    entry('stranger', { accountId: stranger, collectionId: 'staff' }),
    entry('stranger-face', { accountId: stranger, target: store.audit.pseudonym(stranger, 'user-1') }),
  ]);
});
after(async () => {
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

async function actions(credential: string, query = ''): Promise<string[]> {
  const { status, body } = await service.call(credential, 'GET', `/v1/audit?limit=1000${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return (body.entries as { action: string }[]).map(({ action }) => action).sort();
}

const LIVE = [
  'account',
  'api-key.of-foreign',
  'api-key.of-narrow',
  'by-modelled',
  'by-narrow',
  'face-1',
  'face-1-guests',
  'face-2',
  'guests',
  'live',
  'old',
  'plain-narrow',
  'staff',
];
const TEST = ['face-1-test', 'test', 'test-staff'];

const KINDS: readonly (readonly [name: string, limits: Partial<NewApiKeyRequest>, sees: string[]])[] = [
  ['without bounds', {}, LIVE],
  ['of the test environment', { environment: 'test' }, TEST],
  [
    'bound to a collection',
    { collectionId: 'staff' },
    ['api-key.of-foreign', 'api-key.of-narrow', 'by-narrow', 'face-1', 'face-2', 'staff'],
  ],
  ['bound to a collection without entries', { collectionId: 'nowhere' }, []],
  [
    'bound to a collection of the test environment',
    { collectionId: 'staff', environment: 'test' },
    ['face-1-test', 'test-staff'],
  ],
  [
    'bound to faces',
    { allowedExternalKeys: ['user-1', 'user-9'] },
    ['api-key.of-narrow', 'by-narrow', 'face-1', 'face-1-guests'],
  ],
  ['bound to no face', { allowedExternalKeys: [] }, []],
  [
    'bound to faces of the test environment',
    { allowedExternalKeys: ['user-1'], environment: 'test' },
    ['face-1-test'],
  ],
  [
    'bound to a collection and faces',
    { collectionId: 'staff', allowedExternalKeys: ['user-1'] },
    ['api-key.of-narrow', 'by-narrow', 'face-1'],
  ],
  ['bound to models', { allowedModels: [MODEL] }, ['by-modelled']],
  ['bound to models and faces', { allowedModels: [MODEL], allowedExternalKeys: ['user-1'] }, []],
];

describe('The audit log shows', () => {
  for (const [name, limits, sees] of KINDS) {
    test(`an API key ${name} what is within its bounds`, async () => {
      const { key } = await service.key({ scopes: ['v1:audit'], ...limits });
      assert.deepEqual(await actions(key), sees);
    });
  }

  test('a member everything of the account', async () => {
    assert.deepEqual(await actions(await service.token(admin)), [...LIVE, ...TEST].sort());
  });

  test('entries about an external key to those who ask with it, within their bounds', async () => {
    const token = await service.token(admin);
    assert.deepEqual(await actions(token, '&target=user-1'), [
      'face-1',
      'face-1-guests',
      'face-1-test',
      'old',
    ]);
    const { key } = await service.key({ scopes: ['v1:audit'], allowedExternalKeys: ['user-1'] });
    assert.deepEqual(await actions(key, '&target=user-1'), ['face-1', 'face-1-guests']);
    assert.deepEqual(await actions(key, '&target=user-2'), []);
  });

  test('a bounded key its own acts and its own refusals', async () => {
    const { key, id } = await service.key({ collectionId: 'lobby', scopes: ['v1:audit', 'v1:collections'] });
    const made = await service.call(key, 'POST', '/v1/collection/create', { collectionId: 'lobby' });
    assert.equal(made.status, 200);
    const denied = await service.call(key, 'GET', '/v1/billing/balance');
    assert.equal(denied.status, 403);
    await service.audit.flush();
    const { body } = await service.call(key, 'GET', '/v1/audit');
    assert.deepEqual(
      body.entries.map((each: Record<string, unknown>) => [each.action, each.environment, each.collectionId]),
      [
        ['getBalance', 'live', 'lobby'],
        ['collection.create', 'live', 'lobby'],
      ],
    );
    assert.ok(body.entries.every((each: { actor: { id: string } }) => each.actor.id === id));
  });

  test('a live key nothing of what a member does to test keys, and a test key that', async () => {
    const token = await service.token(admin);
    const body = { name: 'made', environment: 'test', collection_id: 'staff' };
    const made = await service.call(token, 'POST', '/v1/auth/api-keys', body);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const path = `/v1/auth/api-keys/${made.body.id}`;
    assert.equal((await service.call(token, 'PATCH', path, { name: 'again' })).status, 200);
    assert.equal((await service.call(token, 'POST', `${path}/regenerate`)).status, 200);
    assert.equal((await service.call(token, 'DELETE', path)).status, 204);
    const about = `&target=${made.body.id}`;
    const live = await service.key({ scopes: ['v1:audit'] });
    assert.deepEqual(await actions(live.key, about), []);
    for (const collectionId of [null, 'staff']) {
      const { key } = await service.key({ environment: 'test', scopes: ['v1:audit'], collectionId });
      assert.deepEqual(await actions(key, about), [
        'api-key.change',
        'api-key.create',
        'api-key.regenerate',
        'api-key.revoke',
      ]);
    }
  });
});
