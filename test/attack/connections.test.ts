import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { attack, isFull } from '../../testing/attack.ts';
import {
  exchange,
  open,
  pipelineUnread,
  readSlowly,
  requests,
  residentBytes,
  type Target,
} from '../../testing/hostile-clients.ts';
import { type Service, startService } from '../../testing/service.ts';

const CONNECTIONS = isFull ? 100 : 20;
const REQUESTS = 1_000;
const CHEAP_REQUESTS = isFull ? REQUESTS : 30;

/** All listeners together; each attacking address has as many as the service allows. */
const MOST_CONNECTIONS = isFull ? 4096 : 256;
const PER_ADDRESS = 64;

const MOST_GROWTH = 32 * 1024 * 1024;

/** No address may have more than 64, so the attacker has several. */
const addressOf = (at: number) => `127.0.0.${2 + Math.floor(at / 50)}`;

const PROXY = '127.0.8.1';

let service: Service;
let plain: Target;
let secure: Target;
let metrics: Target;
let pid: number;
before(async () => {
  service = await startService({
    VISAGE_TLS_LISTEN: '127.0.0.1:0',
    VISAGE_METRICS_LISTEN: '127.0.0.1:0',
    VISAGE_ADDRESS_RATE_LIMIT: '1000000',
    VISAGE_MAX_CONNECTIONS: String(MOST_CONNECTIONS),
    VISAGE_TRUSTED_PROXIES: PROXY,
  });
  const { child } = service;
  const portOf = (url: unknown) => Number(new URL(String(url)).port);
  const listening = child.log.find(({ msg }) => msg === 'listening') as { urls: string[] };
  plain = { port: portOf(child.url) };
  secure = { port: portOf(listening.urls.find((url) => url.startsWith('https'))), isSecure: true };
  metrics = { port: portOf(child.log.find(({ msg }) => msg === 'metrics')?.url) };
  pid = child.process.pid as number;
});
after(() => service.stop());

async function growthDuring(
  begin: (at: number) => Promise<Socket>,
): Promise<{ growth: number; isAlive: boolean }> {
  const before = residentBytes(pid);
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, (_, at) => begin(at)));
  let most = 0;
  for (let i = 0; i < (isFull ? 20 : 4); i++) {
    await sleep(isFull ? 250 : 100);
    most = Math.max(most, residentBytes(pid) - before);
  }
  const isAlive = await fetch(`${service.child.url}/livez`, { signal: AbortSignal.timeout(10_000) }).then(
    ({ status }) => status === 200,
    () => false,
  );
  for (const socket of sockets) socket.destroy();
  return { growth: most, isAlive };
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`;

describe('Connections', () => {
  attack(
    'A connection costs a bounded amount of memory, whatever it asks for and never reads',
    async (tally) => {
      const key = (await service.key()).key;
      const list = requests('GET', '/v1/collection/get-all', CHEAP_REQUESTS, `X-API-Key: ${key}\r\n`);
      const texts: [string, Target, string][] = [
        ['the Swagger bundle', plain, requests('GET', '/swagger/swagger-ui-bundle.js', REQUESTS)],
        ['the Swagger bundle over HTTPS', secure, requests('GET', '/swagger/swagger-ui-bundle.js', REQUESTS)],
        ['the OpenAPI document', plain, requests('GET', '/openapi.json', REQUESTS)],
        ['the metrics', metrics, requests('GET', '/metrics', isFull ? REQUESTS : 3)],
        ['the time', plain, requests('GET', '/v1/healthz', CHEAP_REQUESTS)],
        ['unknown paths', plain, requests('GET', '/nothing', CHEAP_REQUESTS)],
        ['HEAD', plain, requests('HEAD', '/swagger/swagger-ui-bundle.js', CHEAP_REQUESTS)],
        ['broken requests', plain, 'GARBAGE\r\n\r\n'.repeat(REQUESTS)],
        ['lists', plain, list],
        ['expectations', plain, requests('GET', '/swagger', CHEAP_REQUESTS, 'Expect: 100-continue\r\n')],
        ['empty lines', plain, '\r\n'.repeat(100_000)],
        [
          'line ends without a return',
          plain,
          'GET /swagger/swagger-ui-bundle.js HTTP/1.1\nHost: a\n\n'.repeat(REQUESTS),
        ],
      ];
      for (const [what, target, text] of texts) {
        const { growth, isAlive } = await growthDuring((at) =>
          pipelineUnread({ ...target, from: addressOf(at) }, text),
        );
        tally.attempt(`${what}: ${megabytes(growth)} more`, growth > MOST_GROWTH);
        tally.attempt(`${what}: /livez does not answer`, !isAlive);
      }
    },
  );

  attack(
    'A connection costs a bounded amount of memory where its client reads a byte a second',
    async (tally) => {
      const text = requests('GET', '/swagger/swagger-ui-bundle.js', REQUESTS);
      const { growth, isAlive } = await growthDuring(
        async (at) =>
          (await readSlowly({ ...plain, from: addressOf(at) }, text, { bytes: 1, ms: 1000 })).socket,
      );
      tally.attempt(`${megabytes(growth)} more`, growth > MOST_GROWTH);
      tally.attempt('/livez does not answer', !isAlive);
    },
  );

  attack(
    'A connection costs a bounded amount of memory where its client is slow, half open or silent',
    async (tally) => {
      const clients: Record<string, (at: number) => Promise<Socket>> = {
        'half a head': (at) => pipelineUnread({ ...plain, from: addressOf(at) }, 'GET / HTTP/1.1\r\nX-A: '),
        silence: (at) => open({ ...plain, from: addressOf(at) }),
        'half a body': (at) =>
          pipelineUnread(
            { ...plain, from: addressOf(at) },
            'POST /v1/face/search HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\nabc',
          ),
        'half open': async (at) => {
          const socket = await open({ ...plain, from: addressOf(at), allowHalfOpen: true });
          socket.pause().end(requests('GET', '/swagger/swagger-ui-bundle.js', REQUESTS));
          return socket;
        },
        'no handshake': (at) => open({ port: secure.port, from: addressOf(at) }),
      };
      for (const [what, begin] of Object.entries(clients)) {
        const { growth, isAlive } = await growthDuring(begin);
        tally.attempt(`${what}: ${megabytes(growth)} more`, growth > MOST_GROWTH);
        tally.attempt(`${what}: /livez does not answer`, !isAlive);
      }
    },
  );

  attack(
    'A connection finds no place beyond the 64th of its address, on whichever listener',
    async (tally) => {
      for (const target of [plain, secure, metrics]) {
        const from = '127.0.9.1';
        const held = await Promise.all(Array.from({ length: 64 }, () => open({ port: plain.port, from })));
        await sleep(100);
        const { port } = target;
        const more = await Promise.all(Array.from({ length: 20 }, () => open({ port, from })));
        await Promise.all(
          more.map((socket) => socket.closed || Promise.race([once(socket.resume(), 'close'), sleep(3000)])),
        );
        for (const socket of more) tally.attempt(`a connection to port ${port}`, !socket.closed);
        for (const socket of [...held, ...more]) socket.destroy();
        await sleep(200);
      }
    },
  );

  attack(
    'A connection does not keep a health probe out, though it and its like hold every place of the address',
    async (tally) => {
      const from = '127.0.9.2';
      const text = requests('GET', '/swagger/swagger-ui-bundle.js', REQUESTS);
      const held = await Promise.all(
        Array.from({ length: 80 }, () => pipelineUnread({ ...plain, from }, text)),
      );
      await sleep(2_000);
      // A busy machine needs a while to fill the unread connections.
      let isAnswered = false;
      for (let probe = 0; probe < 10 && !isAnswered; probe++) {
        const text = requests('GET', '/livez', 1, 'Connection: close\r\n');
        isAnswered = (await exchange({ ...plain, from }, text)).startsWith('HTTP/1.1 200');
        if (!isAnswered) await sleep(1_000);
      }
      tally.attempt('/livez from the same address', !isAnswered);
      for (const socket of held) socket.destroy();
    },
  );
});

const BODY_HEAD = 'POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n';

const SILENT_CLIENTS: Record<string, { readonly isSecure?: boolean; readonly text?: string }> = {
  silence: {},
  'no handshake': { isSecure: true },
  'headers byte by byte': { text: 'GET / HTTP/1.1\r\nX-A: ' },
  'a body byte by byte': { text: BODY_HEAD },
};

describe('Connections in total', () => {
  attack('A connection that does nothing shuts no client out, however many there are', async (tally) => {
    const livez = requests('GET', '/livez', 1, 'Connection: close\r\n');
    for (const [what, { isSecure, text }] of Object.entries(SILENT_CLIENTS)) {
      for (const proxy of [null, PROXY]) {
        const working = (await open({ ...plain, from: '127.0.7.1' })).setEncoding('latin1');
        const answerOf = async () => {
          if (working.closed) return '';
          working.write(requests('GET', '/livez', 1));
          return String(await Promise.race([once(working, 'data'), once(working, 'close')]));
        };
        await answerOf();
        const held: Socket[] = [];
        const hold = async (at: number) => {
          const from = proxy ?? `127.0.6.${1 + Math.floor(at / PER_ADDRESS)}`;
          const socket = await open({ port: isSecure ? secure.port : plain.port, from });
          held[at] = socket.resume();
          if (text) socket.write(text);
        };
        for (let at = 0; at < MOST_CONNECTIONS - 1; at++) await hold(at);
        const trickle = setInterval(() => {
          for (const socket of held) if (text && socket.writable) socket.write('a');
        }, 2_000);
        // A request gives way after a second without progress.
        if (text) await sleep(1_500);
        for (let probe = 0; probe < 5; probe++) {
          const answer = await exchange({ ...plain, from: `127.0.5.${1 + probe}` }, livez, 30_000);
          tally.attempt(`${what}: ${answer.slice(0, 15)}`, !answer.startsWith('HTTP/1.1 200'));
          await Promise.all(held.flatMap(({ closed }, at) => (closed ? [hold(at)] : [])));
        }
        tally.attempt(
          `${what}: an idle client lost its connection`,
          !(await answerOf()).startsWith('HTTP/1.1 200'),
        );
        clearInterval(trickle);
        for (const socket of [working, ...held]) socket.destroy();
      }
    }
  });
});

describe('Headers', () => {
  attack('A header behind the hundredth is never dropped in silence', async (tally) => {
    const { key } = await service.key();
    const names = [
      'X-Forwarded-For',
      'Forwarded',
      'X-Real-IP',
      'Authorization',
      'X-API-Key',
      'Cookie',
      'Origin',
      'Host',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'Content-Length',
      'Transfer-Encoding',
      'Expect',
      'Sec-Fetch-Site',
      'X-CSRF-Token',
      'Content-Type',
      'Connection',
      'X-Request-Id',
    ];
    for (const target of [plain, secure, metrics]) {
      for (const name of names) {
        for (const count of isFull ? [99, 100, 150, 999] : [100]) {
          const padding = Array.from({ length: count }, (_, i) => `X-${i}: a\r\n`).join('');
          const text = requests(
            'GET',
            '/v1/collection/get-all',
            1,
            `X-API-Key: ${key}\r\n${padding}${name}: 1\r\n`,
          );
          const answer = await exchange(target, text);
          tally.attempt(
            `${name} behind ${count} others: ${answer.slice(0, 15)}`,
            !answer.startsWith('HTTP/1.1 431'),
          );
        }
      }
    }
  });
});

describe('The log', () => {
  attack('A client without a credential cannot fill the log', async (tally) => {
    const count = async (what: string, flood: () => Promise<void>) => {
      const [before, began] = [service.child.log.length, performance.now()];
      await flood();
      const lines = service.child.log.length - before;
      // A new budget begins each minute.
      const budgets = 1 + Math.ceil((performance.now() - began) / 60_000);
      tally.attempt(`${what}: ${lines} lines`, lines > 130 * budgets);
    };
    const floods: [string, string][] = [
      ['unknown paths', requests('GET', '/nothing', isFull ? 2_000 : 300)],
      ['methods', requests('PUT', '/swagger', isFull ? 2_000 : 300)],
      ['preflights', requests('OPTIONS', '/v1/face/search', isFull ? 2_000 : 300)],
      ['the documentation', requests('HEAD', '/swagger', isFull ? 2_000 : 300)],
      ['missing keys', requests('GET', '/v1/collection/get-all', isFull ? 2_000 : 300)],
      ['wrong targets', requests('GET', 'http://a:99999999/', isFull ? 2_000 : 300)],
    ];
    for (const [at, [what, text]] of floods.entries()) {
      const end = requests('GET', '/nothing', 1, 'Connection: close\r\n');
      await count(what, async () => {
        await exchange({ ...plain, from: `127.0.10.${at + 1}` }, text + end, 30_000);
      });
    }
    await count('broken requests', async () => {
      for (let i = 0; i < 300; i++) await exchange({ ...plain, from: '127.0.11.1' }, 'GARBAGE\r\n\r\n');
    });
  });
});
