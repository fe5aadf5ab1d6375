import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { AddressLimits } from '../../src/access/gate/address-limits.ts';
import { VisageError } from '../../src/errors.ts';
import { createKoaApp } from '../../src/http/koa-app.ts';
import { RefusalPace } from '../../src/http/refusal-pace.ts';
import { createHttpServer, drain, listen } from '../../src/http/server.ts';
import { startingListener } from '../../src/http/starting.ts';
import { Health } from '../../src/ops/health.ts';
import { LogBudget } from '../../src/ops/log-budget.ts';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { exchange, requests } from '../../testing/hostile-clients.ts';

const LIMIT = 10;

async function statuses(port: number, from: string, text: string): Promise<number[]> {
  const answer = await exchange({ port, from }, text + requests('GET', '/end', 1, 'Connection: close\r\n'));
  const all = Array.from(answer.matchAll(/HTTP\/1\.1 (\d+) /g), ([, status]) => Number(status));
  return all.slice(0, -1);
}

describe('A client without a credential', () => {
  let service: AccessService;
  let port: number;
  before(async () => {
    service = await AccessService.open({ addressRateLimit: LIMIT });
    port = Number(new URL(service.url).port);
  });
  after(async () => {
    await service.close();
    await closeShared();
  });

  const KINDS: [what: string, method: string, path: string, status: number][] = [
    ['an unknown path', 'GET', '/nothing', 404],
    ['a method that a path does not take', 'PUT', '/v1/healthz', 405],
    ['OPTIONS of an unknown path', 'OPTIONS', '/nothing', 404],
    ['OPTIONS of a page', 'OPTIONS', '/swagger', 204],
    ['OPTIONS of a route', 'OPTIONS', '/v1/healthz', 204],
    ['HEAD of a route', 'HEAD', '/v1/healthz', 200],
    ['HEAD of the documentation', 'HEAD', '/openapi.json', 200],
    ['the documentation', 'GET', '/swagger', 200],
    ['the OpenAPI document', 'HEAD', '/openapi.json?a=b', 200],
    ['what leads to the documentation', 'GET', '/docs', 302],
    ['the dashboard', 'HEAD', '/', 200],
    ['an open route', 'GET', '/v1/healthz', 200],
    ['a health probe', 'GET', '/livez', 200],
    ['a target that is no URL', 'GET', 'http://a:99999999/', 400],
    ['a route without a key', 'GET', '/v1/collection/get-all', 401],
    ['an unknown method', 'PROPFIND', '/v1/healthz', 405],
  ];
  for (const [at, [what, method, path, status]] of KINDS.entries()) {
    test(`is limited by address where it asks for ${what}`, async () => {
      const from = `127.0.1.${at + 1}`;
      const answered = await statuses(port, from, requests(method, path, LIMIT + 5));
      assert.equal(answered.length, LIMIT + 5);
      assert.deepEqual(answered.slice(0, LIMIT), Array(LIMIT).fill(status));
      assert.deepEqual([...new Set(answered.slice(LIMIT))], [429]);
      const other = await statuses(port, `127.0.5.${at + 1}`, requests(method, path, 1));
      assert.notEqual(other[0], 429, 'another address has its own limit');
    });
  }

  test('is told when to come again', async () => {
    const from = '127.0.2.1';
    const answer = await exchange(
      { port, from },
      requests('GET', '/nothing', LIMIT) + requests('GET', '/nothing', 1, 'Connection: close\r\n'),
    );
    assert.match(answer, /\r\nRetry-After: [1-9]\d*\r\n/i);
    assert.match(answer, /\r\nRateLimit: "address";r=0;t=\d+\r\n/i);
  });

  test('waits for refusals where it has many in a second, and nobody else does', async () => {
    let now = 0;
    const pace = new RefusalPace(() => now);
    const isAtOnce = (client: string) =>
      Promise.race([pace.next(client).then(() => true), setImmediate().then(() => false)]);
    const inASecond = async () => {
      const atOnce: boolean[] = [];
      for (let i = 0; i < 20; i++) atOnce.push(await isAtOnce('127.0.2.3'));
      return atOnce.lastIndexOf(true) + 1;
    };
    assert.equal(await inASecond(), 16);
    assert.equal(await isAtOnce('127.0.2.4'), true);
    now += 1_001;
    assert.equal(await inASecond(), 16);
  });

  test('leaves probes, preflights and callers with a key alone, though it floods from their address', async () => {
    const from = '127.0.2.2';
    assert.ok((await statuses(port, from, requests('GET', '/nothing', LIMIT + 5))).includes(429));
    const { key } = await service.key();
    const answered = await statuses(
      port,
      from,
      requests('GET', '/livez', 1) +
        requests('GET', '/readyz', 1) +
        requests('OPTIONS', '/v1/face/search', 1) +
        requests('GET', '/v1/collection/get-all', 1, `X-API-Key: ${key}\r\n`),
    );
    assert.ok(!answered.includes(429), answered.join());
  });
});

describe('The log of clients without a credential', () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const budget = new LogBudget(log);
  const addresses = new AddressLimits({ addressRateLimit: 1_000_000, trustedProxies: [] });
  let server: Server;
  let port: number;
  before(async () => {
    const app = createKoaApp(log, undefined, { addresses, lines: budget });
    app.use((context) => {
      if (context.path === '/act') context.state.trail = { caller: { accountId: 'acc' } as never };
      if (context.path === '/fail') throw new Error('broken');
      if (context.path !== '/act') throw new VisageError('NOT_FOUND', 'Nothing.');
      context.body = 'ok';
    });
    server = createHttpServer(app.callback());
    await listen(server, { host: '127.0.0.1', port: 0 });
    port = (server.address() as AddressInfo).port;
  });
  after(() => drain(server, 50));

  test('has 120 lines of an address in a minute, and then says how many more there were', async () => {
    await statuses(port, '127.0.3.1', requests('GET', '/nothing', 500));
    await statuses(port, '127.0.3.2', requests('GET', '/nothing', 10));
    const written = lines.filter(({ msg }) => msg === 'request').length;
    assert.equal(written, 120 + 11);
    lines.length = 0;
    budget.flush();
    assert.deepEqual(
      lines.map(({ level, address, lines: count }) => ({ level, address, count })),
      [{ level: 40, address: '127.0.3.1', count: 501 - 120 }],
    );
    lines.length = 0;
    await statuses(port, '127.0.3.1', requests('GET', '/nothing', 1));
    assert.equal(lines.length, 2, 'the next minute begins anew');
  });

  test('limits the lines of errors too', async () => {
    lines.length = 0;
    await statuses(port, '127.0.3.3', requests('GET', '/fail', 300));
    assert.ok(lines.length <= 240, `${lines.length} lines`);
    budget.flush();
    assert.match(JSON.stringify(lines.at(-1)), /suppressed log lines/);
  });

  test('never leaves out a line of a caller', async () => {
    lines.length = 0;
    await statuses(port, '127.0.3.4', requests('GET', '/act', 400));
    assert.equal(lines.filter(({ account }) => account === 'acc').length, 400);
  });

  test('is bounded over all addresses, and names the loudest', () => {
    const own: Record<string, unknown>[] = [];
    const all = new LogBudget(pino({}, { write: (line: string) => own.push(JSON.parse(line)) }));
    let written = 0;
    for (let i = 0; i < 30_000; i++) {
      for (let j = 0; j < (i === 7 ? 500 : 2); j++) written += Number(all.allows(`10.${i}`));
    }
    assert.equal(written, 3_000);
    all.flush();
    assert.equal(own.length, 21);
    assert.deepEqual([own[0]?.address, own[0]?.lines], ['10.7', 380]);
    const told = own.reduce((sum, { lines: count }) => sum + Number(count), 0);
    assert.equal(told + written, 29_999 * 2 + 500, 'every line is written or counted');
  });
});

test('A service that starts limits clients by address too', async () => {
  const log = pino({ level: 'silent' });
  const anonymousLimits = {
    addresses: new AddressLimits({ addressRateLimit: LIMIT, trustedProxies: [] }),
    lines: new LogBudget(log),
  };
  const server = createHttpServer(startingListener(new Health(), log, anonymousLimits));
  await listen(server, { host: '127.0.0.1', port: 0 });
  const { port } = server.address() as AddressInfo;
  const answered = await statuses(port, '127.0.4.1', requests('GET', '/v1/healthz', LIMIT + 3));
  assert.deepEqual(answered, [...Array(LIMIT).fill(503), 429, 429, 429]);
  await drain(server, 50);
});
