/**
 * `npm run bench:attack -- --part fairness`: lost requests and latency of a tenant that sends ten requests a
 * second while another tenant floods the appliance.
 */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { FLOODS } from '../testing/floods.ts';
import { residentBytes } from '../testing/hostile-clients.ts';
import { portrait } from '../testing/photographs.ts';
import { startTenants } from '../testing/tenants.ts';
import { HttpClient } from './http-client.ts';
import { report } from './report.ts';

const INTERVAL_MS = 100;
const SETTLE_MS = 1_000;
/** Permitted factor of the latency at p99. */
const AIM = 3;

/** The flood may fill the connections of its own addresses. */
const VICTIM = '127.0.0.3';

interface Experience {
  readonly times: number[];
  /** Statuses other than 200; 0 if the connection ended without an answer. */
  readonly lost: number[];
}

function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

async function experience(
  url: string,
  key: string,
  body: Buffer,
  seconds: number,
  into: Experience,
): Promise<void> {
  const client = new HttpClient(VICTIM);
  const headers = { authorization: `ApiKey ${key}`, 'content-type': 'image/jpeg' };
  const send = async () => {
    const began = performance.now();
    const status = await client.post(`${url}/v1/face/detect`, headers, body).catch(() => 0);
    into.times.push(performance.now() - began);
    if (status !== 200) into.lost.push(status);
  };
  const sent: Promise<void>[] = [];
  const start = performance.now();
  for (let i = 0; i < (seconds * 1000) / INTERVAL_MS; i++) {
    await wait(Math.max(0, start + i * INTERVAL_MS - performance.now()));
    sent.push(send());
  }
  await Promise.all(sent);
  client.close();
}

async function begin(
  name: string,
  url: string,
  keys: readonly string[],
): Promise<() => Promise<Record<string, number>>> {
  const worker = new Worker(new URL('../testing/flood-worker.js', import.meta.url), {
    workerData: { name, url, keys },
  });
  await once(worker, 'message');
  return async () => {
    const ended = once(worker, 'message');
    worker.postMessage('stop');
    const [answers] = (await ended) as [Record<string, number>];
    await worker.terminate();
    return answers;
  };
}

export async function measureFairness(isQuick: boolean): Promise<void> {
  const { rounds, seconds } = isQuick ? { rounds: 2, seconds: 4 } : { rounds: 6, seconds: 5 };
  const body = await portrait('anna');
  console.log(
    `${'flood of another tenant'.padEnd(46)} lost        p50, ms           p99, ms           ratio of p99`,
  );
  for (const flood of Object.keys(FLOODS)) {
    const { child, attacker, victim, stop } = await startTenants();
    const { url } = child;
    await experience(url, victim, body, 1, { times: [], lost: [] });
    const nominal: Experience = { times: [], lost: [] };
    const attacked: Experience = { times: [], lost: [] };
    let answers = 0;
    let memory = 0;
    const watch = setInterval(() => {
      memory = Math.max(memory, residentBytes(child.process.pid as number));
    }, 50);
    for (let round = 0; round < rounds; round++) {
      await experience(url, victim, body, seconds, nominal);
      const end = await begin(flood, url, attacker);
      await wait(SETTLE_MS);
      await experience(url, victim, body, seconds, attacked);
      answers += Object.values(await end()).reduce((sum, count) => sum + count, 0);
      await wait(SETTLE_MS);
    }
    clearInterval(watch);
    await stop();
    line(
      flood,
      nominal,
      attacked,
      `${answers} answers to the flood, ${Math.round(memory / 1024 ** 2)} MB at most`,
    );
  }
}

function line(flood: string, nominal: Experience, attacked: Experience, note: string): void {
  const [p50, p99] = [0.5, 0.99].map((share) =>
    [nominal, attacked].map(({ times }) => quantile(times, share)),
  ) as [[number, number], [number, number]];
  const ratio = p99[1] / p99[0];
  const pair = (times: readonly number[]) =>
    times
      .map((ms) => ms.toFixed(1))
      .join(' -> ')
      .padEnd(16);
  const requests = attacked.times.length;
  const lost = `${attacked.lost.length} of ${requests}`;
  console.log(
    `  ${flood.padEnd(44)} ${lost.padEnd(10)}  ${pair(p50)}  ${pair(p99)}  ${ratio.toFixed(2)}  (${note}${attacked.lost.length > 0 ? `; lost by ${attacked.lost}` : ''})`,
  );
  report({
    claim: `${flood}, lost`,
    value: attacked.lost.length,
    unit: 'requests',
    aim: 'none',
    note: `of ${requests}`,
  });
  report({
    claim: `${flood}, p99`,
    value: p99[1],
    unit: 'ms',
    against: { name: 'without it', value: p99[0] },
    ratio,
    aim: `less than ${AIM} x`,
    note,
  });
}
