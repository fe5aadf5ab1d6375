import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { Owner } from '../../src/api/caller.ts';
import { GalleryIndexes } from '../../src/gallery/gallery-indexes.ts';
import { startIndexes } from '../../src/gallery/load-indexes.ts';
import { SnapshotFolder } from '../../src/gallery/snapshot-folder.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { Store } from '../../src/store/store.ts';
import { FACE, ownerIn, PACK, rowOf, SPACE, temporaryFolder } from '../../testing/temporary-store.ts';

const executor = createExecutor({ threads: 2, maxQueue: 64 });
const background = createExecutor({ threads: 1, maxQueue: 1 });
after(() => Promise.all([executor.close(), background.close()]));

let nextSeed = 1;

class Appliance {
  readonly folder: string;
  readonly least: number;
  readonly said: Record<string, unknown>[] = [];
  store!: Store;
  indexes!: GalleryIndexes;
  snapshots!: SnapshotFolder;
  owner!: Owner;

  /** @param least number of faces from which rows are on disk; 0 for none. */
  constructor(folder: string, least = 0) {
    this.folder = folder;
    this.least = least;
  }

  async start() {
    this.store = Store.open(this.folder);
    this.owner = ownerIn(this.store);
    this.snapshots = new SnapshotFolder(join(this.folder, 'snapshots'));
    this.said.length = 0;
    const log = pino({ level: 'info' }, { write: (line) => this.said.push(JSON.parse(line)) });
    const { store, snapshots, least } = this;
    const rowsAt = (gallery: number, labels: readonly number[]) => store.faces.rowsAt(gallery, labels, 64);
    const storage = least > 0 ? { least, rowsOfFile: 64, rowsAt, log } : null;
    this.indexes = new GalleryIndexes(executor, snapshots, null, storage);
    const { indexes } = this;
    return startIndexes({ store, indexes, snapshots, packs: [{ packId: PACK, space: SPACE }], log });
  }

  async kill(): Promise<void> {
    await this.store.close();
  }

  create(collectionId: string) {
    return this.store.collections.create(this.owner, { collectionId, description: null, now: 1, ...PACK });
  }

  gallery(collectionId: string): number {
    return this.store.collections.get(this.owner, collectionId)?.gallery ?? 0;
  }

  async add(collectionId: string, count: number, isIndexed = true): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const vector = rowOf(nextSeed++);
      const { gallery, label, faceId } = await this.store.faces.add(this.owner, collectionId, FACE, vector);
      if (isIndexed) await this.indexes.add(gallery, label, vector, SPACE);
      ids.push(faceId);
    }
    return ids;
  }

  async remove(collectionId: string, faceId: string, isIndexed = true): Promise<void> {
    const places = await this.store.faces.removeById(this.owner, collectionId, faceId);
    if (isIndexed) {
      await this.indexes.remove(
        this.gallery(collectionId),
        places.map(({ label }) => label),
      );
    }
  }

  save(collectionId: string): Promise<number> {
    const gallery = this.gallery(collectionId);
    const state = this.store.faces.state(gallery);
    const complete = state.generation === this.indexes.state(gallery).generation;
    return this.indexes.save(gallery, { gallery, ...PACK, ...state, complete }, background);
  }

  rowFiles(): string[] {
    const folder = join(this.folder, 'snapshots');
    const names = readdirSync(folder).filter((name) => name.endsWith('.rows'));
    return names.map((name) => join(folder, name)).sort();
  }

  async untilOnDisk(rows: number): Promise<void> {
    for (let i = 0; this.indexes.totals().onDisk < rows; i++) {
      assert.ok(i < 600, 'the rows stay in memory');
      await sleep(10);
    }
  }

  snapshot(collectionId: string): string {
    return this.snapshots.path(this.gallery(collectionId));
  }

  async assertFound(collectionId: string): Promise<void> {
    const gallery = this.gallery(collectionId);
    let faces = 0;
    for (const { labels, rows } of this.store.faces.rows(gallery, 1)) {
      const [best] = await this.indexes.search(gallery, rows, 1);
      assert.equal(best?.label, Number(labels[0]));
      assert.ok((best?.score ?? 0) > 0.9999);
      faces++;
    }
    assert.equal(this.indexes.state(gallery).size, faces);
    const { generation } = this.store.faces.state(gallery);
    assert.equal(this.indexes.state(gallery).generation, generation);
  }
}

let appliance: Appliance;
beforeEach(async (t) => {
  appliance = new Appliance(temporaryFolder(t as never));
  await appliance.start();
  await appliance.create('people');
  await appliance.add('people', 30);
});

async function restart() {
  await appliance.kill();
  const started = await appliance.start();
  return started;
}

describe('An index is filled when the service starts', () => {
  test('from the store where there is no snapshot', async () => {
    const { faces, fromSnapshots } = await restart();
    assert.deepEqual({ faces, fromSnapshots }, { faces: 30, fromSnapshots: 0 });
    await appliance.assertFound('people');
    await appliance.kill();
  });

  test('from a snapshot of its very state, without a look at a template', async () => {
    await appliance.save('people');
    const { faces, fromSnapshots } = await restart();
    assert.deepEqual({ faces, fromSnapshots }, { faces: 30, fromSnapshots: 30 });
    assert.deepEqual(appliance.said, []);
    await appliance.assertFound('people');
    await appliance.add('people', 2);
    await appliance.assertFound('people');
    await appliance.kill();
  });

  test('from a snapshot of an earlier state, brought up to what was written until the kill', async () => {
    const [first, second] = await appliance.add('people', 2);
    await appliance.save('people');
    await appliance.remove('people', first as string);
    await appliance.add('people', 5);
    await appliance.remove('people', second as string, false);
    await appliance.add('people', 1, false);
    const { faces, fromSnapshots } = await restart();
    assert.deepEqual({ faces, fromSnapshots }, { faces: 36, fromSnapshots: 36 });
    const [{ added, removed }] = appliance.said as [Record<string, unknown>];
    assert.deepEqual({ added, removed }, { added: 6, removed: 2 });
    await appliance.assertFound('people');
    await appliance.kill();
  });

  test('from a snapshot that was written while a write was on its way to the index', async () => {
    const [first] = await appliance.add('people', 1);
    await appliance.add('people', 1, false);
    await appliance.remove('people', first as string, false);
    await appliance.save('people');
    await restart();
    await appliance.assertFound('people');
    await appliance.kill();
  });

  test('from a snapshot after several lives of the service', async () => {
    await appliance.save('people');
    for (let life = 0; life < 3; life++) {
      const [face] = await appliance.add('people', 3);
      await appliance.remove('people', face as string);
      assert.equal((await restart()).fromSnapshots, 32 + 2 * life);
      await appliance.assertFound('people');
    }
    await appliance.kill();
  });

  test('without a face too many or too few where another version of Visage wrote without counting', async () => {
    await appliance.save('people');
    const [face] = await appliance.add('people', 1, false);
    await appliance.remove('people', face as string, false);
    const [kept] = await appliance.add('people', 1, false);
    assert.ok(kept);
    const removed = appliance.store.faces.list(appliance.gallery('people'), 0, 1)[0]?.face.faceId;
    await appliance.remove('people', removed as string, false);
    await setGeneration(appliance, 30);
    await appliance.start();
    await appliance.assertFound('people');
    await appliance.kill();
  });
});

async function setGeneration({ store, folder, gallery }: Appliance, generation: number): Promise<void> {
  const number = gallery.call(appliance, 'people');
  await store.close();
  const { open } = await import('lmdb');
  const environment = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
  await environment.openDB<number, number>('generations', {}).put(number, generation);
  await environment.close();
}

describe('A snapshot is not believed, and the store is read,', () => {
  const assertRefused = async (reason: RegExp) => {
    const { fromSnapshots, faces } = await appliance.start();
    assert.equal(fromSnapshots, 0);
    assert.equal(appliance.indexes.totals().templates, faces);
    assert.equal(appliance.said.length, 1);
    assert.match(String(appliance.said[0]?.reason), reason);
    await appliance.assertFound('people');
    assert.ok(!existsSync(appliance.snapshot('people')), 'it is gone');
    await appliance.kill();
  };

  test('where it is damaged', async () => {
    await appliance.save('people');
    const path = appliance.snapshot('people');
    const bytes = readFileSync(path);
    bytes.writeUInt8((bytes.at(-1) as number) ^ 1, bytes.length - 1);
    writeFileSync(path, bytes);
    await appliance.kill();
    await assertRefused(/damaged/);
  });

  test('where it is empty, or somebody put a text there', async () => {
    const path = appliance.snapshot('people');
    await appliance.kill();
    writeFileSync(path, '');
    await assertRefused(/cut off/);
    writeFileSync(path, 'x'.repeat(5000));
    await assertRefused(/no snapshot/);
  });

  test("where it is another gallery's", async () => {
    await appliance.create('others');
    await appliance.add('others', 30);
    await appliance.save('others');
    copyFileSync(appliance.snapshot('others'), appliance.snapshot('people'));
    await appliance.kill();
    const { fromSnapshots } = await appliance.start();
    assert.equal(fromSnapshots, 30);
    assert.match(String(appliance.said[0]?.reason), /of another store/);
    await appliance.assertFound('people');
    await appliance.assertFound('others');
    await appliance.kill();
  });

  test('where its stamp is not one', async () => {
    const gallery = appliance.gallery('people');
    await appliance.indexes.save(gallery, 'nonsense' as never, background);
    await appliance.kill();
    await assertRefused(/stamp is damaged/);
  });

  test('where the store was put back to an earlier state', async () => {
    const backup = `${appliance.folder}/kept.mdb`;
    await appliance.kill();
    copyFileSync(join(appliance.folder, 'data.mdb'), backup);
    await appliance.start();
    await appliance.add('people', 3);
    await appliance.save('people');
    await appliance.kill();
    copyFileSync(backup, join(appliance.folder, 'data.mdb'));
    await assertRefused(/another state/);
  });

  test('where the store was put back and has come to the same generation with other faces', async () => {
    const backup = `${appliance.folder}/kept.mdb`;
    const lost = `${appliance.folder}/lost.snapshot`;
    await appliance.kill();
    copyFileSync(join(appliance.folder, 'data.mdb'), backup);
    await appliance.start();
    await appliance.add('people', 3);
    await appliance.save('people');
    copyFileSync(appliance.snapshot('people'), lost);
    await appliance.kill();
    copyFileSync(backup, join(appliance.folder, 'data.mdb'));
    await appliance.start();
    await appliance.add('people', 3);
    const path = appliance.snapshot('people');
    await appliance.kill();
    copyFileSync(lost, path);
    await assertRefused(/another state/);
  });
});

test('Snapshots of galleries that are no more are removed when the service starts, and half-written ones', async () => {
  await appliance.save('people');
  const path = appliance.snapshot('people');
  writeFileSync(`${path}.unfinished`, 'half');
  await appliance.store.collections.reset(appliance.owner, 'people', () => PACK, 2);
  await restart();
  assert.ok(!existsSync(path));
  assert.ok(!existsSync(`${path}.unfinished`));
  await appliance.kill();
});

test('A gallery that is dropped loses its snapshot at once, and one that is being written when it is', async () => {
  await appliance.create('others');
  await appliance.add('others', 30);
  for (const collectionId of ['people', 'others']) {
    await appliance.save(collectionId);
    const gallery = appliance.gallery(collectionId);
    const path = appliance.snapshot(collectionId);
    const saving = collectionId === 'others' ? appliance.save(collectionId).catch(() => {}) : null;
    appliance.indexes.drop(gallery);
    await saving;
    assert.ok(!existsSync(path));
  }
  await appliance.kill();
});

describe('Rows on disk', () => {
  let stored: Appliance;
  beforeEach(async (t) => {
    stored = new Appliance(temporaryFolder(t as never), 100);
    await stored.start();
    await stored.create('people');
    await stored.add('people', 210);
    await stored.untilOnDisk(192);
    await stored.save('people');
  });

  test('are loaded with the snapshot that names them, and files without a snapshot are removed', async () => {
    const named = stored.rowFiles();
    assert.equal(named.length, 3);
    await stored.kill();
    const orphan = `${stored.folder}/snapshots/${stored.gallery('people')}.0123456789abcdef.rows`;
    const other = `${stored.folder}/snapshots/999.0123456789abcdef.rows`;
    for (const path of [orphan, other]) copyFileSync(named[0] as string, path);
    assert.equal((await stored.start()).fromSnapshots, 210);
    assert.deepEqual(stored.said, []);
    assert.equal(stored.indexes.totals().onDisk, 192);
    assert.deepEqual(stored.rowFiles(), named);
    assert.deepEqual(stored.snapshots.galleryIds(), [stored.gallery('people')]);
    await stored.assertFound('people');
    await stored.kill();
  });

  test('that are damaged come from the store, at the start and in a search', async () => {
    const [lost, damaged] = stored.rowFiles() as [string, string];
    await stored.kill();
    writeFileSync(lost, 'x'.repeat(100));
    const bytes = readFileSync(damaged);
    writeFileSync(damaged, bytes.fill(7, bytes.length - 1500));
    await stored.start();
    const [{ added }] = stored.said as [Record<string, unknown>];
    assert.equal(added, 64);
    await stored.assertFound('people');
    const warning = stored.said.find(({ msg }) => String(msg).includes('rows on disk are damaged'));
    assert.ok(Number(warning?.rows) > 0);
    await stored.kill();
  });

  test('of a face that the store has lost meanwhile are not brought back', async () => {
    const [removed] = stored.store.faces.list(stored.gallery('people'), 0, 1);
    for (const file of stored.rowFiles()) writeFileSync(file, '');
    await stored.remove('people', removed?.face.faceId as string, false);
    const label = Number(stored.store.faces.labels(stored.gallery('people')).next().value);
    const found = await stored.indexes.search(stored.gallery('people'), rowOf(1), 300);
    assert.equal(found.length, 209);
    assert.equal(Math.min(...found.map((each) => each.label)), label);
    await stored.kill();
  });

  test('go with the gallery', async () => {
    stored.indexes.drop(stored.gallery('people'));
    assert.deepEqual(stored.rowFiles(), []);
    await stored.kill();
  });
});
