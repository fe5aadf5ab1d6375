/** `npm run bench:access [requests]` prints microseconds at p50 and what the gate adds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { UsageLog } from '../src/access/billing/usage-log.ts';
import { createGate } from '../src/access/gate/gate.ts';
import { createApiKey, type NewApiKeyRequest } from '../src/access/keys/api-keys.ts';
import { MemberSessions } from '../src/access/members/member-sessions.ts';
import { SigningKeys } from '../src/access/tokens/signing-keys.ts';
import { Tokens } from '../src/access/tokens/tokens.ts';
import type { Route } from '../src/api/route.ts';
import { loadConfig } from '../src/config/load.ts';
import { createRouter, mountRouter } from '../src/http/api.ts';
import { BodyBudget } from '../src/http/body-budget.ts';
import { createKoaApp } from '../src/http/koa-app.ts';
import { createHttpServer, drain, listen } from '../src/http/server.ts';
import { Store } from '../src/store/store.ts';

const requests = Number(process.argv[2] ?? 3000);
const folder = mkdtempSync(join(tmpdir(), 'visage-bench-'));
const store = Store.open(join(folder, 'data'));
const log = pino({ level: 'silent' });
const now = Date.now;
const { access, web } = loadConfig({});
const usage = new UsageLog(store, log);
const tokens = new Tokens(await SigningKeys.open(folder, { credentials: undefined }), now);
const sessions = new MemberSessions({
  store,
  tokens,
  now,
  dashboardOrigin: null,
  access: { sessionIdleMs: 1_800_000 },
});
const gate = createGate({
  store,
  keys: store.apiKeys,
  tokens,
  sessions,
  usage,
  now,
  access: { ...access, addressRateLimit: 1e9, prices: { charged: 1 } },
});

const route = (operationId: string) =>
  ({
    method: 'GET',
    path: `/${operationId}`,
    operationId,
    summary: '',
    tags: [],
    responses: { 200: { description: '', schema: {} } },
    errors: [],
  }) as const;
const handler = () => ({ status: 200, body: {} });
const routes: Route[] = [
  { ...route('open'), access: { by: 'anyone' }, handler },
  { ...route('free'), access: { by: 'caller', scope: 'v1:faces' }, handler },
  { ...route('charged'), access: { by: 'caller', scope: 'v1:faces' }, handler },
];
const app = createKoaApp(log);
const audit = { record: async () => {}, refuse: () => {} };
mountRouter(
  app,
  createRouter(routes, {
    gate,
    audit,
    origins: web,
    fetchImage: null,
    bodies: new BodyBudget(1e9),
    idempotency: { run: ({ request }, run) => run(request) },
  }),
);
const server = createHttpServer(app.callback());
await listen(server, { host: '127.0.0.1', port: 0 });
const { port } = server.address() as AddressInfo;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function time(path: string, authorization: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const headers = authorization === '' ? {} : { Authorization: authorization };
    request({ port, path, agent, headers }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode !== 200) reject(new Error(`${path} answered ${response.statusCode}`));
        resolve((performance.now() - began) * 1000);
      });
    })
      .on('error', reject)
      .end();
  });
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}

async function compare(name: string, path: string, authorization: string, count = requests): Promise<void> {
  const open: number[] = [];
  const gated: number[] = [];
  for (let i = -200; i < count; i++) {
    const one = await time('/open', '');
    const other = await time(path, authorization);
    if (i >= 0) open.push(one);
    if (i >= 0) gated.push(other);
  }
  const [least, most] = [median(open), median(gated)];
  const added = (most - least).toFixed(0).padStart(6);
  console.log(`${name.padEnd(46)} ${least.toFixed(0).padStart(6)} ${most.toFixed(0).padStart(6)} ${added}`);
}

const { accountId } = store.accounts.first();
const key = async (limits: Partial<NewApiKeyRequest> = {}) =>
  createApiKey(store, { accountId, name: 'bench', environment: 'live', rateLimit: 1_000_000, ...limits });

const plain = await key();
const limited = await key({
  scopes: ['v1:faces'],
  allowedIps: ['192.0.2.0/24', '10.0.0.0/8', '2001:db8::/32', '127.0.0.0/8'],
  budget: 1e12,
  expiresAt: now() + 1e9,
  collectionId: 'people',
  allowedExternalKeys: ['alice', 'bob'],
});
const { token } = tokens.sign({ use: 'key', sub: plain.id, gen: 1 }, 3600);

console.log(`p50 of ${requests} requests, microseconds${' '.repeat(13)}  open  gated  added`);
await compare('key', '/free', `ApiKey ${plain.key}`);
await compare('key with addresses, budget, expiry, faces', '/free', `ApiKey ${limited.key}`);
await compare('token of a key (RS512)', '/free', `Bearer ${token}`);
await compare('key, charged on disk before the answer', '/charged', `ApiKey ${limited.key}`, requests / 10);

agent.destroy();
await drain(server, 100);
await usage.close();
await store.close();
rmSync(folder, { recursive: true });
