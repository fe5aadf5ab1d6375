import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { NewApiKey, NewApiKeyRequest } from '../../src/access/keys/api-keys.ts';
import type { Environment } from '../../src/api/caller.ts';
import type { Route } from '../../src/api/route.ts';
import { NO_DURATIONS } from '../../src/base/durations.ts';
import type { ApiKeyRecord } from '../../src/store/records.ts';
import { AccessService, closeShared, type Said } from '../../testing/access-service.ts';
import { keyCaller } from '../../testing/key-caller.ts';

const PACK = { pack: 'yunet', packVersion: '1' };
const OTHER_PACK = { pack: 'other', packVersion: '1' };
const COLLECTIONS = { staff: PACK, guests: PACK, foreign: OTHER_PACK };
type Name = keyof typeof COLLECTIONS;
const NAMES = Object.keys(COLLECTIONS) as Name[];
const ENVIRONMENTS: readonly Environment[] = ['live', 'test'];

type Bounds = Pick<ApiKeyRecord, 'collectionId' | 'allowedExternalKeys' | 'allowedModels'>;
const OWN: Bounds = { collectionId: 'staff', allowedExternalKeys: ['alice'], allowedModels: ['yunet'] };
const OTHER: Bounds = { collectionId: 'guests', allowedExternalKeys: ['bob'], allowedModels: ['other'] };
const WIDER: Bounds = {
  collectionId: null,
  allowedExternalKeys: ['alice', 'bob'],
  allowedModels: ['yunet', 'other'],
};
const NONE: Bounds = { collectionId: null, allowedExternalKeys: null, allowedModels: null };
const DIMENSIONS = Object.keys(NONE) as (keyof Bounds)[];

interface Kind extends Bounds {
  readonly name: string;
  readonly environment: Environment;
}

const KINDS: readonly Kind[] = ENVIRONMENTS.flatMap((environment) =>
  Array.from({ length: 2 ** DIMENSIONS.length }, (_, subset) => {
    const held = DIMENSIONS.filter((_, bit) => (subset >> bit) & 1);
    const bounds = Object.fromEntries(held.map((dimension) => [dimension, OWN[dimension]]));
    const name = `a ${environment} key limited by ${held.join(', ') || 'nothing'}`;
    return { ...NONE, ...bounds, name, environment };
  }),
);

const isLimited = (kind: Bounds) => DIMENSIONS.some((dimension) => kind[dimension] !== null);

function isWithin(inner: Bounds & { environment: Environment }, outer: Kind): boolean {
  const isSubset = (some: readonly string[] | null, all: readonly string[] | null) =>
    all === null || some?.every((each) => all.includes(each)) === true;
  return (
    inner.environment === outer.environment &&
    (outer.collectionId === null || outer.collectionId === inner.collectionId) &&
    isSubset(inner.allowedExternalKeys, outer.allowedExternalKeys) &&
    isSubset(inner.allowedModels, outer.allowedModels)
  );
}

let service: AccessService;
const subjects: NewApiKey[] = [];
before(async () => {
  service = await AccessService.open();
  await restoreCollections();
  const admin = await service.token(await service.member('admin'));
  const limits = ENVIRONMENTS.flatMap((environment) =>
    [
      NONE,
      ...[OWN, OTHER, WIDER].flatMap((bounds) => [
        bounds,
        ...DIMENSIONS.map((dimension) => ({ ...NONE, [dimension]: bounds[dimension] })),
        ...DIMENSIONS.map((dimension) => ({ ...OWN, [dimension]: bounds[dimension] })),
      ]),
    ].map((bounds) => ({ ...bounds, environment })),
  );
  for (const limit of limits) subjects.push(await service.key(limit));
  const day = new Date().toISOString().slice(0, 10);
  const { accountId } = service;
  for (const { id, environment } of subjects) {
    await service.call(admin, 'PATCH', `/v1/auth/api-keys/${id}`, { name: `name of ${id}` });
    await service.store.audit.append([entryOf({ actor: { kind: 'key', id }, environment })]);
    await service.store.credits.countCalls([
      {
        ...{ accountId, day, hour: 0, keyId: id, environment, operation: 'searchFace' },
        ...{ calls: 1, failures: 0, latency: NO_DURATIONS },
      },
    ]);
  }
  for (const environment of ENVIRONMENTS) {
    for (const collectionId of NAMES) {
      for (const externalKey of ['alice', 'bob']) {
        const target = service.store.audit.pseudonym(accountId, externalKey);
        await service.store.audit.append([entryOf({ environment, collectionId, target })]);
      }
    }
  }
  await recordEvents();
});
after(async () => {
  assert.deepEqual(service.store.check(), []);
  await service.close();
  await closeShared();
});

async function recordEvents(): Promise<void> {
  const { accountId, store, events } = service;
  for (const environment of ENVIRONMENTS) {
    for (const collectionId of NAMES) {
      const gallery = store.collections.get({ accountId, environment }, collectionId)?.gallery;
      for (const externalKey of ['alice', 'bob', null]) {
        const refused = { type: 'enroll', result: 'refused', operation: 'enrollFace' } as const;
        const caller = keyCaller(accountId, { environment });
        events.record(caller, { ...refused, collectionId, gallery, externalKey, source: environment });
      }
    }
  }
  await events.flush();
}

function checkEvents(kind: Kind, { body }: Said): void {
  const seen = body.events as { collectionId: Name; externalKey: string | null; source: Environment }[];
  assert.ok(kind.allowedExternalKeys !== null || seen.length > 0);
  for (const { collectionId, externalKey, source } of seen) {
    assert.equal(source, kind.environment);
    assert.ok(kind.collectionId === null || collectionId === kind.collectionId);
    assert.ok(kind.allowedExternalKeys === null || externalKey === 'alice');
    assert.ok(kind.allowedModels === null || COLLECTIONS[collectionId] === PACK);
  }
}

type NewEntry = Parameters<AccessService['store']['audit']['append']>[0][number];

function entryOf(entry: Partial<NewEntry>): NewEntry {
  return {
    at: Date.now(),
    accountId: service.accountId,
    actor: { kind: 'operator', id: null },
    action: 'external-key.set',
    target: null,
    result: 'ok',
    address: null,
    requestId: null,
    count: 1,
    environment: null,
    collectionId: null,
    ...entry,
  };
}

async function restoreCollections(): Promise<void> {
  for (const environment of ENVIRONMENTS) {
    const owner = { accountId: service.accountId, environment };
    for (const collectionId of NAMES) {
      const found = service.store.collections.get(owner, collectionId);
      const pack = COLLECTIONS[collectionId];
      if (found?.pack === pack.pack) continue;
      if (found) await service.store.collections.delete(owner, collectionId);
      const made = { collectionId, description: null, now: Date.now(), ...pack };
      await service.store.collections.create(owner, made);
    }
  }
}

interface Probe {
  readonly target: string;
  readonly json?: unknown;
  readonly refusal: string | null;
  readonly check?: (said: Said) => void;
}

const about = (id: Name) => `?collectionId=${id}`;

function readRefusal(kind: Kind, name: Name): string | null {
  if (kind.collectionId !== null && kind.collectionId !== name) return 'COLLECTION_NOT_ALLOWED';
  return kind.allowedModels?.includes(COLLECTIONS[name].pack) === false ? 'MODEL_NOT_ALLOWED' : null;
}

const writeRefusal = (kind: Kind, name: Name): string | null =>
  readRefusal(kind, name) ?? (kind.allowedExternalKeys === null ? null : 'FACE_NOT_ALLOWED');

const onCollections = (path: string, refusal: typeof readRefusal) => (kind: Kind) =>
  NAMES.map((name) => ({ target: `${path}${about(name)}`, refusal: refusal(kind, name) }));

const onFinding = (what: string) => (kind: Kind) =>
  NAMES.map((collectionId) => ({
    target: `/v1/collection/examine/${what}`,
    json: { collectionId, findingId: `fnd_${'0'.repeat(26)}` },
    refusal: writeRefusal(kind, collectionId) ?? 'NOT_FOUND',
  }));

const onKeys =
  (suffix = '', json?: unknown, isFor: (subject: NewApiKey, kind: Kind) => boolean = () => true) =>
  (kind: Kind): Probe[] =>
    subjects
      .filter((subject) => isFor(subject, kind))
      .map((subject) => ({
        target: `/v1/auth/api-keys/${subject.id}${suffix}`,
        ...(json === undefined ? {} : { json }),
        refusal: isWithin(subject, kind) ? null : 'NOT_FOUND',
      }));

const lists =
  (expected: () => readonly string[], listed: (said: Said) => readonly string[]) => (said: Said) =>
    assert.deepEqual([...listed(said)].sort(), [...new Set(expected())].sort());

const keysWithin = (kind: Kind) =>
  [...service.store.apiKeys.all()].filter((record) => isWithin(record, kind)).map(({ id }) => id);

interface Entry {
  readonly actor: { readonly kind: string; readonly id: string | null };
  readonly action: string;
  readonly target: string | null;
  readonly environment: Environment | null;
  readonly collectionId: string | null;
}

/** Checks each audit entry against the limits; at least one must be visible. */
function checkAudit(kind: Kind, { body }: Said): void {
  const entries = body.entries as Entry[];
  assert.ok(entries.length > 0);
  const alice = service.store.audit.pseudonym(service.accountId, 'alice');
  const within = new Set(keysWithin(kind));
  for (const entry of entries) {
    const what = JSON.stringify(entry);
    if (kind.environment === 'test') assert.equal(entry.environment, 'test', what);
    else assert.notEqual(entry.environment, 'test', what);
    if (!isLimited(kind)) continue;
    assert.equal(entry.environment, kind.environment, what);
    if (kind.collectionId !== null) assert.equal(entry.collectionId, kind.collectionId, what);
    if (kind.allowedExternalKeys === null && kind.allowedModels === null) continue;
    const isOwnFace = kind.allowedModels === null && entry.target === alice;
    const concerned = [entry.actor.id, entry.target].some((id) => id !== null && within.has(id));
    assert.ok(isOwnFace || concerned, what);
  }
}

function checkUsage(kind: Kind, body: { usage: { key_id: string }[] }): void {
  const seen = new Set(body.usage.map(({ key_id }) => key_id));
  const counted = new Set(subjects.map(({ id }) => id));
  const within = keysWithin(kind);
  for (const id of seen) assert.ok(within.includes(id), id);
  for (const id of within) if (counted.has(id)) assert.ok(seen.has(id), id);
}

const membersOnly = (_: Kind, route: Route): Probe[] => [
  {
    target: route.path.replace('{id}', `mem_${'0'.repeat(26)}`),
    ...(route.body ? { json: {} } : {}),
    refusal: 'PERMISSION_DENIED',
  },
];

const RULES: Readonly<Record<string, (kind: Kind, route: Route) => Probe[]>> = {
  getCollection: onCollections('/v1/collection/get', readRefusal),
  getAllCollections: (kind) => [
    {
      target: '/v1/collection/get-all',
      refusal: null,
      check: lists(
        () => NAMES.filter((name) => readRefusal(kind, name) === null),
        ({ body }) => body.collections.map(({ collectionId }: { collectionId: string }) => collectionId),
      ),
    },
  ],
  createCollection: (kind) => [
    ...NAMES.map((collectionId) => {
      const isOther = kind.collectionId !== null && kind.collectionId !== collectionId;
      const refusal = kind.allowedExternalKeys === null ? null : 'FACE_NOT_ALLOWED';
      const json = { collectionId };
      return { target: '/v1/collection/create', json, refusal: isOther ? 'COLLECTION_NOT_ALLOWED' : refusal };
    }),
    ...(kind.allowedModels === null || kind.allowedExternalKeys !== null
      ? []
      : [
          {
            target: '/v1/collection/create',
            json: { collectionId: 'staff', model: 'other' },
            refusal: 'MODEL_NOT_ALLOWED',
          },
        ]),
  ],
  updateCollection: (kind) =>
    NAMES.map((collectionId) => ({
      target: '/v1/collection/update',
      json: { collectionId, minQuality: 1 },
      refusal: writeRefusal(kind, collectionId),
    })),
  resetCollection: onCollections('/v1/collection/reset', writeRefusal),
  deleteCollection: onCollections('/v1/collection/delete', writeRefusal),
  getExamination: onCollections('/v1/collection/examine', writeRefusal),
  startExamination: (kind) =>
    NAMES.map((collectionId) => ({
      target: '/v1/collection/examine',
      json: { collectionId },
      refusal: writeRefusal(kind, collectionId),
    })),
  applyProposal: onFinding('apply'),
  undoProposal: onFinding('undo'),
  dismissFinding: onFinding('dismiss'),
  restoreFinding: onFinding('restore'),
  listApiKeys: (kind) => [
    {
      target: '/v1/auth/api-keys?limit=1000',
      refusal: null,
      check: lists(
        () => keysWithin(kind),
        ({ body }) => body.api_keys.map(({ id }: { id: string }) => id),
      ),
    },
  ],
  getApiKey: onKeys(),
  changeApiKey: onKeys('', { name: 'n' }),
  regenerateApiKey: onKeys('/regenerate', undefined, (subject, kind) => !isWithin(subject, kind)),
  revokeApiKey: onKeys('', undefined, (subject, kind) => !isWithin(subject, kind)),
  getBalance: (kind) => [
    {
      target: '/v1/billing/balance',
      refusal: isLimited(kind) ? 'PERMISSION_DENIED' : null,
      check: ({ body }) => {
        if (kind.environment === 'test') {
          assert.deepEqual(body, { balance_usd: 0, unlimited: true, has_prices: false });
        }
      },
    },
  ],
  getUsage: (kind) => [
    {
      target: '/v1/billing/usage?limit=1000',
      refusal: null,
      check: ({ body }) => checkUsage(kind, body),
    },
    {
      target: '/v1/billing/usage?limit=1000&granularity=hour',
      refusal: null,
      check: ({ body }) => checkUsage(kind, body),
    },
  ],
  listAudit: (kind) => [
    { target: '/v1/audit?limit=1000', refusal: null, check: (said) => checkAudit(kind, said) },
  ],
  listEvents: (kind) => [
    { target: '/v1/events?limit=1000', refusal: null, check: (said) => checkEvents(kind, said) },
    {
      target: '/v1/events?collectionId=guests',
      refusal: kind.collectionId === null ? null : 'COLLECTION_NOT_ALLOWED',
    },
  ],
  getEventCrop: () => [
    { target: '/v1/events/crop?eventId=evt_00000000000000000000000000', refusal: 'NOT_FOUND' },
  ],
  streamEvents: () => [{ target: '/v1/events/stream', refusal: null }],
  getScopes: (kind) => [
    {
      target: '/v1/auth/scopes',
      refusal: null,
      check: ({ body }) => {
        const isFree = kind.environment === 'live' && !isLimited(kind);
        if (!isFree) assert.equal(body.data.plan.keys_used, null);
      },
    },
  ],
  createApiKey: membersOnly,
  topUp: membersOnly,
  logout: membersOnly,
  getMe: membersOnly,
  getEventRecording: membersOnly,
  setEventRecording: membersOnly,
  reviewEvent: membersOnly,
  getSettings: membersOnly,
  getSystem: membersOnly,
  getSystemHistory: membersOnly,
  startBackup: membersOnly,
  getBackup: membersOnly,
  getDiagnosis: membersOnly,
  changePassword: membersOnly,
  confirmPassword: membersOnly,
  listMembers: membersOnly,
  inviteMember: membersOnly,
  changeMember: membersOnly,
  removeMember: membersOnly,
};

const RECOGNITION = ['v1:faces', 'v1:external-keys'];
const READS_OWN = ['getCollection', 'getAllCollections'];
const MANAGEMENT = ['v1:collections', 'v1:events', 'v1:api-keys', 'v1:billing', 'v1:audit'];

function isManagement({ access }: Route): boolean {
  if (access.by === 'anyone' || access.by === 'key') return false;
  return access.by === 'member' || (access.scope !== null && !RECOGNITION.includes(access.scope));
}

const scopeOf = ({ access }: Route) => ('scope' in access ? access.scope : null);

const callers = new Map<string, Promise<NewApiKey>>();

/** One key for each kind and scopes, so that a list of all keys fits into one page. */
async function callerOf(kind: Kind, scopes: readonly string[]): Promise<string> {
  const { name, ...limits } = kind;
  const which = `${name} ${scopes.join()}`;
  const known = callers.get(which) ?? service.key({ ...(limits as Partial<NewApiKeyRequest>), scopes });
  callers.set(which, known);
  return (await known).key;
}

const REFUSALS = /_NOT_ALLOWED$|^(SCOPE_DENIED|PERMISSION_DENIED|NOT_FOUND|AUTHENTICATION_REQUIRED)$/;

async function send(key: string, route: Route, { target, json, refusal, check }: Probe, what: string) {
  const said = await service.call(key, route.method, target, json);
  const { code } = said.body ?? {};
  const hasHint = /add the scope by name/.test(String(said.body?.detail));
  assert.equal(hasHint, code === 'SCOPE_DENIED' && what === 'by v1:*', `${what}: ${said.body?.detail}`);
  const shown = `${what}: ${route.method} ${target} ${JSON.stringify(json)}: ${said.status} ${code}`;
  if (refusal !== null) assert.equal(code, refusal, shown);
  else assert.ok(code === undefined || !REFUSALS.test(code), shown);
  if (refusal === null) check?.(said);
}

describe('A management route', () => {
  test('has a rule for limited keys, and no rule is about nothing', () => {
    const routes = service.routes.filter(isManagement).map(({ operationId }) => operationId);
    assert.deepEqual(routes.sort(), Object.keys(RULES).sort());
  });

  for (const kind of KINDS) {
    test(`gives ${kind.name} what is within its bounds and nothing else`, async () => {
      for (const route of service.routes.filter(isManagement)) {
        const probes = RULES[route.operationId]?.(kind, route) ?? [];
        const scope = scopeOf(route);
        const named = await callerOf(kind, scope === null ? ['v1:*'] : [scope]);
        for (const probe of probes) {
          await send(named, route, probe, 'by name');
          if (scope === 'v1:collections') await restoreCollections();
        }
        const [first] = probes;
        if (!first || scope === null) continue;
        const isGranted = !isLimited(kind) || READS_OWN.includes(route.operationId);
        const byAll = await callerOf(kind, ['v1:*']);
        await send(byAll, route, isGranted ? first : { ...first, refusal: 'SCOPE_DENIED' }, 'by v1:*');
        const others = [...RECOGNITION, ...MANAGEMENT].filter((each) => each !== scope);
        const without = await callerOf(kind, others);
        await send(without, route, { ...first, refusal: 'SCOPE_DENIED' }, 'by other scopes');
        await restoreCollections();
      }
    });
  }

  test('regenerates and revokes within the bounds of each kind', async () => {
    for (const kind of KINDS) {
      const { name: _, ...limits } = kind;
      const key = await callerOf(kind, ['v1:*', 'v1:api-keys']);
      const { id } = await service.key(limits as Partial<NewApiKeyRequest>);
      const path = `/v1/auth/api-keys/${id}`;
      assert.equal((await service.call(key, 'POST', `${path}/regenerate`)).status, 200, kind.name);
      assert.equal((await service.call(key, 'DELETE', path)).status, 204, kind.name);
    }
  });
});

describe('Usage of a key that was revoked', () => {
  test('is shown to members and to live keys without limits, and to a test key never', async () => {
    const ids: string[] = [];
    for (const environment of ENVIRONMENTS) {
      const { id, key } = await service.key({ environment });
      await service.call(key, 'GET', '/v1/collection/get-all');
      await service.usage.flush();
      await service.store.apiKeys.remove(id);
      ids.push(id);
    }
    const [live, testing] = ids;
    const seenBy = async (credential: string) => {
      const { body } = await service.call(credential, 'GET', '/v1/billing/usage?limit=1000');
      const seen = body.usage.map(({ key_id }: { key_id: string }) => key_id);
      return ids.filter((id) => seen.includes(id));
    };
    assert.deepEqual(await seenBy(await service.token(await service.member('admin'))), ids);
    for (const kind of KINDS) {
      const isShown = !isLimited(kind) && kind.environment === 'live';
      assert.deepEqual(
        await seenBy(await callerOf(kind, ['v1:billing'])),
        isShown ? [live] : [],
        `${kind.name} ${testing}`,
      );
    }
  });
});
