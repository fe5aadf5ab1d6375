/**
 * `npm run bench:events [seconds]`: the cost of events. Two services with the same gallery, with and without
 * events, get the same searches in turns. Then the same with eight streams that read the events.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EventRecorder } from '../src/events/recorder.ts';
import { createLog } from '../src/ops/log.ts';
import { Store } from '../src/store/store.ts';
import { EventSourceClient } from '../testing/event-source.ts';
import { keyCaller } from '../testing/key-caller.ts';
import { differentPeople } from '../testing/sample-faces.ts';
import { startService } from '../testing/service.ts';
import { HttpClient } from './http-client.ts';
import { report } from './report.ts';

const seconds = Number(process.argv[2] ?? 60);
const CLIENTS = 16;
const BLOCK = 2;
const WARM_UP = 50;
const STREAMS = 8;
const RECORDS = 10_000;

interface Side {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly headers: Readonly<Record<string, string>>;
  times: number[];
  worked: number;
  answers: number;
  seconds: number;
}

const client = new HttpClient();
const people = await differentPeople();
const body = people[0] as Buffer;
const services = await Promise.all(['1', '0'].map((days) => startService({ VISAGE_EVENTS_DAYS: days })));
const sides: Side[] = [];
const keys: string[] = [];
for (const [at, service] of services.entries()) {
  const { key } = await service.key();
  keys.push(key);
  await service.client.ok('POST', '/v1/collection/create', { json: { collectionId: 'people' } });
  for (const [i, image] of people.entries()) {
    const json = {
      collectionId: 'people',
      externalKey: `person-${i}`,
      image: { bytes: image.toString('base64') },
    };
    await service.client.ok('POST', '/v1/face/enroll', { json });
  }
  sides.push({
    name: at === 0 ? 'with events' : 'without events',
    url: `${service.child.url}/v1/face/search?collectionId=people&source=bench`,
    headers: { Authorization: `ApiKey ${key}`, 'Content-Type': 'image/jpeg' },
    pid: service.child.process.pid ?? 0,
    times: [],
    worked: 0,
    answers: 0,
    seconds: 0,
  });
}
const [on, off] = sides as [Side, Side];

await tellRecords();
await measure('');
const streams = await Promise.all(
  Array.from({ length: STREAMS }, () =>
    EventSourceClient.open(`${services[0]?.child.url}/v1/events/stream`, keys[0] as string),
  ),
);
const reading = streams.map((stream) => stream.end());
await measure(`, ${STREAMS} streams open`);
for (const stream of streams) stream.close();
await Promise.all(reading);
client.close();
for (const service of services) await service.stop();

async function post(side: Side): Promise<number> {
  const began = performance.now();
  const status = await client.post(side.url, side.headers, body);
  if (status !== 200) throw new Error(`A search was answered ${status}`);
  return performance.now() - began;
}

/** Milliseconds at p50 of one client, and searches a second of many. */
async function measure(what: string): Promise<void> {
  for (const side of sides) Object.assign(side, { times: [], worked: 0, answers: 0, seconds: 0 });
  for (let i = 0; i < WARM_UP; i++) for (const side of sides) await post(side);
  const end = performance.now() + (seconds / 4) * 1000;
  while (performance.now() < end) {
    for (const side of on.times.length % 2 === 0 ? [on, off] : [off, on]) side.times.push(await post(side));
  }
  const blocks = Math.max(2, 2 * Math.round(seconds / 8 / BLOCK));
  for (let block = 0; block < blocks; block++) {
    for (const side of block % 2 === 0 ? [on, off] : [off, on]) await load(side);
  }
  tell(`one client, p50${what}`, 'ms', (side) => quantile(side.times, 0.5));
  tell(`one client, p99${what}`, 'ms', (side) => quantile(side.times, 0.99));
  tell(`${CLIENTS} clients${what}`, 'searches/s', (side) => side.answers / side.seconds);
  tell(`processor time${what}`, 'ms', (side) => side.worked / side.answers);
}

async function load(side: Side): Promise<void> {
  const began = performance.now();
  const workedBefore = processorTime(side.pid);
  const end = began + BLOCK * 1000;
  const one = async () => {
    for (; performance.now() < end; side.answers++) await post(side);
  };
  await Promise.all(Array.from({ length: CLIENTS }, one));
  side.seconds += (performance.now() - began) / 1000;
  await wait(500);
  side.worked += processorTime(side.pid) - workedBefore;
}

function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
}

function tell(claim: string, unit: string, figureOf: (side: Side) => number): void {
  const [value, against] = [figureOf(on), figureOf(off)];
  const ratio = value / against;
  const shown = `${value.toFixed(2)} with, ${against.toFixed(2)} without events, ${unit}, ratio ${ratio.toFixed(3)}`;
  console.log(`${`Search, ${claim}`.padEnd(44)} ${shown}`);
  report({
    claim: `search with events, ${claim}`,
    value,
    unit,
    against: { name: off.name, value: against },
    ratio,
  });
}

async function tellRecords(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'visage-bench-'));
  const store = Store.open(folder);
  const limits = { days: 1, maxEvents: 1e9, cropDays: 1 };
  const log = createLog('silent');
  const recorder = new EventRecorder(store.events, { now: Date.now, log, limits });
  const caller = keyCaller(store.accounts.first().accountId);
  const event = {
    type: 'search',
    result: 'match',
    operation: 'searchFace',
    collectionId: 'people',
    gallery: 1,
    label: 1,
    similarity: 98.3,
    threshold: 80,
    box: { x: 1, y: 2, width: 3, height: 4 },
    source: 'bench',
  } as const;
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < RECORDS; i++) {
    const began = performance.now();
    recorder.record(caller, event);
    times.push((performance.now() - began) * 1000);
    if (i % 200 === 199) await recorder.flush();
  }
  await recorder.close();
  const { user, system } = process.cpuUsage(before);
  await store.close();
  rmSync(folder, { recursive: true });
  const value = quantile(times, 0.5);
  const whole = (user + system) / RECORDS;
  const note = `p99 ${quantile(times, 0.99).toFixed(1)} µs; processor time until an event is on disk ${whole.toFixed(1)} µs`;
  console.log(`One record, p50 ${value.toFixed(1)} µs, ${note}`);
  report({ claim: 'one event recorded, p50', value, unit: 'µs', note });
}
