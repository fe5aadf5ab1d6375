import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
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
import { createExecutor } from '../../src/native/executor.ts';
import {
  createGalleryIndex,
  type GalleryIndex,
  openSearchSpace,
  readSnapshotInfo,
} from '../../src/native/gallery-index.ts';
import { HEADER, headChanged, sectionChanged } from './snapshot-forgery.ts';

const DIMENSION = 70;
const executor = createExecutor({ threads: 2, maxQueue: 64 });
const background = createExecutor({ threads: 1, maxQueue: 1 });
const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
after(async () => {
  await Promise.all([executor.close(), background.close()]);
  rmSync(folder, { recursive: true });
});

function vectorOf(seed: number): Float32Array {
  const vector = Float32Array.from({ length: DIMENSION }, (_, i) => Math.sin(1000 * Math.sin(seed * 97 + i)));
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

async function indexOf(labels: readonly number[]): Promise<GalleryIndex> {
  const index = createGalleryIndex(executor, openSearchSpace(DIMENSION));
  const vectors = new Float32Array(labels.length * DIMENSION);
  for (const [i, label] of labels.entries()) vectors.set(vectorOf(label), i * DIMENSION);
  await index.add(BigInt64Array.from(labels, BigInt), vectors);
  return index;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

async function answers(index: GalleryIndex) {
  const found = [];
  for (const probe of [1, 77, 5000]) {
    const { ids, scores } = await index.search(vectorOf(probe), 25);
    found.push([...ids], [...scores]);
  }
  return found;
}

async function loaded(path: string, dimension = DIMENSION): Promise<GalleryIndex> {
  const index = createGalleryIndex(executor, openSearchSpace(dimension));
  await index.load(path);
  return index;
}

describe('A snapshot of an index', () => {
  for (const count of [1, 64, 700, 40_000]) {
    test(`answers what the index answered, with ${count} vectors`, async () => {
      const path = join(folder, `whole-${count}`);
      const index = await indexOf(numbers(count));
      const bytes = await index.save(background, path, 'the stamp');
      assert.equal(statSync(path).size, bytes);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.deepEqual(readSnapshotInfo(path), {
        dimension: DIMENSION,
        rows: count,
        stamp: 'the stamp',
        rowFiles: [],
      });
      const again = await loaded(path);
      assert.equal(again.size, count);
      assert.equal(again.loaded, bytes - HEADER, 'says how much it has read');
      assert.deepEqual(await answers(again), await answers(index));
    });
  }

  test('leaves out what was removed or replaced', async () => {
    const path = join(folder, 'removed');
    const index = await indexOf(numbers(1000));
    const removed = [1, 2, 63, 64, 65, 500, 999, 1000];
    await index.remove(BigInt64Array.from(removed, BigInt));
    await index.add(BigInt64Array.of(7n), vectorOf(5000));
    await index.save(background, path, '');
    assert.equal(readSnapshotInfo(path).rows, 992);
    const again = await loaded(path);
    assert.deepEqual(await answers(again), await answers(index));
    const sorted = (labels: BigInt64Array) => [...labels].map(Number).sort((a, b) => a - b);
    assert.deepEqual(
      sorted(await again.labels()),
      numbers(1000).filter((label) => !removed.includes(label)),
    );
    const only = await again.search(vectorOf(5000), 1);
    assert.equal(only.ids[0], 7n);
  });

  test('can be written when everything was removed, or nothing was ever held', async () => {
    const path = join(folder, 'nothing');
    const index = await indexOf([1, 2, 3]);
    await index.remove(BigInt64Array.of(1n, 2n, 3n));
    await index.save(background, path, '');
    assert.equal((await loaded(path)).size, 0);
    await createGalleryIndex(executor, openSearchSpace(DIMENSION)).save(background, path, '');
    assert.equal((await loaded(path)).size, 0);
  });

  test('goes on being written to and saved after it was loaded', async () => {
    const path = join(folder, 'further');
    await (await indexOf(numbers(700))).save(background, path, '');
    const index = await loaded(path);
    await index.add(BigInt64Array.of(701n), vectorOf(701));
    await index.remove(BigInt64Array.of(3n));
    await index.save(background, path, '');
    const expected = await indexOf(numbers(701));
    await expected.remove(BigInt64Array.of(3n));
    assert.deepEqual(await answers(await loaded(path)), await answers(expected));
  });

  test('holds what was called before it, and nothing that was called after', async () => {
    const path = join(folder, 'order');
    const index = await indexOf(numbers(20_000));
    const calls = [
      index.add(BigInt64Array.of(20_001n), vectorOf(20_001)),
      index.save(background, path, ''),
      index.remove(BigInt64Array.of(1n)),
      index.add(BigInt64Array.of(20_002n), vectorOf(20_002)),
    ];
    await Promise.all(calls);
    const labels = new Set(await (await loaded(path)).labels());
    assert.ok(labels.has(1n) && labels.has(20_001n) && !labels.has(20_002n));
  });

  test('is not loaded over what an index holds', async () => {
    const path = join(folder, 'over');
    const index = await indexOf([1]);
    await index.save(background, path, '');
    await assert.rejects(index.load(path), /holds something already/);
    assert.equal(index.size, 1);
  });

  test('that is called off, or finds no room, leaves the one from before', async () => {
    const path = join(folder, 'before');
    await (await indexOf([1])).save(background, path, 'before');
    const index = await indexOf(numbers(40_000));
    const saving = index.save(background, path, 'after');
    index.cancelSave();
    await assert.rejects(saving, /called off/);
    assert.equal(readSnapshotInfo(path).stamp, 'before');
    await assert.rejects(index.save(background, '/dev/full/x', ''), /cannot be written/);
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    await assert.rejects(
      index.save(background, join(closed, 'no', 'x'), ''),
      /cannot be written: No such file/,
    );
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.unfinished')),
      [],
    );
    chmodSync(closed, 0o700);
  });
});

describe('A snapshot that is damaged is refused, and the index stays empty,', () => {
  const path = join(folder, 'damaged');
  const good = async () => {
    await (await indexOf(numbers(100))).save(background, path, '{"a":1}');
    return readFileSync(path);
  };

  test('where any byte is another one', async () => {
    const bytes = await good();
    for (let at = 0; at < bytes.length; at += at < 1200 ? 1 : 37) {
      const altered = Buffer.from(bytes);
      altered.writeUInt8((bytes[at] as number) ^ (1 << (at % 8)), at);
      writeFileSync(path, altered);
      await assert.rejects(
        loaded(path),
        /damaged|cut off|no snapshot|another version|another search space/,
        `byte ${at}`,
      );
    }
  });

  test('where it is cut off or goes on', async () => {
    const bytes = await good();
    for (const length of [0, 1, 8, 100, 1000, bytes.length - 1000, bytes.length - 1]) {
      truncateSync(path, length);
      await assert.rejects(loaded(path), /cut off/, `${length} bytes`);
      writeFileSync(path, bytes);
    }
    writeFileSync(path, Buffer.concat([bytes, Buffer.of(0)]));
    await assert.rejects(loaded(path), /damaged/);
  });

  test('where its numbers are not possible although its checksums are right', async () => {
    const bytes = await good();
    const forgeries: [name: string, forge: (file: Buffer) => void][] = [
      ['too many rows', (file) => file.writeBigUInt64LE(2n ** 63n, 16)],
      ['more rows than bytes', (file) => file.writeBigUInt64LE(1_000_000n, 16)],
      ['no dimension', (file) => file.writeUInt32LE(0, 12)],
      ['an endless stamp', (file) => file.writeUInt32LE(0xffffffff, 24)],
      ['an endless section', (file) => file.writeBigUInt64LE(2n ** 64n - 8n, 32)],
      ['sections that overlap', (file) => file.writeBigUInt64LE(799n, 32)],
      ['a label twice', (file) => sectionChanged(file, 0, (labels) => labels.copy(labels, 8, 0, 8))],
      [
        'a scale that is no number',
        (file) => sectionChanged(file, 1, (scales) => scales.writeFloatLE(Number.NaN, 4)),
      ],
      [
        'a residual below zero',
        (file) => sectionChanged(file, 2, (residuals) => residuals.writeFloatLE(-1, 4)),
      ],
    ];
    for (const [name, forge] of forgeries) {
      const forged = Buffer.from(bytes);
      forge(forged);
      headChanged(forged);
      writeFileSync(path, forged);
      await assert.rejects(loaded(path), /damaged|cut off/, name);
    }
    forgeAgain(bytes);
    assert.equal((await loaded(path)).size, 100);
  });

  test('where it is of vectors of another length, or no file', async () => {
    await good();
    await assert.rejects(loaded(path, DIMENSION + 1), /another length/);
    await assert.rejects(loaded(join(folder, 'missing')), /cannot be read/);
    await assert.rejects(loaded(folder), /cannot be read|cut off/);
    assert.throws(() => readSnapshotInfo(join(folder, 'missing')), /cannot be read/);
    assert.ok(!existsSync(join(folder, 'missing')));
  });

  function forgeAgain(bytes: Buffer): void {
    const same = Buffer.from(bytes);
    sectionChanged(same, 1, () => {});
    headChanged(same);
    writeFileSync(path, same);
  }
});
