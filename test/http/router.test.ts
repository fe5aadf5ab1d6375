import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Context } from '../../src/http/koa-app.ts';
import { Router } from '../../src/http/router.ts';

/** What was answered, as far as a router says it. */
interface Told {
  readonly by: string | null;
  readonly params: object;
  readonly allow: string | undefined;
  readonly status: number | undefined;
}

const router = new Router();
const table: [method: string, path: string][] = [
  ['GET', '/keys'],
  ['POST', '/keys'],
  ['GET', '/keys/{id}'],
  ['DELETE', '/keys/{id}'],
  ['POST', '/keys/mine'],
  ['POST', '/keys/{id}/use/{how}'],
  ['GET', '/well.known'],
];
for (const [method, path] of table) {
  router.add(method, path, (context, params) => {
    Object.assign(context, { by: `${method} ${path}`, given: params });
  });
}

async function ask(method: string, path: string): Promise<Told> {
  const headers: Record<string, string> = {};
  const context = {
    method,
    path,
    set: (name: string, value: string) => {
      headers[name] = value;
    },
  };
  const told = context as typeof context & { by?: string; given?: object; status?: number };
  await router.answer(context as unknown as Context);
  return { by: told.by ?? null, params: told.given ?? {}, allow: headers.Allow, status: told.status };
}

describe('A router', () => {
  test('finds what a path and a method are answered by, and what stands in the path', async () => {
    assert.equal((await ask('POST', '/keys')).by, 'POST /keys');
    assert.equal((await ask('HEAD', '/keys')).by, 'GET /keys');
    const { by, params } = await ask('POST', '/keys/a%40b/use/%zz');
    assert.deepEqual([by, { ...params }], ['POST /keys/{id}/use/{how}', { id: 'a@b', how: '%zz' }]);
  });

  test('prefers a path to a pattern, but asks the pattern for what the path does not take', async () => {
    assert.equal((await ask('POST', '/keys/mine')).by, 'POST /keys/mine');
    const { by, params } = await ask('DELETE', '/keys/mine');
    assert.deepEqual([by, { ...params }], ['DELETE /keys/{id}', { id: 'mine' }]);
  });

  test('compares to the letter', async () => {
    for (const path of ['/keys/', '/Keys', '/keys//use/x', '/wellxknown', '/keys/a/use/b/c', '']) {
      await assert.rejects(ask('GET', path), { code: 'NOT_FOUND' }, path);
    }
  });

  test('says which methods a path takes', async () => {
    assert.deepEqual(await ask('OPTIONS', '/keys/mine'), {
      by: null,
      params: {},
      allow: 'POST, HEAD, GET, DELETE, OPTIONS',
      status: 204,
    });
    await assert.rejects(ask('PUT', '/keys'), { code: 'METHOD_NOT_ALLOWED' });
  });
});
