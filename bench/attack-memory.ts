/**
 * `npm run bench:attack -- --part memory`: growth of a warm service's resident memory under hostile clients.
 */
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { FLOODS, type Flood } from '../testing/floods.ts';
import {
  exchange,
  open,
  pipelineUnread,
  requests,
  residentBytes,
  type Target,
} from '../testing/hostile-clients.ts';
import type { Child } from '../testing/service.ts';
import { startTenants } from '../testing/tenants.ts';
import { report } from './report.ts';

const PIPELINES = 100;
const REQUESTS = 1_000;
const SILENT = 4_096;
const PER_ADDRESS = 64;
const AIM_MB = 32;
const UPLOADS = 12;

const SECURE = { VISAGE_TLS_LISTEN: '127.0.0.1:0' };
const SETTINGS = 'address_rate_limit = 1000000';
const WARM_UP = 100;

const PATHS: Readonly<Record<string, string>> = {
  "Swagger's bundle": '/swagger/swagger-ui-bundle.js',
  'openapi.json': '/openapi.json',
  healthz: '/v1/healthz',
  'a path that is none (404)': '/nothing',
};

const addressOf = (at: number, each: number) => `127.0.1.${1 + Math.floor(at / each)}`;

function targetOf({ url, log }: Child, isSecure: boolean): Target {
  const listening = log.find(({ msg }) => msg === 'listening') as { urls?: string[] } | undefined;
  const secure = listening?.urls?.find((each) => each.startsWith('https')) ?? '';
  return { port: Number(new URL(isSecure ? secure : url).port), isSecure };
}

async function isAlive({ url }: Child): Promise<boolean> {
  const answer = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(10_000) }).catch(() => null);
  return answer?.status === 200;
}

async function growthUnder(child: Child, seconds: number, begin: () => Promise<void>): Promise<number> {
  const pid = child.process.pid as number;
  const before = residentBytes(pid);
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, residentBytes(pid));
  }, 50);
  await begin();
  await wait(seconds * 1000);
  clearInterval(watch);
  return (most - before) / 1024 ** 2;
}

function line(claim: string, growth: number, isAlive: boolean, held: string, aim?: string): void {
  const note = `${held} held, /livez ${isAlive ? 'answers' : 'does not answer'}`;
  console.log(`  ${claim.padEnd(58)} ${growth.toFixed(1).padStart(7)} MB  ${note}`);
  report({ claim: `${claim}, growth`, value: growth, unit: 'MB', note, ...(aim ? { aim } : {}) });
}

function heldOf(sockets: readonly Socket[]): string {
  const held = sockets.filter(({ closed }) => !closed).length;
  return `${held.toLocaleString('en')} of ${sockets.length.toLocaleString('en')} connections`;
}

async function pipelines(what: string, path: string, isSecure: boolean, seconds: number): Promise<void> {
  const { child, stop } = await startTenants(SETTINGS, SECURE);
  const target = targetOf(child, isSecure);
  await exchange(target, requests('GET', path, WARM_UP) + requests('GET', path, 1, 'Connection: close\r\n'));
  const text = requests('GET', path, REQUESTS);
  const sockets: Socket[] = [];
  const growth = await growthUnder(child, seconds, async () => {
    const opened = Array.from({ length: PIPELINES }, (_, at) =>
      pipelineUnread({ ...target, from: addressOf(at, PER_ADDRESS / 2) }, text),
    );
    sockets.push(...(await Promise.all(opened)));
  });
  line(
    `${isSecure ? 'HTTPS' : 'HTTP'}, ${what}`,
    growth,
    await isAlive(child),
    heldOf(sockets),
    `at most ${AIM_MB} MB`,
  );
  for (const socket of sockets) socket.destroy();
  await stop();
}

async function silence(seconds: number): Promise<void> {
  const { child, stop } = await startTenants(SETTINGS);
  const target = targetOf(child, false);
  const sockets: Socket[] = [];
  const growth = await growthUnder(child, seconds, async () => {
    for (let at = 0; at < SILENT; at++) {
      sockets.push(await open({ ...target, from: addressOf(at, PER_ADDRESS) }));
    }
  });
  line('connections that say nothing', growth, await isAlive(child), heldOf(sockets));
  for (const socket of sockets) socket.destroy();
  await stop();
}

async function halfUploads(seconds: number): Promise<void> {
  const { child, attacker, stop } = await startTenants(SETTINGS);
  const name = 'twelve uploads of 50 MB that stop half-way';
  let flood: Flood | undefined;
  const growth = await growthUnder(child, seconds, async () => {
    flood = await FLOODS[name]?.(child.url, attacker);
  });
  const refused = [...(flood?.answers.values() ?? [])].reduce((sum, count) => sum + count, 0);
  line(name, growth, await isAlive(child), `${UPLOADS - refused} of ${UPLOADS} uploads`);
  await flood?.stop();
  await stop();
}

export async function measureMemory(isQuick: boolean): Promise<void> {
  const seconds = isQuick ? 2 : 5;
  console.log(
    `${PIPELINES} connections, each with ${REQUESTS.toLocaleString('en')} requests whose answers it never reads`,
  );
  for (const isSecure of [false, true]) {
    for (const [what, path] of Object.entries(PATHS)) await pipelines(what, path, isSecure, seconds);
  }
  console.log('Others');
  await halfUploads(seconds);
  await silence(seconds);
}
