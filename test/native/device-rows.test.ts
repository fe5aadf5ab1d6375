import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { uniforms } from '../../src/base/random.ts';
import { findSearchDevice, GalleryIndexes } from '../../src/gallery/gallery-indexes.ts';
import { createExecutor } from '../../src/native/executor.ts';
import {
  createGalleryIndex,
  type GalleryIndex,
  openSearchSpace,
  whySearchUnavailable,
} from '../../src/native/gallery-index.ts';
import type { Log } from '../../src/ops/log.ts';
import { ROOT } from '../../testing/service.ts';

const DIMENSION = 64;
const LARGE = 8192;
const COUNT = 12_000;
const INCLUDE = `-I${join(ROOT, 'native')}`;
const FAISS_ROWS = join(ROOT, 'native/cuda/faiss_rows.cu');

const folder = mkdtempSync(join(tmpdir(), 'visage-rows-'));
const faults = join(folder, 'faults');
const library = join(folder, 'host_rows.so');
const executor = createExecutor({ threads: 2, maxQueue: 4096 });
before(() => {
  const source = join(ROOT, 'test/native/programs/host_rows.cc');
  const options = ['-std=c++20', '-O2', `-DFAULTS="${faults}"`, INCLUDE, '-shared', '-fPIC'];
  execFileSync(process.env.CXX ?? 'g++', [...options, source, '-o', library]);
  mkdirSync(faults);
});
afterEach(() => {
  rmSync(faults, { recursive: true });
  mkdirSync(faults);
});
after(async () => {
  await executor.close();
  rmSync(folder, { recursive: true });
});

const fault = (name: string) => writeFileSync(join(faults, name), '');
const mend = (name: string) => rmSync(join(faults, name));

function vectorsOf(count: number, seed: number): Float32Array {
  const uniform = uniforms(seed);
  const vectors = new Float32Array(count * DIMENSION);
  for (let row = 0; row < count; row++) {
    const values = Array.from({ length: DIMENSION }, () => uniform() - 0.5);
    const length = Math.hypot(...values);
    vectors.set(
      values.map((value) => value / length),
      row * DIMENSION,
    );
  }
  return vectors;
}

const vectors = vectorsOf(COUNT, 1);
const probes = vectorsOf(20, 2);
const row = (all: Float32Array, i: number) => all.subarray(i * DIMENSION, (i + 1) * DIMENSION);
const labels = (count: number, from = 0) => BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i));

async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    assert.ok(tries < 2000, 'the background does not come to an end');
    await sleep(10);
  }
}

async function pair(count = COUNT): Promise<{ helped: GalleryIndex; exact: GalleryIndex }> {
  const helped = createGalleryIndex(executor, openSearchSpace(DIMENSION), library);
  const exact = createGalleryIndex(executor, openSearchSpace(DIMENSION));
  for (const index of [helped, exact]) await index.add(labels(count), vectors.subarray(0, count * DIMENSION));
  return { helped, exact };
}

async function assertSame(helped: GalleryIndex, exact: GalleryIndex, k: number, allow?: BigInt64Array) {
  for (let i = 0; i < probes.length / DIMENSION; i++) {
    const [is, should] = await Promise.all(
      [helped, exact].map((index) => index.search(row(probes, i), k, allow)),
    );
    assert.deepEqual(is, should);
  }
}

describe('a gallery whose vectors are on a GPU, by a stand-in on the host', () => {
  test('is searched as exactly as one that is not, one by one and all, beside adds and removals', async () => {
    const { helped, exact } = await pair();
    await until(() => helped.onDevice().rows === COUNT);
    for (const k of [1, 10, 100, COUNT]) await assertSame(helped, exact, k);
    const more = vectorsOf(100, 3);
    for (const index of [helped, exact]) {
      await index.add(labels(100, COUNT), more);
      await index.remove(labels(700, 50));
      await index.add(labels(20), more.subarray(0, 20 * DIMENSION));
    }
    for (const k of [1, 10, 100]) await assertSame(helped, exact, k);
    assert.equal(helped.onDevice().failure, '');
  });

  test('is searched among what it proposes', async () => {
    const { helped } = await pair();
    await until(() => helped.onDevice().rows === COUNT);
    const probe = row(vectors, 3000);
    assert.equal((await helped.search(probe, 1)).ids[0], 3000n);
    fault('wrong');
    const { ids } = await helped.search(probe, 1);
    assert.ok((ids[0] as bigint) < 32n);
    const long = probe.map((value) => value * 1e6);
    assert.deepEqual((await helped.search(long, 1)).ids, ids);
    mend('wrong');
    assert.equal((await helped.search(long, 1)).ids[0], 3000n);
    assert.deepEqual([...(await helped.search(new Float32Array(DIMENSION), 2)).scores], [0, 0]);
  });

  test('is searched inside a filter, of many and of few', async () => {
    const { helped, exact } = await pair();
    await until(() => helped.onDevice().rows === COUNT);
    for (const every of [2, 3, 10, 500]) {
      const allow = BigInt64Array.from({ length: COUNT / every }, (_, i) => BigInt(i * every));
      for (const k of [1, 5, 50]) await assertSame(helped, exact, k, allow);
    }
  });

  test('is searched without it where it proposes too few', async () => {
    const { helped, exact } = await pair();
    await until(() => helped.onDevice().rows === COUNT);
    fault('none');
    await assertSame(helped, exact, 10);
    assert.deepEqual(helped.onDevice(), { rows: COUNT, failure: '' });
  });

  test('is copied to it again when what was removed is swept out', async () => {
    const { helped, exact } = await pair();
    await until(() => helped.onDevice().rows === COUNT);
    for (const index of [helped, exact]) await index.remove(labels(3500));
    await until(() => helped.tombstones === 0 && helped.onDevice().rows === COUNT - 3500);
    for (const k of [1, 10]) await assertSame(helped, exact, k);
    for (const index of [helped, exact]) await index.remove(labels(COUNT - 3500 - LARGE / 4, 3500));
    await until(() => helped.onDevice().rows === 0);
    await assertSame(helped, exact, 1);
  });

  for (const [what, name] of [
    ['takes no rows', 'append'],
    ['has no room', 'open'],
  ] as const) {
    test(`that ${what} is searched without it`, async () => {
      assert.equal(whySearchUnavailable(library), null);
      fault(name);
      const { helped, exact } = await pair();
      await until(() => helped.onDevice().failure !== '');
      assert.deepEqual(helped.onDevice(), { rows: 0, failure: 'as it was told' });
      await assertSame(helped, exact, 10);
    });
  }

  test('is searched without it from the search on in which it fails', async () => {
    const { helped, exact } = await pair();
    await until(() => helped.onDevice().rows === COUNT);
    fault('best');
    await assertSame(helped, exact, 10);
    assert.deepEqual(helped.onDevice(), { rows: 0, failure: 'as it was told' });
    mend('best');
    const more = vectorsOf(300, 5);
    for (const index of [helped, exact]) await index.add(labels(300, COUNT), more);
    await assertSame(helped, exact, 10);
    assert.equal(helped.onDevice().rows, 0);
  });
});

function listen(): { log: Log; lines: unknown[][] } {
  const lines: unknown[][] = [];
  const line = (...said: unknown[]) => lines.push(said);
  return { log: { info: line, warn: line } as unknown as Log, lines };
}

test('a failure of the GPU is one line of the log', async () => {
  const { log, lines } = listen();
  const device = findSearchDevice(log, library);
  assert.deepEqual(lines.splice(0), [['large galleries are searched on the GPU']]);
  fault('append');
  const indexes = new GalleryIndexes(executor, null, device);
  const many = vectorsOf(8500, 4);
  await indexes.fill(7, [{ labels: labels(8500), rows: many }], openSearchSpace(DIMENSION));
  for (let tries = 0; lines.length === 0 && tries < 1000; tries++) {
    await indexes.search(7, row(many, 0), 1);
    await sleep(10);
  }
  for (let i = 0; i < 3; i++) await indexes.search(7, row(many, i), 1);
  assert.deepEqual(lines, [
    [{ gallery: 7, why: 'as it was told' }, 'the GPU has failed: the gallery is searched on the CPU'],
  ]);
});

test('what is no library for it is said at the start', () => {
  const { log, lines } = listen();
  const none = join(folder, 'none.so');
  assert.equal(findSearchDevice(log, none), null);
  assert.deepEqual(lines, [
    [{ why: 'this build has no library by FAISS' }, 'galleries are searched on the CPU'],
  ]);
  assert.match(whySearchUnavailable(none) ?? '', /none\.so: cannot open shared object/);
  assert.throws(
    () => createGalleryIndex(executor, openSearchSpace(8), none),
    /none\.so: cannot open shared object/,
  );
});

const compile = (...args: string[]) =>
  spawnSync(process.env.CXX ?? 'g++', ['-std=c++20', '-fsyntax-only', ...args], { encoding: 'utf8' });
const HEADERS = '#include <faiss/gpu/StandardGpuResources.h>\n#include <cuda_runtime.h>\n';

test("the library by FAISS compiles against FAISS's headers", (t) => {
  const toolkit = ['/usr/local/cuda/include', join(ROOT, 'deps/faiss/include')].flatMap((path) => [
    '-isystem',
    path,
  ]);
  const probe = join(folder, 'probe.cc');
  writeFileSync(probe, HEADERS);
  if (compile(...toolkit, probe).status !== 0) {
    t.skip("FAISS's headers for GPUs, or those of CUDA and cuBLAS, are not here");
    return;
  }
  const { status, stderr } = compile(...toolkit, '-Wall', '-Wextra', INCLUDE, '-x', 'c++', FAISS_ROWS);
  assert.equal(status, 0, stderr);
});
