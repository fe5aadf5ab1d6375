import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { VisageError } from '../../src/errors.ts';
import { readBody } from '../../src/http/body.ts';

async function received<T>(
  raw: Iterable<Buffer>,
  read: (request: IncomingMessage) => Promise<T>,
): Promise<T> {
  let answer: (value: Promise<T>) => void;
  const answered = new Promise<T>((resolve) => {
    answer = resolve;
  });
  const server = createServer((request, response) => {
    const reading = read(request);
    answer(reading);
    reading.catch(() => {}).finally(() => response.end());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  for (const part of raw) socket.write(part);
  try {
    return await answered;
  } finally {
    socket.destroy();
    server.close();
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const HEAD = Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');

function chunk(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
}

test('A body in pieces of any size comes whole, with memory of its own', async () => {
  const pieces = Array.from({ length: 300 }, (_, i) => randomBytes([1, 5, 4_000, 70_000][i % 4] as number));
  const sent = [HEAD, ...pieces.map(chunk), Buffer.from('0\r\n\r\n')];
  const body = await received(sent, (request) => readBody(request, {} as never, 50_000_000));
  assert.ok(body.equals(Buffer.concat(pieces)));
  assert.equal(body.buffer.byteLength, body.length);
});

test('Two hundred thousand pieces of a byte take little more memory than their bytes', async () => {
  const count = 200_000;
  const piece = chunk(Buffer.from('x'));
  const part = Buffer.concat(Array.from({ length: count / 10 }, () => piece));
  const sent = [HEAD, ...Array.from({ length: 10 }, () => part)];
  const grown = await received(sent, async (request) => {
    let seen = 0;
    request.on('data', (data: Buffer) => {
      seen += data.length;
    });
    const reading = readBody(request, {} as never, 1_000_000);
    reading.catch(() => {});
    collect();
    const before = process.memoryUsage();
    while (seen < count) await new Promise((turn) => setImmediate(turn));
    collect();
    const after = process.memoryUsage();
    return after.heapUsed + after.external - before.heapUsed - before.external;
  });
  assert.ok(grown < 20 * count, `${grown} bytes for ${count} pieces`);
});

test('A body without a length is refused with its first byte beyond the limit, and read no further', async () => {
  for (const [size, outcome] of [
    [100, 'taken'],
    [101, 'PAYLOAD_TOO_LARGE'],
  ] as const) {
    const pieces = [randomBytes(60), randomBytes(size - 60)];
    const sent = [HEAD, ...pieces.map(chunk), Buffer.from('0\r\n\r\n')];
    const result = await received(sent, async (request) => {
      try {
        await readBody(request, {} as never, 100);
        return 'taken';
      } catch (error) {
        assert.equal(request.isPaused(), true);
        return (error as VisageError).code;
      }
    });
    assert.equal(result, outcome);
  }
});
