import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startingListener } from '../../src/http/starting.ts';
import { Health } from '../../src/ops/health.ts';
import { createLog } from '../../src/ops/log.ts';

test('A service that starts is alive, and says at every other path that it starts, what has not passed, and how far the index is', async () => {
  const health = new Health();
  health.pass('storeOpen');
  const server = createServer(startingListener(health, createLog('silent'))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (path: string, method: string) => {
    const response = await fetch(url + path, { method });
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get('retry-after')) > 0);
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    assert.equal(code, 'NOT_READY');
    return detail;
  };
  const alive = await fetch(`${url}/livez`);
  assert.deepEqual([alive.status, await alive.text()], [200, 'ok']);
  const missing = 'Not passed yet: modelsLoaded, indexConsistent, selfInference.';
  assert.equal(await ask('/readyz', 'GET'), missing);
  health.progress('The index has 4 of 9 faces.');
  assert.equal(await ask('/api-keys', 'POST'), `${missing} The index has 4 of 9 faces.`);
  health.progress(null);
  assert.equal(await ask('/v1/face/search', 'POST'), missing);
  health.stop();
  assert.equal(await ask('/readyz', 'GET'), 'The service is stopping.');
  server.close();
});
