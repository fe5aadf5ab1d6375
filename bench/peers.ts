/**
 * `npm run bench:peers -- [--seconds N]`: images a second and stalls of the event loop, next to what a user
 * might pick instead.
 *
 * *Alone* is without HTTP; *HTTP* is behind a minimal server, and for Visage also the whole service.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ROOT } from '../testing/service.ts';
import { HttpClient } from './http-client.ts';
import { peerRequire, versionOf } from './peer-packages.ts';
import { pictures } from './recognisers/pictures.ts';
import { rateOf } from './recognisers/rate.ts';
import { report, reportVersions } from './report.ts';
import { bodiesOf, startSearchService } from './search-service.ts';
import { stallOf, stallSettings } from './stalls.ts';

const CLIENTS = [1, 16] as const;
const ROUNDS = 2;
const PEERS = [
  { name: 'face-api', server: ['face-api'], aim: 15 },
  { name: 'human', server: ['human'], aim: 15 },
  { name: 'sharp + onnxruntime-node, as many runs', server: ['plain', '3,2'], aim: 2.5 },
  { name: 'sharp + onnxruntime-node, one run each', server: ['plain', '1,1'], aim: undefined },
] as const;

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '4' } } });
const seconds = Number(options.seconds);
if (!(seconds > 0)) {
  console.error('Usage: npm run bench:peers -- [--seconds N]');
  process.exit(64);
}

interface Contestant {
  readonly name: string;
  ask(picture: Buffer): Promise<unknown>;
  readonly alone: ((clients: number) => Promise<number>) | null;
  /** Longest stall of its event loop since the last call, in milliseconds. */
  stall(): Promise<number>;
  stop(): Promise<void>;
}

interface Measured {
  readonly contestant: Contestant;
  readonly alone: Map<number, number[]>;
  readonly http: Map<number, number[]>;
  readonly stalls: Map<number, number>;
}

const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
const client = new HttpClient();
const samples = await pictures();
const contestants: Contestant[] = [];
try {
  const require = peerRequire();
  for (const name of ['@vladmandic/face-api', '@vladmandic/human', '@tensorflow/tfjs-backend-wasm']) {
    reportVersions({ [name]: versionOf(require, name) });
  }
  contestants.push(await service());
  contestants.push(await recogniser('Visage, addon alone', ['addon', join(folder, 'prepared')]));
  for (const { name, server } of PEERS) contestants.push(await recogniser(name, server));
  await run();
} finally {
  client.close();
  for (const contestant of contestants) await contestant.stop();
  await rm(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const measured = contestants.map(
    (contestant): Measured => ({ contestant, alone: new Map(), http: new Map(), stalls: new Map() }),
  );
  const add = (rates: Map<number, number[]>, clients: number, rate: number) =>
    rates.set(clients, [...(rates.get(clients) ?? []), rate]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const clients of CLIENTS) {
      for (const { contestant, alone, http, stalls } of measured) {
        if (contestant.alone) add(alone, clients, await contestant.alone(clients));
        await contestant.stall();
        add(http, clients, await rateOf(contestant.ask, samples, clients, seconds));
        stalls.set(clients, Math.max(stalls.get(clients) ?? 0, await contestant.stall()));
      }
    }
  }
  print(measured);
  reportAll(measured);
}

function print(measured: readonly Measured[]): void {
  console.log(
    `machine       ${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}\n`,
  );
  console.log(
    `${'images a second, clients'.padEnd(42)}${[
      'alone 1',
      'alone 16',
      'HTTP 1',
      'HTTP 16',
      'stall 1',
      'stall 16 ms',
    ]
      .map((title) => title.padStart(12))
      .join('')}`,
  );
  for (const { contestant, alone, http, stalls } of measured) {
    const cells = [
      ...CLIENTS.map((n) => (alone.has(n) ? mean(alone.get(n)).toFixed(1) : '-')),
      ...CLIENTS.map((n) => mean(http.get(n)).toFixed(1)),
      ...CLIENTS.map((n) => (stalls.get(n) as number).toFixed(1)),
    ];
    console.log(`${contestant.name.padEnd(42)}${cells.map((cell) => cell.padStart(12)).join('')}`);
  }
}

function reportAll([mine, addon, ...peers]: readonly Measured[]): void {
  if (!mine || !addon) return;
  for (const clients of CLIENTS) {
    const title = `HTTP, ${clients} client${clients > 1 ? 's' : ''}`;
    const rate = mean(mine.http.get(clients));
    for (const [i, { contestant, http, stalls }] of peers.entries()) {
      const other = mean(http.get(clients));
      const aim = PEERS[i]?.aim;
      report({
        claim: `${title}: Visage, whole service`,
        value: rate,
        unit: 'images/s',
        against: { name: contestant.name, value: other },
        ratio: rate / other,
        ...(aim && (aim > 10 || clients > 1) ? { aim: `at least ${aim} x` } : {}),
        note: `its longest stall ${(stalls.get(clients) as number).toFixed(0)} ms`,
      });
    }
  }
  for (const clients of CLIENTS) {
    const rate = mean(addon.alone.get(clients));
    for (const { contestant, alone } of peers) {
      const other = mean(alone.get(clients));
      report({
        claim: `no HTTP, ${clients} at once: Visage's addon`,
        value: rate,
        unit: 'images/s',
        against: { name: contestant.name, value: other },
        ratio: rate / other,
      });
    }
  }
  for (const { contestant, stalls } of [mine, addon]) {
    for (const clients of CLIENTS) {
      report({
        claim: `longest stall, ${clients} client${clients > 1 ? 's' : ''}: ${contestant.name}`,
        value: stalls.get(clients) as number,
        unit: 'ms',
        aim: 'at most 10 ms',
      });
    }
  }
}

function mean(values: readonly number[] = []): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function service(): Promise<Contestant> {
  const stallFile = join(folder, 'stall-service');
  const started = await startSearchService(stallSettings(stallFile));
  return {
    name: 'Visage, whole service',
    ask: async (picture) => {
      const status = await started.search(bodiesOf(picture)[0]);
      if (status !== 200) throw new Error(`A search answered ${status}`);
    },
    alone: null,
    stall: () => stallOf(started.child.process, stallFile),
    stop: () => started.stop(),
  };
}

async function recogniser(name: string, args: readonly string[]): Promise<Contestant> {
  const stallFile = join(folder, `stall-${contestants.length}`);
  const program = join(ROOT, 'dist/bench/recognisers/server.js');
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...stallSettings(stallFile) },
  });
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (/^\d+$/.test(line)) resolve(Number(line));
    });
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  const url = `http://127.0.0.1:${port}/`;
  return {
    name,
    ask: async (picture) => {
      const status = await client.post(url, {}, picture);
      if (status !== 200) throw new Error(`${name} answered ${status}`);
    },
    alone: async (clients) => {
      const answer = await fetch(`${url}run?clients=${clients}&seconds=${seconds}`, { method: 'POST' });
      return ((await answer.json()) as { readonly rate: number }).rate;
    },
    stall: () => stallOf(child, stallFile),
    stop: async () => {
      child.kill();
    },
  };
}
