import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { AddressLimits } from '../../src/access/gate/address-limits.ts';
import { addressGuard } from '../../src/http/admits.ts';
import { metricsListener } from '../../src/http/metrics.ts';
import { createHttpServer, drain, listen } from '../../src/http/server.ts';
import { Metrics } from '../../src/ops/metrics.ts';

const metrics = new Metrics({ version: '1.2.3', onnxruntime: '9.9', searchKernel: 'avx2' });
const limits = { addressRateLimit: 20, trustedProxies: [] };
const admits = addressGuard(new AddressLimits(limits), 'metrics');
const server = createHttpServer(metricsListener(metrics, pino({ level: 'silent' }), admits));
let url: string;
before(async () => {
  await listen(server, { host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  metrics.close();
  await drain(server, 100);
});

describe('The listener of metrics', () => {
  test("answers in Prometheus' text format", async () => {
    const response = await fetch(`${url}/metrics?collect=all`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.match(await response.text(), /^visage_build_info\{version="1\.2\.3",/m);
    const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  test('has nothing else', async () => {
    assert.equal((await fetch(`${url}/v1/healthz`)).status, 404);
    assert.equal((await fetch(`${url}/metrics/`)).status, 404);
    const post = await fetch(`${url}/metrics`, { method: 'POST', body: 'a' });
    assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
  });

  test('says that it failed where a metric cannot be told, and goes on', async () => {
    const { exposition } = metrics;
    metrics.exposition = () => Promise.reject(new Error('broken'));
    const failed = await fetch(`${url}/metrics`);
    assert.equal(failed.status, 500);
    assert.doesNotMatch(await failed.text(), /broken/);
    metrics.exposition = exposition;
    assert.equal((await fetch(`${url}/metrics`)).status, 200);
  });

  test('answers an address 429 beyond its limit', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) {
      const response = await fetch(`${url}/metrics`);
      statuses.push(response.status);
      if (response.status === 429) assert.match(String(response.headers.get('retry-after')), /^\d+$/);
    }
    assert.equal(statuses.at(-1), 429);
  });
});
