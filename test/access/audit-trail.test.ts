import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AuditEntry } from '../../src/access/audit/audit.ts';
import { recordAct, recordRefusal, type Trail } from '../../src/access/audit/audit-trail.ts';
import type { Route, RouteRequest } from '../../src/api/route.ts';
import { ERRORS, type ErrorCode, VisageError } from '../../src/errors.ts';
import { Health } from '../../src/ops/health.ts';
import { routeTable } from '../../src/service/app.ts';

const routes = routeTable({ health: new Health(), identity: {}, access: {} } as Parameters<
  typeof routeTable
>[0]);

const NOT_ADMINISTRATIVE = new Set([
  'searchFace',
  'indexFace',
  'searchOrIndexFace',
  'enrollFace',
  'enrollFaces',
  'verifyFace',
  'identifyFace',
  'searchByFaceId',
  'recognizeFaces',
  'detectFaces',
  'checkLiveness',
  'setExternalKey',
  'deleteExternalKey',
  'reviewEvent',
  'refresh',
]);

const ANYBODY: Trail = { requestId: 'r', address: '192.0.2.1', caller: null };

describe('The route table', () => {
  test('records every call that is not GET, but for those known to be no administration', () => {
    for (const { method, operationId, audit } of routes) {
      const isRecorded = method !== 'GET' && !NOT_ADMINISTRATIVE.has(operationId);
      assert.equal(audit !== undefined, isRecorded, operationId);
    }
    assert.ok(routes.some(({ audit }) => audit));
  });

  test('has actions that a filter of the log can ask for', () => {
    for (const { audit, operationId } of routes)
      assert.match(audit?.action ?? operationId, /^[A-Za-z.-]{1,64}$/);
  });
});

test('Only refusals are recorded as such', () => {
  const recorded: ErrorCode[] = [];
  const audit = {
    refuse: (entry: AuditEntry & { readonly result: ErrorCode }) => recorded.push(entry.result),
  };
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    recordRefusal(audit, routes[0] as Route, ANYBODY, new VisageError(code, 'x'));
  }
  recordRefusal(audit, routes[0] as Route, ANYBODY, new Error('x'));
  const expected = Object.entries(ERRORS).filter(([, { status }]) => [401, 402, 403, 429].includes(status));
  assert.deepEqual(
    recorded,
    expected.map(([code]) => code),
  );
});

test('A call about many faces or keys has an entry of each', async () => {
  const entries: AuditEntry[] = [];
  const audit = { record: async (...more: AuditEntry[]) => void entries.push(...more) };
  const route = routes.find(({ operationId }) => operationId === 'deleteFaces') as Route;
  const request = { params: {}, query: {}, body: { collectionId: 'people' } } as unknown as RouteRequest;
  for (const each of [{ targets: ['face_1', 'face_2'] }, { externalKeys: ['anna'] }, { targets: [] }]) {
    await recordAct(audit, route, ANYBODY, request, { status: 200, body: {}, audit: { each } });
  }
  assert.deepEqual(
    entries.map(({ action, target, externalKey, collectionId }) => [
      action,
      target,
      externalKey,
      collectionId,
    ]),
    [
      ['face.delete', 'face_1', undefined, 'people'],
      ['face.delete', 'face_2', undefined, 'people'],
      ['face.delete', undefined, 'anna', 'people'],
    ],
  );
});

test('Nothing of a request but the named target, the route and who is asking reaches an entry', async () => {
  const secret = fc.string({ minLength: 12, maxLength: 40 }).map((text) => `secret-${text}`);
  const bag = (names: readonly string[]) =>
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(...names)), secret, { maxKeys: 6 });
  const names = ['key', 'password', 'image', 'bytes', 'url', 'name', 'email', 'id', 'description', 'token'];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...routes),
      bag(names),
      bag(names),
      bag(names),
      bag(['authorization', 'cookie', 'x-api-key']),
      async (route, params, query, body, headers) => {
        const request = {
          ...ANYBODY,
          address: '192.0.2.1',
          params,
          query,
          body,
          headers,
        } as unknown as RouteRequest;
        const entries: AuditEntry[] = [];
        const audit = {
          record: async (...more: AuditEntry[]) => void entries.push(...more),
          refuse: (entry: AuditEntry) => void entries.push(entry),
        };
        await recordAct(audit, route, ANYBODY, request, {
          status: 200,
          body: { ...body, key: 'secret-key' },
        });
        recordRefusal(
          audit,
          route,
          ANYBODY,
          new VisageError('INVALID_API_KEY', `secret-${JSON.stringify(body)}`),
        );
        for (const { target, ...rest } of entries) {
          assert.ok(!JSON.stringify(rest).includes('secret'), route.operationId);
          const named = [route.audit?.target ?? []].flat();
          const allowed = named.flatMap((name) => params[name] ?? query[name] ?? body[name] ?? []);
          assert.ok(target == null || allowed.includes(target), route.operationId);
        }
      },
    ),
    { numRuns: 500 },
  );
});
