import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import type { Owner } from '../../src/api/caller.ts';
import { GalleryIndexes } from '../../src/gallery/gallery-indexes.ts';
import { startIndexes } from '../../src/gallery/load-indexes.ts';
import { SnapshotFolder } from '../../src/gallery/snapshot-folder.ts';
import { LONGEST_REMOVED_MS, SnapshotKeeper } from '../../src/gallery/snapshot-scheduler.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { readSnapshotInfo } from '../../src/native/gallery-index.ts';
import { Store } from '../../src/store/store.ts';
import {
  FACE,
  PACK,
  rowOf,
  SPACE,
  storeWithCollection,
  temporaryFolder,
} from '../../testing/temporary-store.ts';

const LEAST_FACES = 200;
const executor = createExecutor({ threads: 2, maxQueue: 64 });
const background = createExecutor({ threads: 1, maxQueue: 1 });
after(() => Promise.all([executor.close(), background.close()]));

let folder: string;
let store: Store;
let owner: Owner;
let indexes: GalleryIndexes;
let snapshots: SnapshotFolder;
let keeper: SnapshotKeeper;
let gallery: number;
let now: number;
const log = pino({ level: 'silent' });

/** @param least number of faces from which rows are on disk; 0 for none. */
async function serve(least = 0): Promise<void> {
  snapshots = new SnapshotFolder(join(folder, 'snapshots'));
  const rowsAt = (own: number, labels: readonly number[]) => store.faces.rowsAt(own, labels, 64);
  const storage = least > 0 ? { least, rowsOfFile: 64, rowsAt, log } : null;
  indexes = new GalleryIndexes(executor, snapshots, null, storage);
  await startIndexes({ store, indexes, snapshots, packs: [{ packId: PACK, space: SPACE }], log });
  const parts = {
    faces: store.faces,
    indexes,
    snapshots,
    packs: [PACK],
    leastFaces: LEAST_FACES,
    background,
    log,
  };
  keeper = new SnapshotKeeper({ ...parts, now: () => now });
}

async function add(count: number): Promise<string[]> {
  const adding = Array.from({ length: count }, async (_, i) => {
    const vector = rowOf(i + 1);
    const added = await store.faces.add(owner, 'people', FACE, vector);
    await indexes.add(added.gallery, added.label, vector, SPACE);
    return added.faceId;
  });
  return Promise.all(adding);
}

async function remove(faceId: string): Promise<void> {
  for (const { label } of await store.faces.removeById(owner, 'people', faceId)) {
    await indexes.remove(gallery, [label]);
  }
}

function rows(): number | null {
  const path = snapshots.path(gallery);
  return existsSync(path) ? readSnapshotInfo(path).rows : null;
}

beforeEach(async (t) => {
  folder = temporaryFolder(t as never);
  ({ store, owner } = await storeWithCollection(folder));
  gallery = store.collections.get(owner, 'people')?.gallery ?? 0;
  now = 1_000_000;
  await serve();
});

describe('The snapshot of a gallery is written', () => {
  test('when it has grown beyond what is read from the store in no time, and then with every tenth', async () => {
    await add(LEAST_FACES - 1);
    await keeper.look();
    assert.equal(rows(), null);
    await add(1);
    await keeper.look();
    assert.equal(rows(), LEAST_FACES);
    await add(15);
    await keeper.look();
    assert.equal(rows(), LEAST_FACES);
    await add(10);
    await keeper.look();
    assert.equal(rows(), LEAST_FACES + 25);
    assert.equal(keeper.counts.written, 2);
    assert.ok(keeper.counts.bytes > LEAST_FACES * 16);
    await store.close();
  });

  test('within an hour of a removal, so that the removed face is in no file any more', async () => {
    const [faceId] = await add(LEAST_FACES + 1);
    await keeper.look();
    now += LONGEST_REMOVED_MS;
    await keeper.look();
    assert.equal(keeper.counts.written, 1);
    await remove(faceId as string);
    await keeper.look();
    now += LONGEST_REMOVED_MS - 1;
    await keeper.look();
    assert.equal(rows(), LEAST_FACES + 1);
    now += 1;
    await keeper.look();
    assert.equal(rows(), LEAST_FACES);
    await store.close();
  });

  test('also for a removal that a start before found in the store only', async () => {
    const [faceId] = await add(LEAST_FACES + 1);
    await keeper.look();
    await store.faces.removeById(owner, 'people', faceId as string);
    await store.close();
    store = Store.open(folder);
    await serve();
    assert.equal(rows(), LEAST_FACES + 1);
    await keeper.look();
    now += LONGEST_REMOVED_MS;
    await keeper.look();
    assert.equal(rows(), LEAST_FACES);
    await store.close();
  });

  test('when rows have moved to disk and no more move, so the next start leaves them there', async () => {
    await serve(1);
    await add(LEAST_FACES);
    await keeper.look();
    while (indexes.rowFiles(gallery) < 3) await setTimeout(10);
    await keeper.look();
    await keeper.look();
    const named = readSnapshotInfo(snapshots.path(gallery)).rowFiles;
    assert.equal(named.length, 3);
    await store.close();
    store = Store.open(folder);
    await serve(1);
    for (let looks = 0; looks < 3; looks++) await keeper.look();
    assert.equal(keeper.counts.written, 0);
    assert.deepEqual(readSnapshotInfo(snapshots.path(gallery)).rowFiles, named);
    await store.close();
  });

  test('when the service stops, if much has changed or anything was removed', async () => {
    const [faceId] = await add(LEAST_FACES + 100);
    await keeper.look();
    await add(2);
    await keeper.stop(10_000);
    assert.equal(rows(), LEAST_FACES + 100);
    await serve();
    await add(40);
    await keeper.stop(10_000);
    assert.equal(rows(), LEAST_FACES + 142);
    await serve();
    await remove(faceId as string);
    await keeper.stop(10_000);
    assert.equal(rows(), LEAST_FACES + 141);
    await store.close();
  });
});

test('Damaged rows that a sweep met are replaced from the store without a search', async () => {
  await serve(1);
  const ids = await add(1600);
  while (indexes.rowFiles(gallery) < 25) await setTimeout(10);
  for (const name of readdirSync(join(folder, 'snapshots'))) {
    const file = join(folder, 'snapshots', name);
    if (name.endsWith('.rows')) truncateSync(file, Math.floor(0.7 * statSync(file).size));
  }
  await Promise.all(ids.filter((_, i) => i % 4 > 0).map(remove));
  while (indexes.totals().tombstones >= 1024) await setTimeout(10);
  assert.ok(indexes.state(gallery).size < 400, 'the sweep left damaged rows out');
  await keeper.look();
  const held = Array.from(await indexes.labels(gallery), Number).sort((a, b) => a - b);
  assert.deepEqual(held, [...store.faces.labels(gallery)]);
  assert.equal(held.length, 400);
  await store.close();
});

describe('A snapshot is removed', () => {
  test('when its gallery has become small', async () => {
    const [faceId] = await add(LEAST_FACES);
    await keeper.look();
    await remove(faceId as string);
    await keeper.look();
    assert.equal(rows(), null);
    assert.equal(keeper.counts.bytes, 0);
    await store.close();
  });

  test('when the next cannot be written, which is counted and tried again later', async () => {
    await add(LEAST_FACES);
    await keeper.look();
    await add(25);
    const obstacle = `${snapshots.path(gallery)}.unfinished`;
    mkdirSync(obstacle);
    await keeper.look();
    assert.equal(rows(), null);
    const { written, failed } = keeper.counts;
    assert.deepEqual({ written, failed }, { written: 1, failed: 1 });
    rmSync(obstacle, { recursive: true });
    await keeper.look();
    assert.equal(keeper.counts.failed, 1);
    assert.equal(rows(), null);
    now += 60 * 60_000;
    await keeper.look();
    assert.equal(rows(), LEAST_FACES + 25);
    await store.close();
  });
});

test('A stop ends at its limit, and the snapshot from before stays', async () => {
  await add(LEAST_FACES);
  await keeper.look();
  await add(1000);
  await keeper.stop(0);
  const left = rows();
  assert.ok(left === LEAST_FACES || left === LEAST_FACES + 1000);
  assert.equal(keeper.counts.failed, 0);
  await keeper.look();
  assert.equal(rows(), left);
  await store.close();
});
