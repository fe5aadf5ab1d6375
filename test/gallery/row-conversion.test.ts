import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import type { Owner } from '../../src/api/caller.ts';
import { GalleryIndexes } from '../../src/gallery/gallery-indexes.ts';
import { startIndexes } from '../../src/gallery/load-indexes.ts';
import { RowConversion, type RowConversionParts } from '../../src/gallery/row-conversion.ts';
import { SnapshotFolder } from '../../src/gallery/snapshot-folder.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { compactStore } from '../../src/store/compact.ts';
import { inspectStore } from '../../src/store/isolated-store.ts';
import { Store } from '../../src/store/store.ts';
import { addOldFaces, float32Of, makeOld } from '../../testing/older-store.ts';
import {
  FACE,
  ownerIn,
  PACK,
  rowOf,
  SPACE,
  storeWithCollection,
  templateOf,
  temporaryFolder,
} from '../../testing/temporary-store.ts';

const FACES = 700;
const PACKS = [{ packId: PACK, space: SPACE }];
const log = pino({ level: 'silent' });
const executor = createExecutor({ threads: 2, maxQueue: 64 });
const background = createExecutor({ threads: 1, maxQueue: 1 });
after(() => Promise.all([executor.close(), background.close()]));

let folder: string;
let store: Store;
let owner: Owner;
let gallery: number;

beforeEach(async (t) => {
  folder = temporaryFolder(t as never);
  ({ store, owner } = await storeWithCollection(folder));
  await addOldFaces(store, owner, 'people', 1, FACES);
  await store.close();
  await makeOld(folder);
  reopen();
});

function reopen(): void {
  store = Store.open(folder);
  owner = ownerIn(store);
  gallery = store.collections.get(owner, 'people')?.gallery ?? 0;
}

function convert(packs: RowConversionParts['packs'] = PACKS): RowConversion {
  const conversion = new RowConversion({ faces: store.faces, packs, log });
  conversion.start();
  return conversion;
}

function sizes(): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const label of store.faces.labels(gallery)) {
    const { length } = store.faces.row({ gallery, label }) as Uint8Array;
    counts[length] = (counts[length] ?? 0) + 1;
  }
  return counts;
}

async function indexes(): Promise<{ indexes: GalleryIndexes; fromSnapshots: number }> {
  const snapshots = new SnapshotFolder(join(folder, 'snapshots'));
  const filled = new GalleryIndexes(executor, snapshots);
  const { fromSnapshots } = await startIndexes({ store, indexes: filled, snapshots, packs: PACKS, log });
  return { indexes: filled, fromSnapshots };
}

async function assertFound(filled: GalleryIndexes): Promise<void> {
  for (const label of store.faces.labels(gallery)) {
    const [best] = await filled.search(gallery, rowOf(label), 1, [label]);
    assert.ok((best?.score ?? 0) > 0.9999, `${label}`);
  }
}

describe('A store of schema 3', () => {
  test('is served before its templates are converted, and after that the same', async () => {
    assert.deepEqual(sizes(), { 32: FACES });
    assert.deepEqual(store.check(), []);
    const before = await indexes();
    await assertFound(before.indexes);
    await convert().settled();
    assert.deepEqual(sizes(), { 16: FACES });
    assert.deepEqual(store.faces.unconverted(), []);
    for (const label of store.faces.labels(gallery)) {
      assert.deepEqual(Buffer.from(store.faces.row({ gallery, label }) ?? []), Buffer.from(rowOf(label)));
    }
    const after = await indexes();
    const probe = rowOf(5000);
    assert.deepEqual(
      await after.indexes.search(gallery, probe, FACES),
      await before.indexes.search(gallery, probe, FACES),
      'an index of templates holds the same rows',
    );
    assert.deepEqual(store.check(), []);
    await store.close();
  });

  test('keeps its snapshots valid', async () => {
    const { indexes: filled } = await indexes();
    const state = store.faces.state(gallery);
    await filled.save(gallery, { gallery, ...PACK, ...state, complete: true }, background);
    await convert().settled();
    assert.deepEqual(store.faces.state(gallery), state);
    const again = await indexes();
    assert.equal(again.fromSnapshots, FACES);
    await assertFound(again.indexes);
    await store.close();
  });

  test('is converted beside adds and removals', async () => {
    const conversion = convert();
    const removed = await store.faces.list(gallery, 300, 40);
    const adding = Array.from({ length: 20 }, (_, i) =>
      store.faces.add(owner, 'people', FACE, rowOf(FACES + 1 + i)),
    );
    await Promise.all([
      ...adding,
      ...removed.map(({ face }) => store.faces.removeById(owner, 'people', face.faceId)),
    ]);
    await conversion.settled();
    assert.deepEqual(sizes(), { 16: FACES - 20 });
    const { indexes: filled } = await indexes();
    await assertFound(filled);
    assert.deepEqual(store.check(), []);
    await store.close();
  });

  test('continues where it was stopped', async () => {
    await store.faces.convertSome(gallery, SPACE);
    await convert().stop();
    const some = sizes();
    assert.ok((some[32] ?? 0) > 0 && (some[16] ?? 0) > 0, JSON.stringify(some));
    assert.deepEqual((await inspectStore(folder)).faults, []);
    const { indexes: filled } = await indexes();
    await assertFound(filled);
    await store.close();
    reopen();
    assert.deepEqual(sizes(), some);
    await convert().settled();
    assert.deepEqual(sizes(), { 16: FACES });
    await store.close();
  });

  test('keeps the templates of a pack that is not loaded, until it is', async () => {
    await convert([{ packId: { ...PACK, packVersion: '2' }, space: SPACE }]).settled();
    assert.deepEqual(sizes(), { 32: FACES });
    await store.faces.add(owner, 'people', FACE, rowOf(FACES + 1));
    await convert().settled();
    assert.deepEqual(sizes(), { 16: FACES + 1 });
    await store.close();
  });

  test('forgets galleries of collections that are gone', async () => {
    await store.collections.reset(owner, 'people', () => PACK, 2);
    await store.garbageCollected();
    await convert().settled();
    assert.deepEqual(store.faces.unconverted(), []);
    await store.close();
  });

  test('is compacted and verified before, during and after the conversion', async () => {
    for (const stop of [null, 1, 2]) {
      if (stop !== null) {
        const conversion = convert();
        await (stop === 1 ? conversion.stop() : conversion.settled());
      }
      const before = sizes();
      await store.close();
      await compactStore(folder);
      assert.deepEqual((await inspectStore(folder)).faults, []);
      reopen();
      assert.deepEqual(sizes(), before);
    }
    assert.deepEqual(sizes(), { 16: FACES });
    await store.close();
  });

  test('tells of a template that is damaged or in a gallery that is converted', async () => {
    await store.faces.add(owner, 'people', FACE, float32Of(templateOf(1).map((value) => value / 2)));
    await store.close();
    assert.match((await inspectStore(folder)).faults.join(), /is not a unit vector|has 32 bytes/);
    reopen();
    await store.faces.removeById(owner, 'people', store.faces.list(gallery, FACES, 1)[0]?.face.faceId ?? '');
    await convert().settled();
    await store.faces.add(owner, 'people', FACE, float32Of(templateOf(1)));
    await store.close();
    assert.match(
      (await inspectStore(folder)).faults.join(),
      /has 32 bytes, other rows of test-pack 1 have 16/,
    );
  });
});
