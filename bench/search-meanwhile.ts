/**
 * `npm run bench:search-meanwhile -- [faces] [--faces FOLDER]`: how long searches take while a graph is built in the
 * background, next to those of a quiet index. One search each few milliseconds, on one thread, as those of requests come.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createExecutor, type Executor } from '../src/native/executor.ts';
import { createGalleryIndex, type GalleryIndex } from '../src/native/gallery-index.ts';
import { FaceLike, openFaceBase } from './face-like.ts';
import { report } from './report.ts';

/** Milliseconds from the end of one search to the next. */
const PAUSE_MS = 4;
/** Searches of an index where nothing is built. */
const QUIET = 1000;
const PROBES = 1000;
/** Vectors that are added in one call. */
const BATCH = 10_000;
/** Rows that are left without links. */
const TAIL = 256;

/** Milliseconds, and how many were measured. */
interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  readonly count: number;
}

const { values, positionals } = parseArgs({ options: { faces: { type: 'string' } }, allowPositionals: true });
const size = Number(positionals[0] ?? 100_000);
const base = await openFaceBase(values.faces);
const { dimension } = base;
const probes = new FaceLike(base, 2).take(PROBES);
const rows = new FaceLike(base, 1).take(size);
const executor = createExecutor({ threads: 1, maxQueue: 16 });

const first = await filled(executor);
const ownMeanwhile = await latencyOf(first, () => !isBuilt(first));
const quiet = await latencyOf(first, (count) => count < QUIET);
const second = await filled(executor);
const otherMeanwhile = await latencyOf(first, () => !isBuilt(second));
await executor.close();

const name = `${size.toLocaleString('en')} faces`;
tell(`${name}, search, nothing is built`, quiet);
tell(`${name}, search while another gallery's graph is built`, otherMeanwhile, quiet);
tell(`${name}, search while its own graph is built`, ownMeanwhile, quiet);

async function filled(by: Executor): Promise<GalleryIndex> {
  const index = createGalleryIndex(by, dimension);
  for (let from = 0; from < size; from += BATCH) {
    const count = Math.min(BATCH, size - from);
    await index.add(
      BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i)),
      rows.subarray(from * dimension, (from + count) * dimension),
    );
  }
  return index;
}

function isBuilt(index: GalleryIndex): boolean {
  return index.stats().linked + TAIL >= index.size;
}

/** @param goesOn asked before each search, with how many there were. */
async function latencyOf(index: GalleryIndex, goesOn: (count: number) => boolean): Promise<Latency> {
  const times: number[] = [];
  while (goesOn(times.length)) {
    const at = dimension * (times.length % PROBES);
    const began = performance.now();
    await index.search(probes.subarray(at, at + dimension), 1);
    times.push(performance.now() - began);
    await wait(PAUSE_MS);
  }
  times.sort((a, b) => a - b);
  const quantile = (share: number) => times[Math.floor(share * times.length)] ?? Number.NaN;
  return {
    p50: quantile(0.5),
    p99: quantile(0.99),
    longest: times.at(-1) ?? Number.NaN,
    count: times.length,
  };
}

function tell(claim: string, { p50, p99, longest, count }: Latency, against?: Latency): void {
  const note = `p99 ${p99.toFixed(2)} ms, longest ${longest.toFixed(2)} ms, of ${count}`;
  console.log(`${claim.padEnd(62)} p50 ${p50.toFixed(3)} ms, ${note}`);
  report({
    claim: `${claim}, p50`,
    value: p50,
    unit: 'ms',
    ...(against ? { against: { name: 'nothing built', value: against.p50 }, ratio: p50 / against.p50 } : {}),
    note,
  });
}
