import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Access, Route } from '../../src/api/route.ts';
import type { Member } from '../../src/store/records.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';

const ANYONE: Access = { by: 'anyone' };
const COLLECTIONS: Access = { by: 'caller', scope: 'v1:collections' };
const READING: Access = { by: 'caller', scope: 'v1:collections', readsOwn: true };
const FACES: Access = { by: 'caller', scope: 'v1:faces' };
const EXTERNAL_KEYS: Access = { by: 'caller', scope: 'v1:external-keys' };
const EVENTS: Access = { by: 'caller', scope: 'v1:events' };
const API_KEYS: Access = { by: 'member-or-key', role: 'member', scope: 'v1:api-keys' };
const BILLING: Access = { by: 'member-or-key', role: 'admin', scope: 'v1:billing' };
const MEMBER: Access = { by: 'member', role: 'member' };
const ADMIN: Access = { by: 'member', role: 'admin' };
const APPLIANCE: Access = { by: 'member', role: 'admin', appliance: true };

const DECISIONS: Readonly<Record<string, Access>> = {
  healthz: ANYONE,
  livez: ANYONE,
  readyz: ANYONE,
  getTokenKeys: ANYONE,
  getSetup: ANYONE,
  registerEmail: ANYONE,
  login: ANYONE,
  refresh: ANYONE,
  logout: MEMBER,
  changePassword: MEMBER,
  getMe: MEMBER,
  confirmPassword: MEMBER,
  listMembers: ADMIN,
  inviteMember: ADMIN,
  changeMember: ADMIN,
  removeMember: MEMBER,
  getToken: { by: 'key', scope: null },
  utcNow: { by: 'caller', scope: null },
  listModels: { by: 'caller', scope: null },
  getCollection: READING,
  getAllCollections: READING,
  createCollection: COLLECTIONS,
  updateCollection: COLLECTIONS,
  resetCollection: COLLECTIONS,
  deleteCollection: COLLECTIONS,
  getExamination: COLLECTIONS,
  startExamination: COLLECTIONS,
  applyProposal: COLLECTIONS,
  undoProposal: COLLECTIONS,
  dismissFinding: COLLECTIONS,
  restoreFinding: COLLECTIONS,
  searchFace: FACES,
  indexFace: FACES,
  searchOrIndexFace: FACES,
  deleteFace: FACES,
  enrollFace: FACES,
  enrollFaces: FACES,
  verifyFace: FACES,
  identifyFace: FACES,
  detectFaces: FACES,
  checkLiveness: FACES,
  getFace: FACES,
  getFaceThumbnail: FACES,
  listFaces: FACES,
  listEvents: EVENTS,
  getEventCrop: EVENTS,
  streamEvents: EVENTS,
  getEventRecording: MEMBER,
  setEventRecording: ADMIN,
  reviewEvent: MEMBER,
  setExternalKey: EXTERNAL_KEYS,
  getFaceIds: EXTERNAL_KEYS,
  deleteExternalKey: EXTERNAL_KEYS,
  listExternalKeys: EXTERNAL_KEYS,
  renameExternalKey: EXTERNAL_KEYS,
  deleteFacesOfKeys: FACES,
  deleteFaces: FACES,
  searchByFaceId: FACES,
  recognizeFaces: FACES,
  createApiKey: MEMBER,
  listApiKeys: API_KEYS,
  getApiKey: API_KEYS,
  changeApiKey: API_KEYS,
  revokeApiKey: API_KEYS,
  regenerateApiKey: API_KEYS,
  getScopes: API_KEYS,
  getBalance: BILLING,
  topUp: { by: 'member', role: 'owner' },
  getUsage: BILLING,
  listAudit: { by: 'member-or-key', role: 'admin', scope: 'v1:audit' },
  getSettings: APPLIANCE,
  getSystem: APPLIANCE,
  getSystemHistory: APPLIANCE,
  startBackup: APPLIANCE,
  getBackup: APPLIANCE,
  getDiagnosis: APPLIANCE,
};

const ROLES = ['member', 'admin', 'owner'] as const;
const COLLECTION = 'people';

let service: AccessService;
let stranger: { owner: Member; key: string };
const members = new Map<string, Member>();
before(async () => {
  service = await AccessService.open();
  const owner = await service.stranger();
  stranger = { owner, key: (await service.key({ accountId: owner.accountId })).key };
  await service.member('owner');
  for (const role of ROLES) members.set(role, await service.member(role));
  const { key } = await service.key();
  assert.equal(
    (await service.call(key, 'POST', '/v1/collection/create', { collectionId: COLLECTION })).status,
    200,
  );
});
after(async () => {
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

interface Kind {
  readonly name: string;
  credential(): Promise<string | null>;
  refusal(access: Exclude<Access, { by: 'anyone' }>): string | null;
}

const membersOnly = (access: Access, else_: string | null) =>
  access.by === 'member' ? 'PERMISSION_DENIED' : else_;
const keyOf = (limits: Parameters<AccessService['key']>[0]) => async () => (await service.key(limits)).key;

function memberKind(role: (typeof ROLES)[number]): Kind {
  return {
    name: `a member with the role ${role}`,
    credential: async () => service.token(members.get(role) as Member),
    refusal: (access) => {
      if (access.by === 'key') return 'AUTHENTICATION_REQUIRED';
      if (access.by === 'caller') return null;
      return ROLES.indexOf(role) >= ROLES.indexOf(access.role) ? null : 'PERMISSION_DENIED';
    },
  };
}

const KINDS: readonly Kind[] = [
  { name: 'nobody', credential: async () => null, refusal: () => 'AUTHENTICATION_REQUIRED' },
  {
    name: 'a wrong key',
    credential: async () => `fr_live_${'0'.repeat(32)}`,
    refusal: () => 'INVALID_API_KEY',
  },
  { name: 'no key at all', credential: async () => 'let-me-in', refusal: () => 'INVALID_API_KEY' },
  {
    name: 'a wrong token',
    credential: async () => 'eyJhbGciOiJub25lIn0.e30.',
    refusal: () => 'TOKEN_INVALID',
  },
  { name: 'an expired key', credential: keyOf({ expiresAt: 1 }), refusal: () => 'API_KEY_EXPIRED' },
  {
    name: 'a revoked key',
    credential: async () => {
      const { id, key } = await service.key();
      await service.store.apiKeys.remove(id);
      return key;
    },
    refusal: () => 'INVALID_API_KEY',
  },
  { name: 'a frozen key', credential: keyOf({ frozen: true }), refusal: () => 'INSUFFICIENT_CREDITS' },
  {
    name: 'a key from elsewhere',
    credential: keyOf({ allowedIps: ['192.0.2.1'] }),
    refusal: () => 'IP_NOT_ALLOWED',
  },
  {
    name: 'a key without the scope',
    credential: async () => null,
    refusal: (access) => membersOnly(access, 'SCOPE_DENIED'),
  },
  { name: 'a key of the operator', credential: keyOf({}), refusal: (access) => membersOnly(access, null) },
  {
    name: 'a key of a mere member',
    credential: async () => (await service.key({ memberId: members.get('member')?.memberId ?? null })).key,
    refusal: (access) => {
      const needsMore = access.by === 'member-or-key' && access.role !== 'member';
      return needsMore ? 'PERMISSION_DENIED' : membersOnly(access, null);
    },
  },
  {
    name: 'a token of a key',
    credential: async () =>
      (await service.call((await service.key()).key, 'GET', '/v1/token/get')).body.token,
    refusal: (access) => (access.by === 'key' ? 'AUTHENTICATION_REQUIRED' : membersOnly(access, null)),
  },
  ...ROLES.map(memberKind),
  {
    name: 'an owner of another account',
    credential: async () => service.token(stranger.owner),
    refusal: (access) => {
      if (access.by === 'key') return 'AUTHENTICATION_REQUIRED';
      return access.by === 'member' && access.appliance ? 'PERMISSION_DENIED' : null;
    },
  },
];

function otherScopes(access: Access): string[] {
  const all = [
    'v1:collections',
    'v1:faces',
    'v1:external-keys',
    'v1:events',
    'v1:api-keys',
    'v1:billing',
    'v1:audit',
  ];
  return all.filter((scope) => !('scope' in access) || access.scope !== scope);
}

const REFUSALS =
  /^(AUTHENTICATION_REQUIRED|\w*API_KEY\w*|TOKEN_\w+|INSUFFICIENT_CREDITS|IP_NOT_ALLOWED|SCOPE_DENIED|PERMISSION_DENIED|RATE_LIMIT_EXCEEDED)$/;

function pathOf({ path }: Route, id?: string): string {
  const none = `${path.includes('member') ? 'mem' : 'key'}_${'0'.repeat(26)}`;
  return path.replace('{id}', id ?? none);
}

async function codeOf(route: Route, credential: string | null): Promise<string | undefined> {
  const hasBody = route.body !== undefined || route.images !== undefined;
  const { body } = await service.call(credential, route.method, pathOf(route), hasBody ? {} : undefined);
  return body.code;
}

function sampleOf(route: Route): { target: string; json: Record<string, unknown> | undefined } {
  const exampleOf = (schema: Route['query']) => {
    const properties = (schema?.properties ?? {}) as Record<string, { examples?: unknown[] }>;
    const required = (schema?.required ?? []) as string[];
    const values = required.map((name) => [
      name,
      name === 'collectionId' ? COLLECTION : properties[name]?.examples?.[0],
    ]);
    return Object.fromEntries(values) as Record<string, unknown>;
  };
  const query = new URLSearchParams(exampleOf(route.query) as Record<string, string>);
  const image = { bytes: 'AAAA' };
  const beside: Record<string, object> = {
    verifyFace: { collectionId: COLLECTION, faceId: 'face_x' },
    enrollFaces: { faces: [{ image, externalKey: 'x' }] },
  };
  if (route.operationId === 'deleteFace') query.set('faceId', 'face_x');
  if (['listEvents', 'streamEvents'].includes(route.operationId)) query.set('collectionId', COLLECTION);
  const json = route.images
    ? {
        ...exampleOf(route.body),
        ...(route.images.faces ? {} : { image }),
        ...beside[route.operationId],
      }
    : route.body && exampleOf(route.body);
  return { target: `${route.path}${query.size > 0 ? `?${query}` : ''}`, json };
}

function takesCollection(route: Route): boolean {
  return [route.query, route.body].some((schema) =>
    Object.hasOwn((schema?.properties ?? {}) as object, 'collectionId'),
  );
}

describe('Every route', () => {
  test('has a decision of who may call it, and no decision is about nothing', () => {
    const table = Object.fromEntries(service.routes.map(({ operationId, access }) => [operationId, access]));
    assert.deepEqual(table, DECISIONS);
  });

  test('that is for anyone asks for nothing and looks at no credential', async () => {
    for (const route of service.routes.filter(({ operationId }) => DECISIONS[operationId]?.by === 'anyone')) {
      for (const credential of [null, 'let-me-in', (await service.key({ expiresAt: 1 })).key]) {
        if (credential !== null && route.path.startsWith('/auth/')) continue;
        const code = await codeOf(route, credential);
        assert.ok(
          code === undefined || !REFUSALS.test(code) || route.path === '/auth/refresh',
          `${route.path} ${code}`,
        );
      }
    }
  });

  for (const kind of KINDS) {
    test(`lets in or refuses ${kind.name} as decided`, async () => {
      for (const route of service.routes) {
        const access = DECISIONS[route.operationId];
        if (!access || access.by === 'anyone') continue;
        const lacksScope = kind.name === 'a key without the scope';
        if (lacksScope && 'scope' in access && access.scope === null) continue;
        const credential = lacksScope
          ? (await service.key({ scopes: otherScopes(access) })).key
          : await kind.credential();
        const expected = kind.refusal(access);
        const code = await codeOf(route, credential);
        const what = `${route.method} ${route.path} by ${kind.name}: ${code}`;
        if (expected !== null) assert.equal(code, expected, what);
        else assert.ok(code === undefined || !REFUSALS.test(code), what);
      }
    });
  }

  test('with a collection refuses a key that is bound to another one, and hides what is another account’s', async () => {
    const bound = (
      await service.key({ collectionId: 'others', scopes: ['v1:*', 'v1:collections', 'v1:events'] })
    ).key;
    const test_ = (await service.key({ environment: 'test' })).key;
    const routes = service.routes.filter((route) => takesCollection(route));
    assert.equal(routes.length, 33);
    for (const route of routes) {
      const { target, json } = sampleOf(route);
      const code = async (credential: string) =>
        (await service.call(credential, route.method, target, json)).body.code;
      assert.equal(await code(bound), 'COLLECTION_NOT_ALLOWED', route.path);
      if (['createCollection', 'deleteCollection'].includes(route.operationId)) continue;
      assert.equal(await code(stranger.key), 'COLLECTION_NOT_FOUND', route.path);
      assert.equal(await code(test_), 'COLLECTION_NOT_FOUND', route.path);
    }
    await service.call(stranger.key, 'DELETE', `/v1/collection/delete?collectionId=${COLLECTION}`);
    const { key } = await service.key();
    assert.equal(
      (await service.call(key, 'GET', `/v1/collection/get?collectionId=${COLLECTION}`)).status,
      200,
    );
  });

  test('with an id answers another account as if there were none', async () => {
    const key = await service.key();
    const member = await service.member('member');
    const token = await service.token(stranger.owner);
    const routes = service.routes.filter(({ path }) => path.includes('{id}'));
    assert.equal(routes.length, 6);
    for (const route of routes) {
      const isMember = route.path.includes('member');
      const json = route.operationId === 'changeMember' ? { role: 'admin' } : route.body ? {} : undefined;
      const target = pathOf(route, isMember ? member.memberId : key.id);
      for (const credential of [token, ...(isMember ? [] : [stranger.key])]) {
        const { status, body } = await service.call(credential, route.method, target, json);
        assert.deepEqual([status, body.code], [404, 'NOT_FOUND'], `${route.method} ${target}`);
      }
    }
    assert.ok(service.store.apiKeys.byId(key.id));
    assert.ok(service.store.members.get(service.accountId, member.memberId));
  });
});
