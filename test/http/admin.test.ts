import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import type { MigrationAdministration } from '../../src/api/migrations.ts';
import { type AdminParts, createAdminApp } from '../../src/http/admin.ts';
import { createHttpServer, drain, listen } from '../../src/http/server.ts';
import { EXIT, ExitError } from '../../src/ops/exit-codes.ts';
import { createLog } from '../../src/ops/log.ts';

async function post(t: TestContext, parts: Partial<AdminParts>, path: string, body: string) {
  const unused = {} as never;
  const app = createAdminApp({
    keys: unused,
    migrations: unused,
    identity: unused,
    reload: () => assert.fail(),
    facts: () => assert.fail(),
    log: createLog('silent'),
    ...parts,
  });
  const server = createHttpServer(app.callback());
  t.after(() => drain(server, 50));
  await listen(server, { host: '127.0.0.1', port: 0 });
  const { port } = server.address() as AddressInfo;
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe('The admin socket', () => {
  test('says why a reload was refused', async (t) => {
    const reload = () => {
      throw new ExitError(EXIT.config, 'listen: expected host:port');
    };
    const { status, json } = await post(t, { reload }, '/reload', '');
    assert.deepEqual(
      [status, json.code, json.detail],
      [400, 'VALIDATION_FAILED', 'listen: expected host:port'],
    );
  });

  test('hides the reason of a failed reload that is a fault of the program', async (t) => {
    const reload = () => {
      throw new TypeError('undefined is not a function');
    };
    const { status, json } = await post(t, { reload }, '/reload', '');
    assert.equal(status, 500);
    assert.doesNotMatch(JSON.stringify(json), /undefined is not/);
  });

  test('takes actions on a migration up to 16 KB', async (t) => {
    const begun: unknown[] = [];
    const begin = async (...given: unknown[]) => {
      begun.push(given);
      return {} as never;
    };
    const migrations = { begin } as unknown as MigrationAdministration;
    const place = { accountId: 'acc_1', environment: 'live', collectionId: 'people' };
    const text = JSON.stringify({ ...place, action: 'start', to: '2' });
    const padded = (bytes: number) => text + ' '.repeat(bytes - text.length);
    assert.equal((await post(t, { migrations }, '/migrations', padded(16_384))).status, 200);
    assert.deepEqual(begun, [[place, { to: '2', sightings: false }]]);
    assert.equal((await post(t, { migrations }, '/migrations', padded(16_385))).status, 413);
  });
});
