import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { GalleryIndexes } from '../../src/gallery/gallery-indexes.ts';
import { SnapshotFolder } from '../../src/gallery/snapshot-folder.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { openSearchSpace } from '../../src/native/gallery-index.ts';

const STAMP = {
  gallery: 1,
  pack: 'test',
  packVersion: '1',
  generation: 1,
  epochId: 'w',
  lastLabel: 10,
  complete: true,
};

const SPACE = openSearchSpace(4);

const executor = createExecutor({ threads: 2, maxQueue: 64 });
after(() => executor.close());

function axis(i: number): Float32Array {
  return Float32Array.from({ length: 4 }, (_, j) => (i === j ? 1 : 0));
}

describe('the indexes of galleries', () => {
  test('find what was added, best first, in its own gallery only', async () => {
    const indexes = new GalleryIndexes(executor);
    await indexes.add(1, 10, axis(0), SPACE);
    await indexes.add(1, 11, axis(1), SPACE);
    await indexes.add(2, 12, axis(0), SPACE);
    const probe = Float32Array.of(0.8, 0.6, 0, 0);
    const found = await indexes.search(1, probe, 5);
    assert.deepEqual(
      found.map(({ label }) => label),
      [10, 11],
    );
    assert.deepEqual(
      found.map(({ score }) => Number(score.toFixed(3))),
      [0.8, 0.6],
    );
    assert.deepEqual(await indexes.search(3, probe, 5), []);
  });

  test('search among allowed labels only, however much nearer others are', async () => {
    const indexes = new GalleryIndexes(executor);
    for (let label = 1; label <= 50; label++) await indexes.add(1, label, axis(0), SPACE);
    await indexes.add(1, 51, axis(1), SPACE);
    await indexes.add(1, 52, axis(2), SPACE);
    const labels = async (allow: number[] | null) =>
      (await indexes.search(1, axis(0), 3, allow)).map(({ label }) => label).sort();
    assert.deepEqual(await labels([51, 52]), [51, 52]);
    assert.deepEqual(await labels([52, 99]), [52]);
    assert.deepEqual(await labels([]), []);
    assert.equal((await labels(null)).length, 3);
  });

  test('forget what was removed or dropped', async () => {
    const indexes = new GalleryIndexes(executor);
    await indexes.add(1, 10, axis(0), SPACE);
    await indexes.add(1, 11, axis(1), SPACE);
    await indexes.remove(1, [10, 99]);
    await indexes.remove(7, [1]);
    assert.deepEqual(
      (await indexes.search(1, axis(0), 5)).map(({ label }) => label),
      [11],
    );
    assert.equal(indexes.state(1).size, 1);
    indexes.drop(1);
    assert.equal(indexes.state(1).size, 0);
    assert.deepEqual(await indexes.search(1, axis(0), 5), []);
  });

  test('are filled from batches, and tell what was added', async () => {
    const indexes = new GalleryIndexes(executor);
    const both = Float32Array.of(...axis(0), ...axis(1));
    const progress: number[] = [];
    await indexes.fill(
      5,
      [
        { labels: BigInt64Array.of(1n, 2n), rows: both },
        { labels: BigInt64Array.of(3n), rows: axis(3) },
      ],
      SPACE,
      (added) => progress.push(added),
    );
    assert.deepEqual(progress, [2, 1]);
    assert.equal(indexes.totals().templates, 3);
    assert.equal((await indexes.search(5, axis(1), 1))[0]?.label, 2);
    assert.equal((await indexes.search(5, axis(3), 1))[0]?.label, 3);
  });

  test('tell how far the loading of a snapshot is', async (t) => {
    const background = createExecutor({ threads: 1, maxQueue: 1 });
    const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const snapshots = new SnapshotFolder(folder);
    const indexes = new GalleryIndexes(executor, snapshots);
    await indexes.add(1, 10, axis(0), SPACE);
    await indexes.save(1, STAMP, background);
    await background.close();
    indexes.unload(1);
    t.mock.timers.enable({ apis: ['setInterval'] });
    const shares: number[] = [];
    const loading = indexes.load(1, SPACE, (share) => shares.push(share));
    t.mock.timers.tick(1_000);
    await loading;
    const told = shares.length;
    assert.ok(told > 0 && shares.every((share) => share >= 0 && share <= 1), `${shares}`);
    t.mock.timers.tick(1_000);
    assert.equal(shares.length, told, 'and nothing after');
    assert.equal(indexes.state(1).size, 1);
  });
});
