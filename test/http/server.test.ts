import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createHttpServer, drain, listen } from '../../src/http/server.ts';
import { pipelineUnread, requests } from '../../testing/hostile-clients.ts';
import { KEY, startEchoService } from './echo-service.ts';

const headers = { 'X-API-Key': KEY, 'Content-Type': 'image/png' };

test('draining lets a request in flight end and accepts no other', async () => {
  const service = await startEchoService();
  let release = () => {};
  service.hooks.held = new Promise((resolve) => {
    release = resolve;
  });
  const request = fetch(`${service.url}/image?collectionId=a`, { method: 'POST', body: 'picture', headers });
  while ((await connections(service.server)) === 0) await new Promise(setImmediate);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const drained = drain(service.server, 60_000);
  await assert.rejects(fetch(service.url));
  release();
  const { status, headers: answered } = await request;
  assert.deepEqual([status, answered.get('connection')], [200, 'close']);
  await drained;
  assert.equal(await connections(service.server), 0);
});

test('draining lets a slow client read its answer to the end', async () => {
  const large = Buffer.alloc(20_000_000);
  const server = createHttpServer((_, response) => response.end(large));
  await listen(server, { host: '127.0.0.1', port: 0 });
  const { port } = server.address() as AddressInfo;
  const socket = await pipelineUnread({ port }, requests('GET', '/', 1));
  while ((await connections(server)) === 0) await new Promise(setImmediate);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const drained = drain(server, 60_000);
  await new Promise((resolve) => setTimeout(resolve, 500));
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  socket.resume();
  await Promise.all([drained, once(socket, 'close')]);
  assert.ok(bytes > large.length, `${bytes} bytes came`);
});

test('draining cuts what does not end within its limit', async () => {
  const service = await startEchoService();
  service.hooks.held = new Promise(() => {});
  const request = fetch(`${service.url}/image?collectionId=a`, { method: 'POST', body: 'picture', headers });
  const cut = assert.rejects(request);
  while ((await connections(service.server)) === 0) await new Promise(setImmediate);
  await drain(service.server, 50);
  await cut;
});

function connections(server: {
  getConnections(done: (error: Error | null, count: number) => void): unknown;
}) {
  return new Promise<number>((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
