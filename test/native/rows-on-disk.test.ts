import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { normals, uniforms } from '../../src/base/random.ts';
import { createExecutor } from '../../src/native/executor.ts';
import {
  createGalleryIndex,
  type GalleryIndex,
  openSearchSpace,
  readSnapshotInfo,
  type SearchSpace,
} from '../../src/native/gallery-index.ts';
import { evenSpace } from '../../testing/search-spaces.ts';

const DIMENSION = 64;
const ROWS_OF_FILE = 256;
const HEADER = 64;
const EXACT = openSearchSpace(DIMENSION);
const QUANTISED = evenSpace({ dimension: DIMENSION, rank: DIMENSION });
const executor = createExecutor({ threads: 2, maxQueue: 64 });
const background = createExecutor({ threads: 1, maxQueue: 1 });
const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
after(async () => {
  await Promise.all([executor.close(), background.close()]);
  rmSync(folder, { recursive: true });
});

const normal = normals(5);
const pool = Array.from({ length: 9000 }, () => Float32Array.from({ length: DIMENSION }, normal));

function onDisk(name: string, space: SearchSpace = EXACT): GalleryIndex {
  return createGalleryIndex(executor, space, undefined, {
    prefix: join(folder, `${name}.`),
    least: 1,
    rowsOfFile: ROWS_OF_FILE,
  });
}

function filesOf(name: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.startsWith(`${name}.`) && file.endsWith('.rows'))
    .map((file) => join(folder, file));
}

async function add(index: GalleryIndex, labels: readonly number[]): Promise<void> {
  const vectors = new Float32Array(labels.length * DIMENSION);
  for (const [i, label] of labels.entries()) vectors.set(pool[label] as Float32Array, i * DIMENSION);
  await index.add(BigInt64Array.from(labels, BigInt), vectors);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Waits until all full files are written. */
async function settled(index: GalleryIndex): Promise<void> {
  const isSettled = () => {
    const rest = index.size + index.tombstones - index.onDisk().rows;
    return (
      rest < ROWS_OF_FILE &&
      !(index.tombstones >= 1024 && 4 * index.tombstones > index.size + index.tombstones)
    );
  };
  for (let i = 0; !isSettled(); i++) {
    assert.ok(i < 20_000, 'the background does not end');
    await sleep(10);
  }
}

async function filled(name: string, count: number, space = EXACT): Promise<GalleryIndex> {
  const index = onDisk(name, space);
  await add(index, numbers(count));
  await settled(index);
  return index;
}

async function answers(index: GalleryIndex, allow?: BigInt64Array): Promise<unknown[]> {
  const found = [];
  for (const probe of [3, 700, 1500, 8000])
    found.push(await index.search(pool[probe] as Float32Array, 20, allow));
  return found;
}

async function repair(index: GalleryIndex): Promise<number> {
  const labels = Array.from(index.damaged(), Number);
  await add(index, labels);
  return labels.length;
}

async function repairedAnswers(index: GalleryIndex): Promise<unknown[]> {
  for (;;) {
    const found = await answers(index);
    if (!found.some((answer) => (answer as { isDamaged: boolean }).isDamaged)) return found;
    await repair(index);
  }
}

describe('Rows on disk', () => {
  for (const [name, space] of [
    ['exact', EXACT],
    ['quantised', QUANTISED],
  ] as const) {
    test(`answer as rows in memory, through adds, deletes, sweeps and restarts: ${name}`, async () => {
      const random = uniforms(3);
      const memory = createGalleryIndex(executor, space);
      let disk = onDisk(name, space);
      const held = new Set<number>();
      const path = join(folder, `${name}.snapshot`);
      for (let turn = 0; turn < 24; turn++) {
        const fresh = Array.from({ length: 800 }, () => Math.floor(random() * pool.length));
        await Promise.all([add(memory, fresh), add(disk, fresh)]);
        for (const label of fresh) held.add(label);
        const isSwept = turn % 6 === 5;
        const gone = [...held].filter((_, i) => random() < (isSwept && i % 2000 < 1200 ? 0.9 : 0.05));
        for (const label of gone) held.delete(label);
        const labels = BigInt64Array.from(gone, BigInt);
        assert.equal(await disk.remove(labels), await memory.remove(labels));
        if (turn % 4 === 3) {
          if (turn % 8 === 3) await settled(disk);
          await disk.save(background, path, '');
          disk = onDisk(name, space);
          await disk.load(path);
          assert.equal(disk.size, memory.size);
        }
        const allow = BigInt64Array.from(
          [...held].filter(() => random() < 0.3),
          BigInt,
        );
        for (const label of [...held].slice(0, 12)) {
          const probe = (pool[label] as Float32Array).map((value) => value + 0.3 * normal());
          const k = space === EXACT ? 15 : 1;
          assert.deepEqual(await disk.search(probe, k), await memory.search(probe, k));
          const own = space === EXACT ? allow : BigInt64Array.from([...allow, BigInt(label)]);
          assert.deepEqual(await disk.search(probe, k, own), await memory.search(probe, k, own));
        }
      }
      assert.ok(disk.onDisk().rows > 0);
    });
  }

  test('leave a fifth in memory, in files of mode 0600', async () => {
    const index = await filled('memory', 8192, QUANTISED);
    const memory = createGalleryIndex(executor, QUANTISED);
    await add(memory, numbers(8192));
    assert.equal(index.onDisk().rows, 8192);
    assert.equal(memory.bytes - index.bytes, 8192 * 2 * DIMENSION);
    assert.equal(filesOf('memory').length, 32);
    for (const file of filesOf('memory')) assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(await answers(index), await answers(memory));
  });

  test('of removed faces are gone from disk after a save, and unused files after the next', async () => {
    const name = 'erased';
    const path = join(folder, `${name}.snapshot`);
    const index = await filled(name, 2048);
    await index.save(background, path, '');
    const head = 8 + 12 + 4;
    const planes = 2 * DIMENSION + 4;
    const rowOf = (label: number) => {
      for (const file of filesOf(name)) {
        const bytes = readFileSync(file);
        for (let place = 0; place < ROWS_OF_FILE; place++) {
          if (bytes.readBigInt64LE(HEADER + place * head) !== BigInt(label)) continue;
          const at = HEADER + ROWS_OF_FILE * head + place * planes;
          return { file, place, at };
        }
      }
      return undefined;
    };
    const removed = [1, 300, 500, 2047];
    const places = removed.map((label) => rowOf(label) as { file: string; place: number; at: number });
    await index.remove(BigInt64Array.from(removed, BigInt));
    await index.save(background, path, '');
    for (const { file, place, at } of places) {
      const bytes = readFileSync(file);
      const zeros = (from: number, length: number) =>
        bytes.subarray(from, from + length).every((byte) => byte === 0);
      assert.ok(zeros(HEADER + place * head, head) && zeros(at, planes));
      assert.ok(!zeros(at + (place === 0 ? planes : -planes), planes), 'its neighbour stays');
    }
    const before = filesOf(name);
    await index.remove(BigInt64Array.from(numbers(1200), BigInt));
    await settled(index);
    await index.save(background, path, '');
    await settled(index);
    await index.save(background, path, '');
    assert.equal(filesOf(name).filter((file) => before.includes(file)).length, 3, 'five files are gone');
    assert.deepEqual(
      filesOf(name).sort(),
      readSnapshotInfo(path)
        .rowFiles.map((file) => join(folder, `${name}.${file}`))
        .sort(),
    );
    const again = onDisk(name);
    await again.load(path);
    assert.deepEqual(await answers(again), await answers(index));
  });

  test('stay in their files in a sweep, unless more than a quarter of a file is removed', async () => {
    const name = 'few';
    const path = join(folder, `${name}.snapshot`);
    const index = await filled(name, 4096);
    const before = filesOf(name);
    const isFull = (label: number) => label % (2 * ROWS_OF_FILE) < ROWS_OF_FILE;
    const gone = numbers(4096).filter((label) => label % ROWS_OF_FILE < (isFull(label) ? 64 : 192));
    await index.remove(BigInt64Array.from(gone, BigInt));
    await settled(index);
    for (let i = 0; index.tombstones !== 8 * 64; i++) {
      assert.ok(i < 600, `${index.tombstones} rows are removed`);
      await sleep(10);
    }
    const memory = createGalleryIndex(executor, EXACT);
    await add(memory, numbers(4096));
    await memory.remove(BigInt64Array.from(gone, BigInt));
    const more = numbers(4096).filter((label) => label % 40 === 0);
    assert.equal(
      await index.remove(BigInt64Array.from(more, BigInt)),
      await memory.remove(BigInt64Array.from(more, BigInt)),
    );
    assert.deepEqual(await answers(index), await answers(memory));
    await index.save(background, path, '');
    for (let i = 0; filesOf(name).filter((file) => before.includes(file)).length !== 8; i++) {
      assert.ok(i < 600, 'the other eight files go');
      await sleep(10);
    }
    const again = onDisk(name);
    await again.load(path);
    assert.deepEqual(await answers(again), await answers(memory));
    assert.equal(again.size, memory.size);
  });

  test('that are damaged while in use are reported, never answered', async () => {
    const expected = await answers(await filled('sound', 2048));
    const damages: Record<string, (file: string) => void> = {
      flipped: (file) => {
        const bytes = readFileSync(file);
        for (let at = 0; at < bytes.length; at += 97) bytes.writeUInt8((bytes[at] as number) ^ 4, at);
        writeFileSync(file, bytes);
      },
      truncated: (file) => truncateSync(file, 5000),
      empty: (file) => truncateSync(file, 0),
      foreign: (file) => copyFileSync(filesOf('sound')[0] as string, file),
    };
    for (const [name, damage] of Object.entries(damages)) {
      const index = await filled(name, 2048);
      for (const file of filesOf(name).slice(1, 4)) damage(file);
      const [first] = (await answers(index)) as { isDamaged: boolean }[];
      assert.equal(first?.isDamaged, true, name);
      assert.ok(index.damaged().length > 0);
      assert.deepEqual(await repairedAnswers(index), expected, name);
      assert.equal(index.damaged().length, 0);
    }
  });

  test('that are damaged or missing at a load are left out, so that the store can fill them in', async () => {
    const name = 'load';
    const path = join(folder, `${name}.snapshot`);
    const index = await filled(name, 2048);
    const expected = await answers(index);
    await index.save(background, path, '');
    const [missing, cut, foreign, flipped] = filesOf(name) as [string, string, string, string];
    rmSync(missing);
    truncateSync(cut, 3000);
    copyFileSync(flipped, foreign);
    const bytes = readFileSync(flipped);
    bytes.writeUInt8((bytes[HEADER] as number) ^ 1, HEADER);
    writeFileSync(flipped, bytes);
    const again = onDisk(name);
    await again.load(path);
    assert.ok(again.size < 2048 - 2 * ROWS_OF_FILE && again.size > 2048 - 4 * ROWS_OF_FILE);
    const held = new Set(Array.from(await again.labels(), Number));
    await add(
      again,
      numbers(2048).filter((label) => !held.has(label)),
    );
    assert.deepEqual(await repairedAnswers(again), expected);
  });

  test('that a sweep finds damaged are reported before the next answer', async () => {
    const index = await filled('swept', 4096);
    for (const file of filesOf('swept')) truncateSync(file, 20_000);
    await index.remove(BigInt64Array.from(numbers(1400), BigInt));
    for (let i = 0; index.damaged().length === 0; i++) {
      assert.ok(i < 6000);
      await sleep(10);
    }
    await settled(index);
    const sound = await filled('unswept', 4096);
    await sound.remove(BigInt64Array.from(numbers(1400), BigInt));
    assert.deepEqual(await repairedAnswers(index), await answers(sound));
    assert.equal(index.size, sound.size);
  });

  test('stay in memory where the disk takes no file', async () => {
    const index = createGalleryIndex(executor, EXACT, undefined, {
      prefix: join(folder, 'no such folder', '1.'),
      least: 1,
      rowsOfFile: ROWS_OF_FILE,
    });
    await add(index, numbers(1000));
    for (let i = 0; index.onDisk().failure === ''; i++) {
      assert.ok(i < 6000);
      await sleep(10);
    }
    assert.match(index.onDisk().failure, /cannot be written: No such file/);
    const memory = createGalleryIndex(executor, EXACT);
    await add(memory, numbers(1000));
    assert.deepEqual(await answers(index), await answers(memory));
  });

  test('are refused by an index that keeps rows in memory, and begin at the given size', async () => {
    const path = join(folder, 'refused.snapshot');
    await (await filled('refused', 1024)).save(background, path, '');
    await assert.rejects(createGalleryIndex(executor, EXACT).load(path), /rows are on disk/);
    const prefix = join(folder, 'least.');
    const index = createGalleryIndex(executor, EXACT, undefined, { prefix, least: 600, rowsOfFile: 256 });
    await add(index, numbers(599));
    await sleep(50);
    assert.equal(index.onDisk().rows, 0);
    await add(index, [599]);
    await settled(index);
    assert.equal(index.onDisk().rows, 512);
  });

  test('go when the saved file is forgotten and no row needs them', async () => {
    const name = 'forgotten';
    const index = await filled(name, 2048);
    await index.save(background, join(folder, `${name}.snapshot`), '');
    await index.remove(BigInt64Array.from(numbers(2000), BigInt));
    await settled(index);
    index.forgetSaved();
    for (let i = 0; filesOf(name).length > 0; i++) {
      assert.ok(i < 600, 'the files stay');
      await sleep(10);
    }
    assert.equal(index.size, 48);
  });
});
