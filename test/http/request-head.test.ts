import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type EchoService, KEY, startEchoService } from './echo-service.ts';

let service: EchoService;
before(async () => {
  service = await startEchoService();
});
after(() => service.stop());

/** Every header by which the service decides something, with a value that it would take. */
const DECISIVE: Readonly<Record<string, string>> = {
  Authorization: `ApiKey ${KEY}`,
  'X-API-Key': KEY,
  Cookie: 'session=a',
  'X-Forwarded-For': '203.0.113.9',
  Origin: 'https://app.example',
  Host: 'a',
  'X-CSRF-Token': 'a',
  'Sec-Fetch-Site': 'cross-site',
  'Idempotency-Key': 'a',
  'If-Match': '"a"',
  'If-None-Match': '"a"',
  'Content-Type': 'application/json',
  'Content-Length': '2',
  'Transfer-Encoding': 'chunked',
  Expect: '100-continue',
  Connection: 'keep-alive',
  'X-Request-Id': 'a',
  'Access-Control-Request-Method': 'POST',
};

const padding = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: a\r\n`).join('');
const problemOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('{')));

describe('The headers of a request', { timeout: 60_000 }, () => {
  for (const [name, value] of Object.entries(DECISIVE)) {
    test(`are refused where ${name} stands behind the hundredth`, async () => {
      const host = name === 'Host' ? '' : 'Host: a\r\n';
      const lines = `${host}${padding(name === 'Host' ? 100 : 99)}${name}: ${value}\r\n`;
      const answer = await service.raw(`POST /json HTTP/1.1\r\n${lines}\r\n`);
      assert.match(answer, /^HTTP\/1.1 431 /);
      assert.match(answer, /Connection: close\r\n/i);
      assert.match(answer, /Content-Type: application\/problem\+json/i);
      const { code, detail } = problemOf(answer);
      assert.deepEqual([code, detail], ['HEADERS_TOO_LARGE', 'Expected at most 100 header lines, got 101.']);
      assert.equal(answer.match(/HTTP\/1.1/g)?.length, 1);
    });
  }

  test('may be a hundred, and the last of them counts', async () => {
    const lines = `Host: a\r\nConnection: close\r\n${padding(97)}X-API-Key: ${KEY}\r\n`;
    assert.match(await service.raw(`GET /query?collectionId=a HTTP/1.1\r\n${lines}\r\n`), /^HTTP\/1.1 200 /);
  });

  test('of which repetitions are counted one by one', async () => {
    const lines = `Host: a\r\n${'X-Same: a\r\n'.repeat(100)}`;
    assert.match(await service.raw(`GET /query HTTP/1.1\r\n${lines}\r\n`), /^HTTP\/1.1 431 /);
  });

  test('that are too many bytes are refused with a problem', async () => {
    const answer = await service.raw(
      `GET /query HTTP/1.1\r\nHost: a\r\nX-Big: ${'a'.repeat(20_000)}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1.1 431 /);
    assert.equal(problemOf(answer).code, 'HEADERS_TOO_LARGE');
  });

  for (const name of [
    'Host',
    'Content-Type',
    'Expect',
    'Origin',
    'Idempotency-Key',
    'If-Match',
    'Sec-Fetch-Site',
    'X-CSRF-Token',
  ]) {
    test(`are refused where ${name} comes twice`, async () => {
      const host = name === 'Host' ? '' : 'Host: a\r\n';
      const twice = `${name}: ${DECISIVE[name]}\r\n${name.toLowerCase()}: other\r\n`;
      const answer = await service.raw(`GET /query HTTP/1.1\r\n${host}${twice}\r\n`);
      assert.match(answer, /^HTTP\/1.1 400 /);
      const { code, detail } = problemOf(answer);
      assert.equal(code, 'VALIDATION_FAILED');
      assert.equal(detail, `${name.toLowerCase()}: expected this header once, got it 2 times.`);
    });
  }

  test('of which two credentials differ are refused, wherever the second stands', async () => {
    const lines = `Host: a\r\nConnection: close\r\nX-API-Key: other\r\n${padding(90)}X-API-Key: ${KEY}\r\n`;
    assert.match(await service.raw(`GET /query HTTP/1.1\r\n${lines}\r\n`), /^HTTP\/1.1 401 /);
  });

  test('have a host, and expect nothing that the service does not know', async () => {
    const noHost = await service.raw('GET /query HTTP/1.1\r\n\r\n');
    assert.match(noHost, /^HTTP\/1.1 400 /);
    assert.match(problemOf(noHost).detail, /^host: /);
    const expecting = await service.raw('GET /query HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n');
    assert.match(expecting, /^HTTP\/1.1 400 /);
    assert.match(problemOf(expecting).detail, /^expect: /);
    assert.match(await service.raw('GET /query HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 401 /);
  });

  test('are not among the trailers', async () => {
    const head = 'POST /json HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n';
    const body = `Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-API-Key: ${KEY}\r\n\r\n`;
    assert.match(await service.raw(head + body), /^HTTP\/1.1 401 /);
  });
});

describe('What is no HTTP', () => {
  const BROKEN = [
    'GARBAGE\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET / HTTP/1.1\r\nHost a\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01',
  ];
  test('is refused with a problem, and the connection closes', async () => {
    for (const text of BROKEN) {
      const answer = await service.raw(text);
      assert.match(answer, /^HTTP\/1.1 400 Bad Request\r\n/, text);
      assert.match(answer, /Connection: close\r\n/);
      assert.match(answer, /Content-Type: application\/problem\+json\r\n/);
      assert.equal(problemOf(answer).code, 'VALIDATION_FAILED');
      assert.doesNotMatch(answer, /GARBAGE|Host a/);
    }
  });
});
