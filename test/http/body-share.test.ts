import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { readBody } from '../../src/http/body.ts';
import { BodyBudget } from '../../src/http/body-budget.ts';

const LIMIT = 60_000_000;

let budget: BodyBudget;
let outcomes: (Buffer | Error)[];
let server: Server;
let port: number;
before(async () => {
  server = createServer((incoming, response) => {
    const hold = budget.open({ account: 'a', key: 'k' });
    readBody(incoming, response, LIMIT, hold, { ms: 300, bytes: 200 })
      .catch((error: Error) => error)
      .then((outcome) => {
        outcomes.push(outcome);
        hold.close();
        response.end();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
after(() => {
  server.closeAllConnections();
  server.close();
});

function begin(head: string): Socket {
  budget = new BodyBudget(100_000_000);
  outcomes = [];
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`);
  return socket;
}

async function outcome(): Promise<Buffer | Error> {
  while (outcomes.length === 0) await wait(5);
  return outcomes[0] as Buffer | Error;
}

describe('A body that is read', () => {
  test('counts what has come and nothing that is only announced', async () => {
    const socket = begin('Content-Length: 50000000');
    socket.write(Buffer.alloc(1_000_000));
    while (budget.held < 1_000_000) await wait(5);
    assert.equal(budget.held, 1_000_000);
    socket.destroy();
    await outcome();
    assert.equal(budget.held, 0);
  });

  test('refuses a body that cannot fit before it is sent', async () => {
    const socket = begin('Content-Length: 50000000');
    budget = new BodyBudget(60_000_000);
    assert.equal(((await outcome()) as { code?: string }).code, 'OVERLOADED');
    socket.destroy();
  });

  test('refuses a body in chunks when the share is used up, and gives back what it held', async () => {
    const socket = begin('Transfer-Encoding: chunked');
    budget = new BodyBudget(1_000_000);
    const chunk = Buffer.alloc(100_000);
    for (let i = 0; i < 10; i++) {
      socket.write(`${chunk.length.toString(16)}\r\n`);
      socket.write(chunk);
      socket.write('\r\n');
    }
    assert.equal(((await outcome()) as { code?: string }).code, 'OVERLOADED');
    assert.equal(budget.held, 0);
    socket.destroy();
  });

  test('ends the connection of a client that stops or drips', async () => {
    for (const drip of [0, 1]) {
      const socket = begin('Content-Length: 1000000');
      socket.write(Buffer.alloc(5000));
      const dripping = setInterval(() => socket.write(Buffer.alloc(drip)), 20);
      assert.equal(((await outcome()) as Error).name, 'ClientGoneError');
      clearInterval(dripping);
      socket.destroy();
      assert.equal(budget.held, 0);
    }
  });

  test('waits for a client that is slow and keeps coming', async () => {
    const socket = begin('Content-Length: 20000');
    for (let i = 0; i < 20; i++) {
      socket.write(Buffer.alloc(1000, i));
      await wait(50);
    }
    const read = await outcome();
    assert.ok(Buffer.isBuffer(read) && read.length === 20_000);
    socket.destroy();
  });
});
