/**
 * `npm run bench:search-meanwhile -- [faces] [--faces FOLDER]`: latency of searches, additions and removals
 * while the background copies a gallery's living rows.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { createExecutor, type Executor } from '../src/native/executor.ts';
import { createGalleryIndex, type GalleryIndex, openSearchSpace } from '../src/native/gallery-index.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { DEFAULT_PACK } from './as-served.ts';
import { Gallery } from './distinct-people.ts';
import { openPeopleBase } from './people-base.ts';
import { report } from './report.ts';

const PAUSE_MS = 4;
const QUIET = 1000;
const PROBES = 1000;
const BATCH = 10_000;
const SEARCHES_A_WRITE = 8;
const REMOVED = 0.3;

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  readonly count: number;
}

interface Latencies {
  readonly searches: Latency;
  readonly writes: Latency;
}

// As the service does: V8's threads get no core beside those that copy, and the JavaScript thread would wait for them.
setFlagsFromString('--no-parallel-scavenge');

const { values, positionals } = parseArgs({ options: { faces: { type: 'string' } }, allowPositionals: true });
const size = Number(positionals[0] ?? 100_000);
const people = new Gallery(await openPeopleBase(values.faces), { people: size }, 1);
const { dimension } = people;
const { vectors: probes } = people.probes(PROBES);
const rows = people.take(0, size);
const executor = createExecutor({ threads: 1, maxQueue: 16 });

const { searchSpace } = await openModelPack(DEFAULT_PACK);
const first = await filled(executor);
const second = await filled(executor);
const quiet = await latenciesOf(first, (count) => count < QUIET);
const removed = BigInt64Array.from({ length: Math.ceil(REMOVED * size) }, (_, i) => BigInt(i));
await second.remove(removed);
const otherMeanwhile = await latenciesOf(first, () => second.tombstones >= removed.length);
await first.remove(removed);
const ownMeanwhile = await latenciesOf(first, () => first.tombstones >= removed.length);
await executor.close();

const name = `${size.toLocaleString('en')} faces`;
tell('nothing is copied', quiet);
tell('while another gallery is copied', otherMeanwhile, quiet);
tell('while it is copied', ownMeanwhile, quiet);

async function filled(by: Executor): Promise<GalleryIndex> {
  const index = createGalleryIndex(by, openSearchSpace(searchSpace ?? dimension));
  for (let from = 0; from < size; from += BATCH) {
    const count = Math.min(BATCH, size - from);
    await index.add(
      BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i)),
      rows.subarray(from * dimension, (from + count) * dimension),
    );
  }
  return index;
}

/** As the service does. */
async function latenciesOf(index: GalleryIndex, goesOn: (count: number) => boolean): Promise<Latencies> {
  const searches: number[] = [];
  const writes: number[] = [];
  const another = BigInt64Array.of(BigInt(size));
  while (goesOn(searches.length)) {
    const at = dimension * (searches.length % PROBES);
    const probe = probes.subarray(at, at + dimension);
    searches.push(await timeOf(() => index.search(probe, 1)));
    await wait(PAUSE_MS);
    if (searches.length % SEARCHES_A_WRITE > 0) continue;
    writes.push(await timeOf(() => index.add(another, probe)));
    await wait(PAUSE_MS);
    writes.push(await timeOf(() => index.remove(another)));
    await wait(PAUSE_MS);
  }
  return { searches: latencyOf(searches), writes: latencyOf(writes) };
}

async function timeOf(call: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await call();
  return performance.now() - began;
}

function latencyOf(times: number[]): Latency {
  times.sort((a, b) => a - b);
  const quantile = (share: number) => times[Math.floor(share * times.length)] ?? Number.NaN;
  return {
    p50: quantile(0.5),
    p99: quantile(0.99),
    longest: times.at(-1) ?? Number.NaN,
    count: times.length,
  };
}

function tell(when: string, { searches, writes }: Latencies, against?: Latencies): void {
  line(`${name}, search, ${when}`, searches, against?.searches);
  line(`${name}, one added or removed, ${when}`, writes, against?.writes);
}

function line(claim: string, { p50, p99, longest, count }: Latency, against?: Latency): void {
  const note = `p99 ${p99.toFixed(2)} ms, longest ${longest.toFixed(2)} ms, of ${count}`;
  console.log(`${claim.padEnd(72)} p50 ${p50.toFixed(3)} ms, ${note}`);
  report({
    claim: `${claim}, p50`,
    value: p50,
    unit: 'ms',
    ...(against ? { against: { name: 'nothing copied', value: against.p50 }, ratio: p50 / against.p50 } : {}),
    note,
  });
}
