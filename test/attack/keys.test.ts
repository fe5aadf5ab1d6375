import { after, before, describe } from 'node:test';
import type { NewApiKeyRequest } from '../../src/access/keys/api-keys.ts';
import type { Route } from '../../src/api/route.ts';
import type { Member } from '../../src/store/records.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { attack, isFull } from '../../testing/attack.ts';

const KEYS = '/v1/auth/api-keys';
const NO_ID = `key_${'0'.repeat(26)}`;

let service: AccessService;
let owner: string;
before(async () => {
  service = await AccessService.open();
  owner = await service.token(await service.member('owner'));
  const { key } = await service.key();
  for (const collectionId of ['staff', 'guests']) {
    await service.call(key, 'POST', '/v1/collection/create', { collectionId });
  }
});
after(async () => {
  await service.close();
  await closeShared();
});

type Limits = Partial<NewApiKeyRequest>;

const PARTS: readonly Limits[] = [
  { collectionId: 'staff' },
  { allowedExternalKeys: ['alice'] },
  { allowedModels: ['yunet'] },
  { collectionId: 'staff', allowedExternalKeys: ['alice'] },
  { collectionId: 'staff', allowedModels: ['yunet'] },
  { allowedExternalKeys: ['alice'], allowedModels: ['yunet'] },
  { collectionId: 'staff', allowedExternalKeys: ['alice'], allowedModels: ['yunet'] },
  { collectionId: 'staff', environment: 'test' },
];
const parts = isFull ? PARTS : PARTS.slice(0, 4);

const remove = ({ memberId }: Member) => service.call(owner, 'DELETE', `/v1/auth/members/${memberId}`);

async function knock(credential: string, route: Route): Promise<number> {
  const hasBody = route.body !== undefined || route.images !== undefined;
  const target = route.path.replace('{id}', NO_ID);
  return (await service.call(credential, route.method, target, hasBody ? {} : undefined)).status;
}

describe('A member who was removed', () => {
  attack('opens no route with a key or a token that was made before', async (tally) => {
    for (const role of ['member', 'admin', 'owner'] as const) {
      const member = await service.member(role);
      const { memberId } = member;
      const { key } = await service.key({ memberId });
      const token = (await service.call(key, 'GET', '/v1/token/get?expirationInSeconds=3600')).body.token;
      await remove(member);
      for (const route of service.routes) {
        if (route.access.by === 'anyone') continue;
        for (const credential of [key, token]) {
          const status = await knock(credential, route);
          tally.attempt(`${role}: ${route.method} ${route.path}: ${status}`, status !== 401);
        }
      }
    }
  });

  attack(
    'brings no key back: not by itself, by another key of theirs, or by an accomplice',
    async (tally) => {
      const [first, second] = [await service.member('admin'), await service.member('admin')];
      const own = await service.key({ memberId: first.memberId });
      const sibling = await service.key({ memberId: first.memberId });
      const accomplice = await service.member('member');
      const helpers = [
        own.key,
        sibling.key,
        (await service.key({ memberId: accomplice.memberId })).key,
        (await service.key({ scopes: ['v1:api-keys'] })).key,
        (await service.key({ collectionId: 'staff', scopes: ['v1:*', 'v1:api-keys'] })).key,
        await service.token(accomplice),
      ];
      await remove(first);
      const bodies = [first, second, accomplice].map(({ memberId }) => ({ member_id: memberId }));
      for (const helper of helpers) {
        for (const json of [...bodies, { frozen: false }, { scopes: null }]) {
          await service.call(helper, 'PATCH', `${KEYS}/${own.id}`, json);
          const { status } = await service.call(own.key, 'GET', '/v1/collection/get-all');
          tally.attempt(`PATCH ${JSON.stringify(json)}`, status !== 401);
        }
        const { body } = await service.call(helper, 'POST', `${KEYS}/${own.id}/regenerate`);
        const { status } = await service.call(body.key ?? own.key, 'GET', '/v1/collection/get-all');
        tally.attempt('regenerate', status !== 401);
      }
    },
  );

  attack(
    'of whom requests are under way gets no answer to those that begin after the removal',
    async (tally) => {
      for (let round = 0; round < (isFull ? 50 : 5); round++) {
        const member = await service.member('admin');
        const { key } = await service.key({ memberId: member.memberId });
        let isRemoved = false;
        const clients = Array.from({ length: 8 }, async () => {
          for (let after = 0; after < 3; ) {
            const begunAfter = isRemoved;
            const { status } = await service.call(key, 'GET', KEYS);
            if (!begunAfter) continue;
            after++;
            tally.attempt(`answered ${status} after the removal`, status === 200);
          }
        });
        await remove(member);
        isRemoved = true;
        await Promise.all(clients);
      }
    },
  );
});

describe('A member who was demoted', () => {
  attack('reaches with a key nothing that the member does not reach', async (tally) => {
    const admin = await service.member('admin');
    const { memberId } = admin;
    const { key } = await service.key({ memberId });
    const others = [
      await service.key(),
      await service.key({ memberId: (await service.member('admin')).memberId }),
    ];
    await service.call(owner, 'PATCH', `/v1/auth/members/${memberId}`, { role: 'member' });
    for (const target of ['/v1/audit', '/v1/billing/balance', '/v1/billing/usage']) {
      tally.attempt(target, (await service.call(key, 'GET', target)).status === 200);
    }
    for (const { id } of others) {
      const attempts = [
        ['GET', ''],
        ['PATCH', ''],
        ['POST', '/regenerate'],
        ['DELETE', ''],
      ] as const;
      for (const [method, suffix] of attempts) {
        const json = method === 'PATCH' ? { frozen: true } : undefined;
        const { status } = await service.call(key, method, `${KEYS}/${id}${suffix}`, json);
        tally.attempt(`${method} ${suffix}`, status < 300);
      }
    }
  });
});

const MANAGED = ['v1:collections', 'v1:api-keys', 'v1:billing', 'v1:audit'];
const READS_OWN = ['getCollection', 'getAllCollections'];

describe('A key to a part of an account', () => {
  attack('manages nothing by v1:*', async (tally) => {
    for (const limits of parts) {
      const { key, id } = await service.key(limits);
      for (const route of service.routes) {
        const { access } = route;
        const isManagement =
          access.by === 'member' || ('scope' in access && MANAGED.includes(access.scope ?? ''));
        if (!isManagement || READS_OWN.includes(route.operationId)) continue;
        const own = {
          ...route,
          path: route.path.replace('{id}', route.path.includes('api-keys') ? id : '{id}'),
        };
        const status = await knock(key, own);
        tally.attempt(`${JSON.stringify(limits)} ${route.method} ${route.path}: ${status}`, status !== 403);
      }
    }
  });

  const WIDER: readonly object[] = [
    { collection_id: null },
    { collection_id: 'guests' },
    { scopes: null },
    ...['v1:*', 'v1:collections', 'v1:billing', 'v1:audit'].map((scope) => ({
      scopes: ['v1:api-keys', scope],
    })),
    { allowed_face_ids: null },
    { allowed_face_ids: ['alice', 'bob'] },
    { allowed_llm_models: null },
    { allowed_llm_models: ['yunet', 'other'] },
    { allowed_ips: [] },
    { allowed_ips: ['0.0.0.0/0'] },
    { rate_limit: null },
    { rate_limit: 500 },
    { budget_usd: null },
    { budget_usd: 1000 },
    { reset_spent: true },
    { expires_in_days: null },
    { expires_in_days: 300 },
    { name: 'x', frozen: false, expires_in_days: 300 },
  ];

  attack('grants neither itself nor another key more than it has', async (tally) => {
    const held: Limits = {
      scopes: ['v1:api-keys', 'v1:faces'],
      allowedIps: ['127.0.0.0/8'],
      rateLimit: 400,
      budget: 1_000_000,
      expiresAt: Date.now() + 86_400_000,
    };
    const all: Limits = {
      collectionId: 'staff',
      allowedExternalKeys: ['alice'],
      allowedModels: ['yunet'],
    };
    for (const limits of isFull ? PARTS : [all]) {
      const bounds = { ...all, ...limits, ...held };
      const own = await service.key(bounds);
      const accomplice = await service.key(bounds);
      const frozen = await service.key({ ...all, ...limits, frozen: true });
      for (const { id } of [own, accomplice]) {
        for (const changes of WIDER) {
          const before = JSON.stringify(service.store.apiKeys.byId(id));
          const { status } = await service.call(own.key, 'PATCH', `${KEYS}/${id}`, changes);
          const isChanged = JSON.stringify(service.store.apiKeys.byId(id)) !== before;
          tally.attempt(JSON.stringify(changes), status === 200 || isChanged);
        }
      }
      for (const changes of [{ frozen: false }, { name: 'x', frozen: false }, { reset_spent: true }]) {
        const { status } = await service.call(own.key, 'PATCH', `${KEYS}/${frozen.id}`, changes);
        tally.attempt(`${JSON.stringify(changes)} of a key with more scopes`, status === 200);
      }
      const { status } = await service.call(own.key, 'POST', `${KEYS}/${frozen.id}/regenerate`);
      tally.attempt('regenerates a key with more scopes', status === 200);
    }
  });

  attack('does not learn of, freeze, narrow, regenerate or revoke keys beyond its part', async (tally) => {
    for (const limits of parts) {
      const { key } = await service.key({ ...limits, scopes: ['v1:*', ...MANAGED] });
      const environment = limits.environment ?? 'live';
      const beyond: readonly Limits[] = [
        { environment },
        { ...limits, environment: environment === 'live' ? 'test' : 'live' },
        ...(limits.collectionId ? [{ ...limits, collectionId: 'guests' }] : []),
        ...(limits.allowedExternalKeys ? [{ ...limits, allowedExternalKeys: ['alice', 'bob'] }] : []),
        ...(limits.allowedModels ? [{ ...limits, allowedModels: ['other'] }] : []),
      ];
      for (const other of beyond) {
        const { id } = await service.key({ ...other, name: 'SECRET-NAME' });
        for (const json of [{ frozen: true }, { scopes: ['v1:faces'] }, { name: 'n' }]) {
          const { status } = await service.call(key, 'PATCH', `${KEYS}/${id}`, json);
          tally.attempt(`PATCH ${JSON.stringify(json)} of ${JSON.stringify(other)}`, status < 300);
        }
        const path = `${KEYS}/${id}`;
        tally.attempt('GET', (await service.call(key, 'GET', path)).status < 300);
        tally.attempt('regenerate', (await service.call(key, 'POST', `${path}/regenerate`)).status < 300);
        tally.attempt('DELETE', (await service.call(key, 'DELETE', path)).status < 300);
        for (const list of [`${KEYS}?limit=1000`, '/v1/audit?limit=1000', '/v1/billing/usage?limit=1000']) {
          const answer = JSON.stringify((await service.call(key, 'GET', list)).body);
          tally.attempt(`${list} shows ${JSON.stringify(other)}`, answer.includes(id));
        }
      }
    }
  });

  attack('to some faces changes nothing that concerns other faces', async (tally) => {
    const { key } = await service.key({ allowedExternalKeys: ['alice'], scopes: ['v1:*', ...MANAGED] });
    const attempts: readonly [string, string, object?][] = [
      ['PUT', '/v1/collection/update', { collectionId: 'staff', minQuality: 100 }],
      ['PUT', '/v1/collection/update', { collectionId: 'staff', description: 'x' }],
      ['POST', '/v1/collection/create', { collectionId: 'mine' }],
      ['DELETE', '/v1/collection/reset?collectionId=staff'],
      ['DELETE', '/v1/collection/delete?collectionId=staff'],
      ['DELETE', '/v1/collection/delete?collectionId=none'],
    ];
    for (const [method, target, json] of attempts) {
      tally.attempt(`${method} ${target}`, (await service.call(key, method, target, json)).status < 300);
    }
  });
});

describe('A test key', () => {
  attack('sees no live data in any list', async (tally) => {
    const live = await service.key({ name: 'LIVE-NAME' });
    await service.call(live.key, 'POST', '/v1/collection/create', { collectionId: 'LIVE-COLLECTION' });
    await service.call(owner, 'POST', '/v1/billing/top-up', { amount_usd: 4321 });
    await service.call(live.key, 'GET', '/v1/collection/get-all');
    const { key } = await service.key({ environment: 'test', scopes: ['v1:*', ...MANAGED] });
    const marks = [live.id, 'LIVE-NAME', 'LIVE-COLLECTION', '4321'];
    for (const target of [
      '/v1/collection/get-all?limit=1000',
      '/v1/collection/get?collectionId=LIVE-COLLECTION',
      '/v1/face/list?collectionId=LIVE-COLLECTION',
      `${KEYS}?limit=1000`,
      `${KEYS}/${live.id}`,
      '/v1/billing/balance',
      '/v1/billing/usage?limit=1000',
      '/v1/audit?limit=1000',
      `/v1/audit?actor=${live.id}`,
    ]) {
      const { body } = await service.call(key, 'GET', target);
      const answer = JSON.stringify({ ...body, instance: null });
      for (const mark of marks) tally.attempt(`${target} shows ${mark}`, answer.includes(mark));
    }
  });
});
