import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { uniforms } from '../../src/base/random.ts';
import { checkHead } from '../../src/http/request-head.ts';
import { createHttpServer, drain, listen } from '../../src/http/server.ts';
import { isFull } from '../../testing/attack.ts';

const CONVERSATIONS = isFull ? 2_000 : 100;

const QUIET_MS = 50;

const DECOYS = ['\r\n\r\n', '\n\n', 'GET /decoy HTTP/1.1\r\nHost: a\r\n\r\n', '0\r\n\r\n', 'abc', '\r', '\n'];
const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'DELETE'];
const CODINGS = [
  'chunked',
  'chunked',
  'chunked',
  'Chunked',
  'gzip, chunked',
  'chunked, identity',
  'xchunked',
];
const EXTENSIONS = [';a=b', ';a="b\t c"', ';x', ` ;y=${'z'.repeat(200)}`];
const CONNECTIONS = ['Connection: Upgrade', 'Upgrade: h2c', 'Connection: close', 'Expect: 100-continue'];
const LENGTHS = ['Content-Length: 0', 'Content-Length: +3', 'Content-Length: 3 ', 'Content-Length: 3, 3'];

class Dice {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = uniforms(seed);
  }

  below(count: number): number {
    return Math.floor(this.#next() * count);
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

function payload(dice: Dice): string {
  const text = Array.from({ length: dice.below(4) }, () => dice.pick(DECOYS)).join('');
  return text.repeat(dice.oneIn(10) ? 200 : 1);
}

function chunked(dice: Dice): string {
  const chunks = Array.from({ length: dice.below(4) }, () => payload(dice)).filter((text) => text !== '');
  const texts = chunks.map((text) => {
    const size = text.length.toString(16);
    const extension = dice.oneIn(5) ? dice.pick(EXTENSIONS) : '';
    return `${dice.oneIn(5) ? `000${size.toUpperCase()}` : size}${extension}\r\n${text}\r\n`;
  });
  const trailers = dice.oneIn(5) ? 'X-Trailer: a\r\nContent-Length: 5\r\n' : '';
  return `${texts.join('')}${dice.pick(['0', '000', '0;end'])}\r\n${trailers}\r\n`;
}

function request(dice: Dice, at: number): string {
  const headers = ['Host: a'];
  if (dice.oneIn(5)) headers.push(`X-Pad: ${'p'.repeat(dice.below(600))}`);
  if (dice.oneIn(8)) headers.push(dice.pick(CONNECTIONS));
  if (dice.oneIn(20)) headers.push(dice.pick(LENGTHS));
  let body = '';
  const form = dice.below(3);
  if (form === 0) {
    body = payload(dice);
    headers.push(`Content-Length: ${dice.oneIn(10) ? '0' : ''}${body.length}`);
  } else if (form === 1) {
    body = chunked(dice);
    headers.push(`Transfer-Encoding: ${dice.pick(CODINGS)}`);
  } else if (dice.oneIn(10)) body = payload(dice);
  const end = dice.oneIn(10) ? dice.pick(['\n', '\r', '\r\n ', '\n\r']) : '\r\n';
  const blanks = '\r\n'.repeat(dice.oneIn(10) ? dice.below(200) : 0);
  const version = dice.oneIn(40) ? dice.pick(['1.0', '2.0', '0.9']) : '1.1';
  return `${blanks}${dice.pick(METHODS)} /${at} HTTP/${version}${end}${headers.join(end)}${end}${end}${body}`;
}

function conversation(dice: Dice): string {
  let text = Array.from({ length: 1 + dice.below(30) }, (_, at) => request(dice, at)).join('');
  if (dice.oneIn(3)) {
    const at = dice.below(text.length);
    text = text.slice(0, at) + dice.pick(['', '\n', '\r\n', '\0', ' ', 'G']) + text.slice(at + dice.below(3));
  }
  return `${text}GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
}

type Seen = string[];

function recorder(seen: Seen): RequestListener {
  return (request, response) => {
    const { method, url, headers } = request;
    const at = seen.push(`${method} ${url} began`) - 1;
    if (headers.expect) response.writeContinue();
    let body = '';
    request.setEncoding('latin1').on('data', (piece) => {
      body += piece;
    });
    request
      .on('error', () => {})
      .once('end', () => {
        seen[at] = `${method} ${url} ${JSON.stringify([body, headers, request.trailers])}`;
        response.end(body);
      });
  };
}

async function send(server: Server, text: string, dice: Dice): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.setTimeout(QUIET_MS, () => socket.destroy());
  socket.on('error', () => {}).resume();
  const bytes = Buffer.from(text, 'latin1');
  const isCut = dice.oneIn(2);
  for (let at = 0; at < bytes.length && !socket.destroyed; ) {
    const size = isCut ? 1 + dice.below(1 + dice.below(2_000)) : bytes.length;
    socket.write(bytes.subarray(at, at + size));
    at += size;
    if (isCut && dice.oneIn(3)) await sleep(0);
  }
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

describe('The pieces that the parser is given', () => {
  let ours: Server;
  let plain: Server;
  let seen: { ours: Seen; plain: Seen };
  before(async () => {
    ours = createHttpServer((...args) => recorder(seen.ours)(...args));
    const refused = new WeakSet<Seen>();
    const follow: RequestListener = (request, response) => {
      try {
        checkHead(request);
      } catch {
        refused.add(seen.plain);
      }
      if (refused.has(seen.plain)) response.end();
      else recorder(seen.plain)(request, response);
    };
    plain = createServer({ maxHeaderSize: 16 * 1024, requireHostHeader: false }, follow);
    plain.maxHeadersCount = 0;
    plain.on('clientError', (_error, socket) => socket.destroy());
    plain.on('checkContinue', follow).on('checkExpectation', follow);
    for (const server of [ours, plain]) await listen(server, { host: '127.0.0.1', port: 0 });
  });
  after(() => Promise.all([drain(ours, 50), drain(plain, 50)]));

  test('hold the same requests as the bytes do, whatever their form and wherever they are cut', async () => {
    for (let seed = 1; seed <= CONVERSATIONS; seed++) {
      const text = conversation(new Dice(seed));
      seen = { ours: [], plain: [] };
      for (const server of [plain, ours]) await send(server, text, new Dice(-seed));
      assert.deepEqual(seen.ours, seen.plain, `seed ${seed}: ${JSON.stringify(text.slice(0, 3_000))}`);
    }
  });
});
