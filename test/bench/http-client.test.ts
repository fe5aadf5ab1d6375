import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { HttpClient } from '../../bench/http-client.ts';

async function serve(context: TestContext, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new HttpClient();
  context.after(() => {
    client.close();
    server.close();
  });
  let connections = 0;
  server.on('connection', () => connections++);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/path?a=b`;
  return { server, client, url, connections: () => connections };
}

test("a bench's client posts body and headers, and gives the status when the whole answer is there", async (context) => {
  const seen: unknown[] = [];
  const { client, url } = await serve(context, async (request, response) => {
    seen.push(request.method, request.url, request.headers['content-type'], (await buffer(request)).length);
    response.statusCode = 202;
    response.end('x'.repeat(200_000));
  });
  assert.equal(await client.post(url, { 'content-type': 'image/jpeg' }, Buffer.alloc(100_000)), 202);
  assert.deepEqual(seen, ['POST', '/path?a=b', 'image/jpeg', 100_000]);
});

test("a bench's client uses a connection again, and has as many as there are calls at the same time", async (context) => {
  const { client, url, connections } = await serve(context, async (request, response) => {
    await buffer(request);
    response.end('{}');
  });
  for (let i = 0; i < 5; i++) await client.post(url, {}, Buffer.from('a'));
  assert.equal(connections(), 1);
  await Promise.all(Array.from({ length: 4 }, () => client.post(url, {}, Buffer.from('a'))));
  assert.equal(connections(), 4);
});

test("a bench's client asks each server over connections of its own", async (context) => {
  const answer =
    (status: number): RequestListener =>
    async (request, response) => {
      await buffer(request);
      response.statusCode = status;
      response.end('{}');
    };
  const [first, second] = [await serve(context, answer(200)), await serve(context, answer(202))];
  for (const { url, status } of [
    { url: first.url, status: 200 },
    { url: second.url, status: 202 },
    { url: first.url, status: 200 },
  ]) {
    assert.equal(await first.client.post(url, {}, Buffer.from('a')), status);
  }
});

test("a bench's client connects anew where the server has closed an idle connection", async (context) => {
  const { client, url, connections, server } = await serve(context, async (request, response) => {
    await buffer(request);
    response.end('{}');
  });
  await client.post(url, {}, Buffer.from('a'));
  server.closeAllConnections();
  assert.equal(await client.post(url, {}, Buffer.from('a')), 200);
  assert.equal(connections(), 2);
});

test("a bench's client fails where the connection ends before the answer, and where that has no length", async (context) => {
  const { client, url } = await serve(context, async (request, response) => {
    if ((await buffer(request)).length > 1) response.destroy();
    else response.write('{}', () => response.end());
  });
  await assert.rejects(client.post(url, {}, Buffer.from('ab')), /closed the connection/);
  await assert.rejects(client.post(url, {}, Buffer.from('a')), /does not say how long/);
});
