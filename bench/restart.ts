/**
 * `npm run bench:restart -- [faces...] [--faces FOLDER]`: how long a service with so many faces takes to start, and its
 * index of it, with a snapshot of the index and without; and what writing the snapshot takes when it stops. The store is
 * filled with templates that lie as those of faces do, through its own writes. 1,000,000 faces take 7 GB of disk.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Store } from '../src/store/store.ts';
import { openModelPack } from '../src/vision/model-pack.ts';
import { type Child, startChild } from '../test/e2e/service.ts';
import { FaceLike, openFaceBase } from './face-like.ts';
import { report } from './report.ts';

const MB = 1e6;
/** Faces that are written at once. */
const BATCH = 5_000;
const PACK = await openModelPack('faceplugin');

const { values, positionals } = parseArgs({ options: { faces: { type: 'string' } }, allowPositionals: true });
const base = await openFaceBase(values.faces);
const counts = positionals.length > 0 ? positionals.map(Number) : [100_000];

/** What was seen of one start. Seconds. */
interface Start {
  /** From nothing to serving. */
  readonly total: number;
  /** Of that, the index. */
  readonly index: number;
  readonly fromSnapshots: number;
}

/** Fills the store of a folder. */
async function fill(folder: string, faces: number): Promise<void> {
  const store = Store.open(folder);
  const packId = { pack: PACK.name, packVersion: PACK.version };
  const owner = { accountId: store.accounts.first().accountId, environment: 'live' } as const;
  const collection = { collectionId: 'people', description: null, now: Date.now(), ...packId };
  await store.collections.create(owner, collection);
  const templates = new FaceLike(base, 1);
  const face = {
    box: { x: 60, y: 80, width: 120, height: 150 },
    confidence: 0.99,
    createdAt: Date.now(),
    ...packId,
  };
  for (let done = 0; done < faces; done += BATCH) {
    const count = Math.min(BATCH, faces - done);
    const vectors = templates.take(count);
    const adding = Array.from({ length: count }, (_, i) => {
      const template = vectors.subarray(i * base.dimension, (i + 1) * base.dimension);
      return store.faces.add(owner, 'people', face, template);
    });
    await Promise.all(adding);
    if ((done + count) % 100_000 === 0) console.error(`wrote ${done + count} of ${faces} faces`);
  }
  await store.close();
}

async function start(folder: string): Promise<{ child: Child; start: Start }> {
  const began = performance.now();
  const child = await startChild(folder);
  const total = (performance.now() - began) / 1000;
  const done = child.log.find(({ msg }) => msg === 'the index is complete');
  return {
    child,
    start: { total, index: Number(done?.seconds), fromSnapshots: Number(done?.fromSnapshots) },
  };
}

interface Stop {
  readonly total: number;
  /** Of that, writing the snapshot; null where none was written. */
  readonly snapshot: { readonly seconds: number; readonly bytes: number } | null;
}

async function stop(child: Child): Promise<Stop> {
  const began = performance.now();
  const code = await child.stop();
  const total = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`The service ended with ${code}: ${child.stderr()}`);
  const written = child.log.find(({ msg }) => msg === 'a snapshot of the index was written');
  return {
    total,
    snapshot: written ? { seconds: Number(written.seconds), bytes: Number(written.bytes) } : null,
  };
}

async function measure(faces: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'visage-bench-'));
  try {
    // The first start prepares the networks, which a later one does not.
    await (await startChild(folder)).stop();
    await fill(folder, faces);
    const rebuilt = await start(folder);
    const stopped = await stop(rebuilt.child);
    if (!stopped.snapshot) throw new Error('No snapshot was written: too few faces');
    const restored = await start(folder);
    await stop(restored.child);
    if (restored.start.fromSnapshots !== faces) throw new Error('The snapshot was not used');
    const disk = (await stat(join(folder, 'data.mdb'))).size;
    const { seconds, bytes } = stopped.snapshot;
    const line = (what: string, took: number, read: number, aim?: string) => {
      console.log(
        faces.toLocaleString('en').padStart(10),
        what.padEnd(36),
        took.toFixed(2).padStart(8),
        (read / MB / took).toFixed(0).padStart(8),
        (faces / took).toFixed(0).padStart(11),
      );
      report({
        claim: `${faces.toLocaleString('en')} faces, ${what}`,
        value: took,
        unit: 's',
        ...(aim ? { aim } : {}),
      });
    };
    const templates = faces * base.dimension * Float32Array.BYTES_PER_ELEMENT;
    line('index from the store', rebuilt.start.index, templates);
    line('index from the snapshot', restored.start.index, bytes);
    line('start without a snapshot', rebuilt.start.total, templates, 'at most 60 s at 1,000,000');
    line('start with a snapshot', restored.start.total, bytes, 'at most 10 s at 1,000,000');
    line('writing the snapshot', seconds, bytes);
    line('stop with writing it', stopped.total, bytes);
    console.log(
      `${' '.repeat(10)} a face takes ${(bytes / faces).toFixed(0)} bytes of the snapshot, ` +
        `${(disk / faces).toFixed(0)} of the store`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

console.log(`${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, node ${process.versions.node}`);
console.log(`${base.source}\n`);
console.log('     faces what                                  seconds     MB/s     faces/s');
for (const faces of counts) await measure(faces);
