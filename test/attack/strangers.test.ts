import { after, before } from 'node:test';
import { AccessService, closeShared } from '../../testing/access-service.ts';
import { attack, isFull } from '../../testing/attack.ts';
import { exchange, requests } from '../../testing/hostile-clients.ts';

const LIMIT = 10;
const BEYOND = isFull ? 500 : 40;

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

const KINDS: readonly [string, string, string?][] = [
  ['GET', '/nothing'],
  ['OPTIONS', '/nothing'],
  ['OPTIONS', '/swagger'],
  ['PUT', '/v1/healthz'],
  ['PROPFIND', '/v1/healthz'],
  ['GET', '/v1/healthz'],
  ['HEAD', '/swagger/swagger-ui-bundle.js'],
  ['HEAD', '/openapi.json'],
  ['GET', '/'],
  ['GET', '/livez'],
  ['GET', 'http://a:99999999/'],
  ['GET', '/v1/collection/get-all'],
  ['GET', '/v1/collection/get-all', 'Authorization: ApiKey fr_live_00000000000000000000000000000000\r\n'],
  ['GET', '/v1/collection/get-all', 'Authorization: Bearer a.b.c\r\n'],
  ['GET', '/nothing', 'X-Forwarded-For: {}\r\n'],
  ['GET', '/nothing', 'Forwarded: for={}\r\n'],
  ['GET', '/{}'],
];

attack('An address without a credential gets no more answers than its limit', async (tally) => {
  for (const [at, [method, path, headers = '']] of KINDS.entries()) {
    const texts = Array.from({ length: LIMIT + BEYOND }, (_, n) =>
      requests(method, path, 1, headers).replaceAll('{}', `198.51.100.${n % 250}`),
    );
    const end = requests('GET', '/end', 1, 'Connection: close\r\n');
    const began = performance.now();
    const answer = await exchange({ port, from: `127.0.20.${at + 1}` }, texts.join('') + end, 60_000);
    // The bucket refills while a long attack goes on.
    const most = LIMIT * (1 + (performance.now() - began) / 60_000) + 1;
    const statuses = Array.from(answer.matchAll(/HTTP\/1\.1 (\d+) /g), ([, status]) => status);
    let admitted = 0;
    for (const [n, status] of statuses.slice(0, -1).entries()) {
      if (status !== '429') admitted++;
      tally.attempt(`${method} ${path} ${headers}${n + 1}: ${status}`, status !== '429' && admitted > most);
    }
  }
});
