import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Network, parseNetwork } from '../../src/base/ip-networks.ts';
import type { ConnectionConfig } from '../../src/config/config.ts';
import type { Connection } from '../../src/http/connection.ts';
import { type CloseReason, Connections } from '../../src/http/connections.ts';
import { createHttpServer, drain, listen } from '../../src/http/server.ts';
import { exchange, open, pipelineUnread, requests } from '../../testing/hostile-clients.ts';

const servers: Server[] = [];
after(() => Promise.all(servers.map((server) => drain(server, 50))));

async function serve(
  listener: RequestListener,
  connections?: Connections,
  host = '127.0.0.1',
): Promise<number> {
  const server = createHttpServer(listener, connections);
  servers.push(server);
  await listen(server, { host, port: 0 });
  return (server.address() as AddressInfo).port;
}

function limited(limits: Partial<ConnectionConfig>, trusted: readonly string[] = []) {
  const closed: [CloseReason, string][] = [];
  const connections = new Connections({
    limits: { maxPerAddress: 64, maxTotal: 4096, idleTimeoutMs: 65_000, ...limits },
    trustedProxies: () => trusted.map((text) => parseNetwork(text) as Network),
    onClose: (...args) => closed.push(args),
  });
  return { connections, closed };
}

const bodies = (answers: string) =>
  Array.from(answers.matchAll(/\r\n\r\n(\S*?)(?=HTTP\/1\.1|$)/g), ([, body]) => body);

describe('Requests that come in a row over one connection', () => {
  test('are answered in their order, one at a time, with and without bodies', async () => {
    let inFlight = 0;
    let most = 0;
    const port = await serve(async (request, response) => {
      most = Math.max(most, ++inFlight);
      let body = '';
      for await (const chunk of request) body += chunk;
      await sleep(Math.random() * 3);
      inFlight--;
      response.end(`${request.url}${body}`);
    });
    const big = 'b'.repeat(100_000);
    const texts = Array.from({ length: 60 }, (_, i) => {
      const close = i === 59 ? 'Connection: close\r\n' : '';
      if (i % 4 === 1) return `POST /${i} HTTP/1.1\r\nHost: a\r\n${close}Content-Length: 5\r\n\r\n:\r\n\r\n`;
      if (i % 4 === 2) return `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: ${big.length}\r\n\r\n${big}`;
      if (i % 4 === 3)
        return `POST /${i} HTTP/1.1\r\nHost: a\r\n${close}Transfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n0\r\n\r\n`;
      return `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`;
    });
    const answer = await exchange({ port }, texts.join(''));
    const urls = Array.from(answer.matchAll(/(?<=\r\n\r\n)\/(\d+)/g), ([, number]) => Number(number));
    assert.deepEqual(
      urls,
      texts.map((_, i) => i),
    );
    assert.equal(answer.split(big).length - 1, 15);
    assert.equal(most, 1);
  });

  test('are not begun while the client reads no answer', async () => {
    let begun = 0;
    const answer = Buffer.alloc(20_000_000);
    const port = await serve((_, response) => {
      begun++;
      response.end(answer);
    });
    const socket = await pipelineUnread({ port }, requests('GET', '/', 1000));
    await sleep(300);
    assert.equal(begun, 1);
    socket.destroy();
  });

  test('leave other connections their turn', async () => {
    let answered = 0;
    let before = -1;
    const port = await serve(({ url }, response) => {
      answered++;
      if (url === '/other') before = answered;
      response.end('x');
    });
    const flood = await open({ port });
    const other = await open({ port });
    flood.resume().write(requests('GET', '/', 2000));
    other.resume().write(requests('GET', '/other', 1));
    while (before < 0) await sleep(1);
    assert.ok(before < 1900, `the other client's request was number ${before}`);
    for (const socket of [flood, other]) socket.destroy();
  });

  test('are answered before a broken one is refused with a problem', async () => {
    const port = await serve(async ({ url }, response) => {
      await sleep(5);
      response.end(url);
    });
    const answer = await exchange(
      { port },
      `${requests('GET', '/1', 1)}${requests('GET', '/2', 1)}BROKEN\r\n\r\n`,
    );
    const statuses = Array.from(answer.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status);
    assert.deepEqual(statuses, ['200', '200', '400']);
    assert.deepEqual(bodies(answer).slice(0, 2), ['/1', '/2']);
    const problem = JSON.parse(answer.slice(answer.indexOf('{')));
    assert.equal(problem.code, 'VALIDATION_FAILED');
  });

  test('end where a listener wants the connection closed', async () => {
    let begun = 0;
    const port = await serve((_, response) => {
      begun++;
      response.setHeader('Connection', 'close').end('x');
    });
    const answer = await exchange({ port }, requests('GET', '/', 50));
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
    assert.equal(begun, 1);
  });
});

describe('An answer', () => {
  test('that is not read ends its connection after half a minute', async () => {
    const large = Buffer.alloc(20_000_000);
    let connection: Connection | null = null;
    const port = await serve(({ socket }, response) => {
      connection = socket as unknown as Connection;
      response.end(large);
    });
    const socket = await pipelineUnread({ port }, requests('GET', '/', 1));
    while (!connection) await sleep(5);
    await sleep(200);
    const { cutIfStalled } = connection as Connection;
    const isCut = (ms: number) => cutIfStalled.call(connection as Connection, performance.now() + ms);
    assert.equal(isCut(29_000), false);
    assert.equal(isCut(31_000), true);
    socket.resume();
    await once(socket, 'close');
    assert.ok(socket.bytesRead < large.length);
  });

  test('that is read slowly but steadily arrives whole', async () => {
    const large = Buffer.alloc(12_000_000, 'x');
    let connection: Connection | null = null;
    const port = await serve(({ socket }, response) => {
      connection = socket as unknown as Connection;
      response.end(large);
    });
    const socket = await pipelineUnread({ port }, requests('GET', '/', 1, 'Connection: close\r\n'));
    let length = 0;
    for await (const chunk of socket) {
      length += chunk.length;
      await sleep(2);
      assert.equal((connection as Connection | null)?.cutIfStalled(performance.now() + 25_000), false);
    }
    assert.ok(length > large.length);
  });
});

describe('A body', () => {
  test('that nobody reads stays with the client', async () => {
    const port = await serve(() => {});
    const socket = await open({ port });
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
    const piece = Buffer.alloc(1_000_000);
    let sent = 0;
    while (sent < 60 && socket.write(piece)) sent++;
    for (; sent < 60; sent++) {
      const drained = await Promise.race([once(socket, 'drain'), sleep(300)]);
      if (!drained) break;
      socket.write(piece);
    }
    assert.ok(sent < 40, `${sent} MB were taken`);
    socket.destroy();
  });
});

describe('The number of connections', () => {
  const ok: RequestListener = (_, response) => response.end('ok');
  const openMany = async (
    port: number,
    from: string,
    count: number,
    connections: Connections,
    total = count,
  ) => {
    const sockets = await Promise.all(Array.from({ length: count }, () => open({ port, from })));
    while (connections.open < total) await sleep(1);
    return sockets;
  };
  const isAnswered = async (port: number, from: string) =>
    (await exchange({ port, from }, requests('GET', '/', 1, 'Connection: close\r\n'))).startsWith(
      'HTTP/1.1 200',
    );

  test('of one address has a limit, and the answer says so', async () => {
    const { connections, closed } = limited({ maxPerAddress: 5 });
    const port = await serve(ok, connections);
    const held = await openMany(port, '127.0.0.2', 5, connections);
    const answer = await exchange({ port, from: '127.0.0.2' }, requests('GET', '/', 1));
    assert.match(answer, /^HTTP\/1.1 429 /);
    assert.match(answer, /Retry-After: 1\r\n/);
    assert.equal(JSON.parse(answer.slice(answer.indexOf('{'))).code, 'RATE_LIMIT_EXCEEDED');
    assert.ok(await isAnswered(port, '127.0.0.3'), 'another address has its own limit');
    assert.deepEqual(closed, [['address_limit', '127.0.0.2']]);
    held[0]?.destroy();
    while (connections.open > 4) await sleep(1);
    assert.ok(await isAnswered(port, '127.0.0.2'), 'a place that was left is free again');
    for (const socket of held) socket.destroy();
  });

  test('of a trusted proxy is limited in total only, and the answer says so where all have work', async () => {
    const { connections } = limited({ maxPerAddress: 2, maxTotal: 8 }, ['127.0.0.2']);
    let begun = 0;
    const port = await serve(() => begun++, connections);
    const held = await openMany(port, '127.0.0.2', 8, connections);
    for (const socket of held) socket.write(requests('GET', '/', 1));
    while (begun < 8) await sleep(1);
    const answer = await exchange({ port, from: '127.0.0.2' }, requests('GET', '/', 1));
    assert.match(answer, /^HTTP\/1.1 503 /);
    assert.equal(JSON.parse(answer.slice(answer.indexOf('{'))).code, 'OVERLOADED');
    assert.equal(connections.closed.total_limit, 1);
    for (const socket of held) {
      assert.equal(socket.closed, false);
      socket.destroy();
    }
  });

  test('in total leaves room for a new client where the others have just come and say nothing', async () => {
    const { connections, closed } = limited({ maxTotal: 4 });
    const port = await serve(ok, connections);
    const held = [
      ...(await openMany(port, '127.0.0.2', 2, connections)),
      ...(await openMany(port, '127.0.0.3', 2, connections, 4)),
    ];
    for (const socket of held) socket.write('GET / HTTP/1.1\r\nX-A: ');
    assert.ok(await isAnswered(port, '127.0.0.4'));
    assert.deepEqual(
      closed.map(([reason]) => reason),
      ['made_room'],
    );
    for (const socket of held) socket.destroy();
  });

  test('in total closes the longest silent connection of the address that has the most silent ones', async () => {
    const { connections, closed } = limited({ maxTotal: 7 });
    let begun = 0;
    const port = await serve(({ url }, response) => {
      begun++;
      if (url === '/') response.end('ok');
    }, connections);
    const [older] = await openMany(port, '127.0.0.2', 1, connections);
    const busy = await openMany(port, '127.0.0.3', 4, connections, 5);
    for (const socket of busy) socket.write(requests('GET', '/endless', 1));
    const silent: Socket[] = [];
    for (let count = 6; count <= 7; count++) {
      silent.push(...(await openMany(port, '127.0.0.4', 1, connections, count)));
      await sleep(2);
    }
    while (begun < 4) await sleep(1);
    assert.ok(await isAnswered(port, '127.0.0.5'));
    while (!silent[0]?.resume().closed) await sleep(1);
    assert.deepEqual(closed, [['made_room', '127.0.0.4']]);
    for (const socket of [older, silent[1], ...busy]) {
      assert.equal(socket?.closed, false);
      socket?.destroy();
    }
  });

  test('in total takes a trusted proxy for one full address, though it has more connections', async () => {
    const { connections, closed } = limited({ maxPerAddress: 2, maxTotal: 6 }, ['127.0.0.2']);
    const port = await serve(ok, connections);
    const held = [
      ...(await openMany(port, '127.0.0.3', 2, connections)),
      ...(await openMany(port, '127.0.0.2', 4, connections, 6)),
    ];
    assert.ok(await isAnswered(port, '127.0.0.4'));
    assert.deepEqual(closed, [['made_room', '127.0.0.3']]);
    for (const socket of held) socket.destroy();
  });

  test('without a further request ends after the idle time, which a reload may change', async () => {
    const { connections } = limited({ idleTimeoutMs: 600_000 });
    const port = await serve((_, response) => response.end(), connections);
    const keptFor = async () => (await fetch(`http://127.0.0.1:${port}`)).headers.get('keep-alive');
    assert.equal(await keptFor(), 'timeout=600');
    connections.limits = { ...connections.limits, idleTimeoutMs: 70_000 };
    assert.equal(await keptFor(), 'timeout=70');
  });

  test('is one of all listeners together', async () => {
    const { connections } = limited({ maxPerAddress: 4 });
    const [first, second] = [await serve(ok, connections), await serve(ok, connections)];
    const held = await openMany(first, '127.0.0.2', 4, connections);
    assert.match(
      await exchange({ port: second, from: '127.0.0.2' }, requests('GET', '/', 1)),
      /^HTTP\/1.1 429 /,
    );
    for (const socket of held) socket.destroy();
  });

  test('leaves room for a client whose address holds connections that do not read', async () => {
    const { connections } = limited({ maxPerAddress: 4 });
    const large = Buffer.alloc(20_000_000);
    const port = await serve(
      ({ url }, response) => response.end(url === '/large' ? large : 'ok'),
      connections,
    );
    const text = requests('GET', '/large', 10);
    const held = await Promise.all(
      Array.from({ length: 4 }, () => pipelineUnread({ port, from: '127.0.0.2' }, text)),
    );
    await sleep(1_500);
    assert.ok(await isAnswered(port, '127.0.0.2'));
    assert.equal(connections.closed.made_room, 1);
    for (const socket of held) socket.destroy();
  });

  test('never ends a connection whose request is at work', async () => {
    const { connections } = limited({ maxPerAddress: 2 });
    const held: (() => void)[] = [];
    const port = await serve((_, response) => held.push(() => response.end('ok')), connections);
    const sockets = await openMany(port, '127.0.0.2', 2, connections);
    for (const socket of sockets) socket.write(requests('GET', '/', 1));
    await sleep(1_200);
    assert.match(await exchange({ port, from: '127.0.0.2' }, requests('GET', '/', 1)), /^HTTP\/1.1 429 /);
    const answers = sockets.map((socket: Socket) => once(socket, 'data'));
    for (const release of held) release();
    for (const [data] of await Promise.all(answers)) assert.match(String(data), /^HTTP\/1.1 200 /);
    for (const socket of sockets) socket.destroy();
  });

  test('leaves room for a client whose address holds connections that send half of a body', async () => {
    let connection: Connection | null = null;
    const port = await serve((request) => {
      connection = request.socket as unknown as Connection;
      request.resume();
    });
    const overstayed = (ms: number, idleMs = 5_000) =>
      (connection as Connection | null)?.overstayed(performance.now() + ms, idleMs) ?? Number.NaN;
    const socket = await open({ port });
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\nab');
    while (!connection) await sleep(1);
    assert.ok(overstayed(0) <= 0);
    assert.ok(overstayed(6_000) > 0);
    assert.ok(overstayed(0, 0) <= 0, 'in total, a body has a second');
    assert.ok(overstayed(2_000, 0) > 0);
    socket.write('c'.repeat(3998));
    while (overstayed(6_000) > 0) await sleep(1);
    socket.destroy();
  });

  test('leaves room for a client whose address holds connections that send a byte now and then', async () => {
    let connection: Connection | null = null;
    let received = 0;
    const port = await serve((request) => {
      connection = request.socket as unknown as Connection;
      request.on('data', (chunk) => {
        received += chunk.length;
      });
    });
    const silence = (now: number) => (connection as Connection | null)?.overstayed(now, 0) ?? Number.NaN;
    const socket = await open({ port });
    const send = async (bytes: number) => {
      const wanted = received + bytes;
      socket.write('a'.repeat(bytes));
      while (received < wanted) await sleep(1);
    };
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n');
    while (!connection) await sleep(1);
    const later = performance.now() + 10_000;
    const before = silence(later);
    await sleep(2);
    await send(1);
    assert.equal(silence(later), before);
    await send(2_000);
    assert.ok(silence(later) < before);
    socket.destroy();
  });

  test('counts connections that differ in nothing but the address that they came to', async () => {
    const { connections } = limited({});
    const port = await serve(ok, connections, '0.0.0.0');
    const first = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
    await once(first, 'connect');
    const localPort = first.localPort as number;
    const second = connect({ host: '127.0.0.3', port, localAddress: '127.0.0.2', localPort });
    await once(second, 'connect');
    for (let tries = 0; connections.open < 2 && tries < 200; tries++) await sleep(5);
    assert.equal(connections.open, 2);
    for (const socket of [first, second]) socket.destroy();
  });

  test('counts no client that resets its connection in the middle of a request as malformed', async () => {
    const { connections, closed } = limited({});
    const port = await serve(ok, connections);
    for (const head of [
      'GET / HTTP/1.1\r\nX-A: ',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na',
    ]) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(head);
      while (connections.open === 0) await sleep(1);
      await sleep(20);
      socket.resetAndDestroy();
      while (connections.open > 0) await sleep(1);
    }
    assert.deepEqual(closed, []);
  });

  test('counts each connection once, however it ends', async () => {
    const { connections } = limited({});
    const port = await serve(ok, connections);
    for (let i = 0; i < 20; i++) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      if (i % 3 === 0) socket.resetAndDestroy();
      else if (i % 3 === 1) socket.end(requests('GET', '/', 2));
      else socket.destroy();
    }
    for (let tries = 0; connections.open > 0 && tries < 400; tries++) await sleep(5);
    assert.equal(connections.open, 0);
  });
});
