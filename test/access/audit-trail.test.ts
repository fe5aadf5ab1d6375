import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AuditEntry } from '../../src/access/audit.ts';
import { recordAct, recordRefusal, type Trail } from '../../src/access/audit-trail.ts';
import { routeTable } from '../../src/app.ts';
import { ERRORS, type ErrorCode, VisageError } from '../../src/errors.ts';
import type { PublicRequest, Route } from '../../src/http/route.ts';
import { Health } from '../../src/ops/health.ts';

const routes = routeTable({ health: new Health(), identity: {}, access: {} } as Parameters<
  typeof routeTable
>[0]);

/** Calls that change nothing of who may do what, or that are the work itself. */
const NOT_ADMINISTRATIVE = new Set([
  'searchFace',
  'indexFace',
  'searchOrIndexFace',
  'enrollFace',
  'enrollFaces',
  'verifyFace',
  'identifyFace',
  'detectFaces',
  'checkLiveness',
  'setExternalKey',
  'deleteExternalKey',
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
        } as unknown as PublicRequest;
        const entries: AuditEntry[] = [];
        const audit = {
          record: async (entry: AuditEntry) => void entries.push(entry),
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
