/**
 * `npm run bench:restart -- [faces] [--faces FOLDER] [--store FOLDER]`: measures starts with and without a
 * snapshot, their cost, and the service's answers meanwhile. Distinct people (`distinct-people.ts`) fill the
 * store; `--store` keeps it for later runs. 1,000,000 faces take 6 GB of disk.
 *
 * *Held* excludes mapped files.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openSearchSpace } from '../src/native/gallery-index.ts';
import { SNAPSHOTS } from '../src/ops/data-folder.ts';
import { Store } from '../src/store/store.ts';
import { StoreReader } from '../src/store/store-reader.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { type Child, startChild } from '../testing/service.ts';
import { DEFAULT_PACK } from './as-served.ts';
import { Gallery } from './distinct-people.ts';
import { openPeopleBase } from './people-base.ts';
import { report } from './report.ts';
import { StartWatch, type Watched } from './start-watch.ts';

const BATCH = 5_000;
const COLLECTION = 'people';
const LEAST_FACES = 5_000;
const PACK = await openModelPack(DEFAULT_PACK);
const SPACE = openSearchSpace(PACK.searchSpace ?? PACK.pipeline.embedder.dimension);

const { values, positionals } = parseArgs({
  options: { faces: { type: 'string' }, store: { type: 'string' } },
  allowPositionals: true,
});
const base = await openPeopleBase(values.faces);
const faces = Number(positionals[0] ?? 100_000);
if (!Number.isInteger(faces) || faces < LEAST_FACES) {
  console.error(
    `Usage: npm run bench:restart -- [faces, at least ${LEAST_FACES}] [--faces FOLDER] [--store FOLDER]`,
  );
  process.exit(64);
}

interface Start extends Watched {
  readonly child: Child;
  readonly index: number;
}

/** @throws Error if the store holds another number of faces. */
async function fill(folder: string): Promise<void> {
  const held = facesOf(folder);
  if (held === faces) return;
  if (held > 0) throw new Error(`The store in ${folder} holds ${held} faces, not ${faces}`);
  const store = Store.open(folder);
  const packId = { pack: PACK.name, packVersion: PACK.version };
  const owner = { accountId: store.accounts.first().accountId, environment: 'live' } as const;
  await store.collections.create(owner, {
    collectionId: COLLECTION,
    description: null,
    now: Date.now(),
    ...packId,
  });
  const people = new Gallery(base, { people: faces }, 1);
  const face = {
    box: { x: 60, y: 80, width: 120, height: 150 },
    confidence: 0.99,
    createdAt: Date.now(),
    ...packId,
  };
  for (let done = 0; done < faces; done += BATCH) {
    const count = Math.min(BATCH, faces - done);
    const vectors = people.take(done, count);
    const adding = Array.from({ length: count }, (_, i) => {
      const template = vectors.subarray(i * base.dimension, (i + 1) * base.dimension);
      return store.faces.add(owner, COLLECTION, face, SPACE.row(template));
    });
    await Promise.all(adding);
    if ((done + count) % 100_000 === 0) console.error(`wrote ${done + count} of ${faces} faces`);
  }
  await store.close();
}

function facesOf(folder: string): number {
  const reader = StoreReader.open(folder);
  const { faces: held } = reader.summary();
  void reader.close();
  return held;
}

/** @param settings of the environment besides. */
async function start(folder: string): Promise<Start> {
  const watch = new StartWatch(folder);
  const child = await startChild(folder, { VISAGE_METRICS_LISTEN: '127.0.0.1:0' });
  const watched = await watch.end(child);
  const done = child.log.find(({ msg }) => msg === 'the index is complete');
  return { child, ...watched, index: Number(done?.seconds) };
}

/** @returns seconds. */
async function stop({ child }: Start): Promise<number> {
  const began = performance.now();
  const code = await child.stop();
  if (code !== 0) throw new Error(`The service ended with ${code}: ${child.stderr()}`);
  return (performance.now() - began) / 1000;
}

interface Snapshot {
  readonly seconds: number;
  readonly bytes: number;
}

async function snapshotWritten({ child }: Start, count: number): Promise<Snapshot> {
  while (child.process.exitCode === null) {
    const written = child.log.filter(({ msg }) => msg === 'a snapshot of the index was written')[count - 1];
    if (written) return { seconds: Number(written.seconds), bytes: Number(written.bytes) };
    await wait(100);
  }
  throw new Error('The service ended without another snapshot');
}

async function forget(folder: string): Promise<void> {
  const snapshots = await readdir(join(folder, SNAPSHOTS)).catch(() => []);
  for (const file of ['data.mdb', ...snapshots.map((name) => join(SNAPSHOTS, name))]) {
    execFileSync('dd', [
      `of=${join(folder, file)}`,
      'oflag=nocache',
      'conv=notrunc,fdatasync',
      'count=0',
      'status=none',
    ]);
  }
}

function line(what: string, { seconds, index, processor, held, answer }: Start, aim?: string): void {
  console.log(
    what.padEnd(40),
    seconds.toFixed(2).padStart(8),
    index.toFixed(2).padStart(8),
    processor.toFixed(1).padStart(10),
    held.toFixed(0).padStart(8),
    answer.toFixed(0).padStart(10),
  );
  report({
    claim: `${faces.toLocaleString('en')} faces, start ${what}`,
    value: seconds,
    unit: 's',
    ...(aim ? { aim } : {}),
    note: `index ${index.toFixed(1)} s; ${processor.toFixed(1)} s of processor time; answers within ${answer.toFixed(0)} ms`,
  });
}

function further(what: string, value: number, unit: string): void {
  console.log(`${what.padEnd(40)} ${value.toFixed(2).padStart(8)} ${unit}`);
  report({ claim: `${faces.toLocaleString('en')} faces, ${what}`, value, unit });
}

async function measure(folder: string): Promise<void> {
  await (await startChild(folder)).stop();
  await fill(folder);
  await rm(join(folder, SNAPSHOTS), { recursive: true, force: true });
  const rebuilt = await start(folder);
  line('from the store', rebuilt, 'at most 5 s at 1,000,000');
  const snapshot = await snapshotWritten(rebuilt, 1);
  await stop(rebuilt);
  const loaded = await start(folder);
  line('from a snapshot', loaded, 'at most 2 s at 1,000,000');
  const stopped = await stop(loaded);
  await forget(folder);
  const booted = await start(folder);
  line('from a snapshot, files not in memory', booted);
  await stop(booted);
  await rm(join(folder, SNAPSHOTS), { recursive: true });
  await forget(folder);
  const bootedWithout = await start(folder);
  line('from the store, files not in memory', bootedWithout);
  await stop(bootedWithout);
  further('writing the snapshot', snapshot.seconds, 's');
  further('stop', stopped, 's');
  further('a face in the snapshot', snapshot.bytes / faces, 'bytes');
  further('a face in the store', (await stat(join(folder, 'data.mdb'))).size / faces, 'bytes');
}

console.log(`${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, node ${process.versions.node}`);
console.log(`people made from ${base.source}\n${faces.toLocaleString('en')} faces\n`);
console.log(`${'start'.padEnd(40)}  seconds    index  processor  held MB  answer ms`);
if (values.store) {
  await measure(values.store);
} else {
  const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
  try {
    await measure(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
