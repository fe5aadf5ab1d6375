import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EchoService, KEY, listed, problem, startEchoService } from './echo-service.ts';

let service: EchoService;
before(async () => {
  service = await startEchoService();
});
after(() => service.stop());

const get = (path: string, init: RequestInit = {}) => fetch(service.url + path, init);

/** Waits for a log line, since it is written when the connection has seen the answer. */
async function logged(requestId: string): Promise<Record<string, unknown>> {
  for (let tries = 0; tries < 200; tries++) {
    const line = service.log.find((entry) => entry.msg === 'request' && entry.requestId === requestId);
    if (line) return line;
    await sleep(5);
  }
  throw new Error('No such line');
}

describe('Every answer', () => {
  test('carries the request id of the caller, or a new one for a hostile one', async () => {
    const own = await get('/nothing', { headers: { 'X-Request-Id': 'my-id.1' } });
    assert.equal(own.headers.get('x-request-id'), 'my-id.1');
    assert.equal((await problem(own)).requestId, 'my-id.1');
    for (const hostile of ['a b', 'a'.repeat(65), '<script>', 'a"b', ',']) {
      const response = await get('/nothing', { headers: { 'X-Request-Id': hostile } });
      assert.match(response.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
    }
  });

  test('is not stored, not sniffed and not framed', async () => {
    for (const path of ['/nothing', '/fail', '/query']) {
      const { headers } = await get(path);
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.equal(headers.get('access-control-allow-origin'), null);
      assert.equal(headers.get('x-powered-by'), null);
    }
  });
});

describe('A JSON answer', () => {
  test('is the text of its object, whatever the length of its lists', async () => {
    for (const length of [0, 1, 64, 65, 128, 1000]) {
      const answer = await get(`/list?length=${length}`, { headers: { 'X-API-Key': KEY } });
      assert.equal(await answer.text(), JSON.stringify(listed(length)));
    }
  });
});

describe('A problem', () => {
  test('has the members of RFC 9457 and ours', async () => {
    const response = await get('/nothing');
    assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
    const { requestId, ...rest } = await problem(response);
    assert.ok(requestId);
    assert.deepEqual(rest, {
      type: 'urn:visage:error:NOT_FOUND',
      title: 'Not found',
      status: 404,
      detail: 'No endpoint has this path; /swagger lists them.',
      code: 'NOT_FOUND',
    });
  });

  test('of an unexpected error tells nothing of it, but the log does', async () => {
    const response = await get('/fail', { headers: { 'X-Request-Id': 'broken' } });
    assert.equal(response.status, 500);
    const text = await response.text();
    assert.match(text, /INTERNAL_ERROR/);
    assert.doesNotMatch(text, /secret|\.ts|\.js/);
    const line = service.log.find((entry) => entry.requestId === 'broken' && entry.err);
    assert.match(JSON.stringify(line), /secret detail of the inside.*fail|at /);
    assert.equal((await logged('broken')).level, 50);
  });

  test('with a reason of its own tells nothing of that, but the log does', async () => {
    const headers = { 'X-Request-Id': 'full' };
    const response = await get('/fail?code=STORAGE_READ_ONLY', { headers });
    assert.equal(response.status, 503);
    assert.doesNotMatch(await response.text(), /secret/);
    const line = service.log.find((entry) => entry.requestId === 'full' && entry.err);
    assert.match(JSON.stringify(line), /secret detail of the inside/);
    assert.equal(line?.level, 50);
  });

  test('of a busy service says when to try again', async () => {
    const response = await get('/fail?code=OVERLOADED');
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '1');
  });

  test('of a missing key names the schemes', async () => {
    const response = await get('/query?collectionId=a');
    assert.equal(response.status, 401);
    assert.match(response.headers.get('www-authenticate') ?? '', /ApiKey.*Bearer/);
  });
});

describe('Methods', () => {
  test('that a path does not take are answered 405 with those that it takes', async () => {
    const response = await get('/query', { method: 'PUT' });
    assert.equal(response.status, 405);
    assert.equal((await problem(response)).code, 'METHOD_NOT_ALLOWED');
    assert.deepEqual(response.headers.get('allow')?.split(', ').sort(), ['GET', 'HEAD', 'OPTIONS']);
  });

  test('OPTIONS says what a path takes, and 404 what is none', async () => {
    const response = await get('/image', { method: 'OPTIONS' });
    assert.equal(response.status, 204);
    assert.equal(response.headers.get('allow'), 'POST, OPTIONS');
    assert.equal((await get('/nothing', { method: 'OPTIONS' })).status, 404);
  });

  test('HEAD is GET without the body', async () => {
    const init = { method: 'HEAD', headers: { 'X-API-Key': KEY } };
    const response = await get('/query?collectionId=a', init);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(await response.text(), '');
  });

  test('that nobody knows do not break it', async () => {
    const answer = await service.raw('BREW /query HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.match(answer, /^HTTP\/1.1 400 /);
    assert.match(
      await service.raw('PROPFIND /query HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1.1 405 /,
    );
  });
});

describe('Paths', () => {
  test('are exact', async () => {
    for (const path of [
      '/query/',
      '/QUERY',
      '//query',
      '/%71uery%00',
      '/query%2f',
      '/%',
      '/%ff',
      '/../query/..',
    ]) {
      assert.equal((await get(path, { headers: { 'X-API-Key': KEY } })).status, 404, path);
    }
  });
});

describe('Who is calling', () => {
  test('is settled before the body is read', async () => {
    const head =
      'POST /image HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n';
    const answer = await service.raw(head);
    assert.match(answer, /^HTTP\/1.1 401 /);
    assert.match(answer.split('\r\n\r\n', 1)[0] ?? '', /connection: close/i);
    assert.equal(answer.match(/HTTP\/1.1 /g)?.length, 1);
  });

  test('is settled before the parameters are looked at', async () => {
    assert.equal((await problem(await get('/query'))).code, 'AUTHENTICATION_REQUIRED');
  });
});

describe('The log', () => {
  test('has one line a request with the pattern, never the query or a header', async () => {
    const headers = { 'X-API-Key': KEY, 'X-Request-Id': 'logged' };
    await get('/query?collectionId=hidden', { headers });
    const { time, pid, hostname, ms, ...line } = await logged('logged');
    assert.equal(typeof ms, 'number');
    assert.deepEqual(line, {
      level: 30,
      msg: 'request',
      requestId: 'logged',
      method: 'GET',
      route: '/query',
      operation: 'query',
      status: 200,
      code: null,
      aborted: false,
      account: null,
      key: null,
      member: null,
    });
    assert.doesNotMatch(JSON.stringify(service.log), new RegExp(`hidden|${KEY}`));
  });
});

describe('Hostile headers', () => {
  const head = (line: string) => `GET /query HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${line}\r\n\r\n`;

  test('are refused or passed over', async () => {
    assert.match(await service.raw(head(`X-Big: ${'a'.repeat(20_000)}`)), /^HTTP\/1.1 431 /);
    assert.match(await service.raw(head('Content-Length: -1')), /^HTTP\/1.1 400 /);
    assert.match(
      await service.raw(head('Content-Length: 1\r\nTransfer-Encoding: chunked')),
      /^HTTP\/1.1 400 /,
    );
    assert.match(await service.raw(head('Bad Header: a')), /^HTTP\/1.1 400 /);
    assert.match(await service.raw(head('X-Request-Id: a\r\nX-Request-Id: b')), /^HTTP\/1.1 401 /);
    assert.match(await service.raw(head('__proto__: polluted')), /^HTTP\/1.1 401 /);
    assert.match(
      await service.raw('GET http://[ HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1.1 4/,
    );
  });
});

describe('The target of a request', () => {
  const ask = (target: string) =>
    service.raw(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

  test('may be a whole URL', async () => {
    assert.match(await ask('http://a:8080/query?collectionId=a'), /^HTTP\/1.1 401 /);
  });

  test('that is none is refused, and nowhere told', async () => {
    const warnings: string[] = [];
    const hear = (warning: Error) => warnings.push(warning.message);
    process.on('warning', hear);
    for (const target of [
      'http://kept-back@:x/',
      'http://kept-back:99999999/',
      'http://[kept-back/',
      '?kept-back',
      'kept-back',
    ]) {
      const answer = await ask(target);
      assert.match(answer, /^HTTP\/1.1 400 /, target);
      assert.doesNotMatch(answer, /kept-back/);
    }
    await sleep(5);
    process.off('warning', hear);
    assert.deepEqual(warnings, []);
    assert.doesNotMatch(JSON.stringify(service.log), /kept-back/);
  });
});

describe('A client that hangs up', () => {
  test('in the middle of its upload leaves nothing behind', async () => {
    const socket = connect(service.port, '127.0.0.1');
    await once(socket, 'connect');
    const head = `POST /image HTTP/1.1\r\nHost: a\r\nX-API-Key: ${KEY}\r\nX-Request-Id: cut\r\nContent-Type: application/json\r\n`;
    socket.write(`${head}Content-Length: 1000000\r\n\r\n{"image":`);
    await sleep(50);
    socket.destroy();
    const line = await logged('cut');
    assert.deepEqual([line.aborted, line.status], [true, 499]);
    assert.ok(!service.log.some((entry) => entry.level === 50 && entry.requestId === 'cut'));
    const connections = await new Promise<number>((resolve, reject) =>
      service.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
    assert.ok(connections <= 2, `${connections} connections are open`);
  });

  test('while its answer is made leaves nothing behind', async () => {
    let release = () => {};
    service.hooks.held = new Promise((resolve) => {
      release = resolve;
    });
    const abort = new AbortController();
    const headers = { 'X-API-Key': KEY, 'X-Request-Id': 'left', 'Content-Type': 'image/png' };
    const request = get('/image?collectionId=a', {
      method: 'POST',
      body: 'picture',
      headers,
      signal: abort.signal,
    });
    await sleep(50);
    abort.abort();
    await assert.rejects(request);
    assert.equal((await logged('left')).aborted, true);
    release();
    assert.equal((await get('/query?collectionId=a', { headers: { 'X-API-Key': KEY } })).status, 200);
  });
});
