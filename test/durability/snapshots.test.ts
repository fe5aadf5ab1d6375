import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { GalleryIndexes } from '../../src/gallery/gallery-indexes.ts';
import { startIndexes } from '../../src/gallery/load-indexes.ts';
import { SnapshotFolder } from '../../src/gallery/snapshot-folder.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { Store } from '../../src/store/store.ts';
import { ownerIn, PACK, SPACE, storeWithCollection, temporaryFolder } from '../../testing/temporary-store.ts';

const WRITER = fileURLToPath(new URL('./snapshot-writer.js', import.meta.url));
const KILLS = 15;
const LONGEST_MS = 250;
const executor = createExecutor({ threads: 2, maxQueue: 64 });
after(() => executor.close());

type Mishap = 'none' | 'damaged' | 'older' | 'put back';

async function writeAndKill(folder: string, least: number): Promise<void> {
  const child = spawn(process.execPath, [WRITER, folder, String(least)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_MS));
  child.kill('SIGKILL');
  const [, signal] = await closed;
  assert.equal(signal, 'SIGKILL');
}

/** @returns whether the faces came from the snapshot. */
async function startAndCompare(folder: string, least: number): Promise<boolean> {
  const store = Store.open(folder);
  assert.deepEqual(store.check(), []);
  const gallery = store.collections.get(ownerIn(store), 'people')?.gallery ?? 0;
  const snapshots = new SnapshotFolder(join(folder, 'snapshots'));
  const log = pino({ level: 'silent' });
  const rowsAt = (own: number, labels: readonly number[]) => store.faces.rowsAt(own, labels, 64);
  const storage = least > 0 ? { least, rowsOfFile: 64, rowsAt, log } : null;
  const indexes = new GalleryIndexes(executor, snapshots, null, storage);
  const packs = [{ packId: PACK, space: SPACE }];
  const { fromSnapshots } = await startIndexes({ store, indexes, snapshots, packs, log });
  const held = Array.from(await indexes.labels(gallery), Number).sort((a, b) => a - b);
  assert.deepEqual(held, [...store.faces.labels(gallery)]);
  for (const { labels, rows } of store.faces.rows(gallery, 1)) {
    const [best] = await indexes.search(gallery, rows, 1, [Number(labels[0])]);
    assert.ok((best?.score ?? 0) > 0.9999, `label ${labels[0]} has another template`);
  }
  await store.close();
  return fromSnapshots > 0;
}

for (const least of [0, 1]) {
  const where = least === 0 ? 'in memory' : 'on disk';
  test(`after a kill at any moment the index holds what the store does, with rows ${where}`, async (t) => {
    const folder = temporaryFolder(t);
    const { store, owner } = await storeWithCollection(folder);
    const gallery = store.collections.get(owner, 'people')?.gallery;
    await store.close();
    const snapshots = join(folder, 'snapshots');
    const snapshot = join(snapshots, `${gallery}.snapshot`);
    const data = join(folder, 'data.mdb');
    const kept = { snapshot: join(folder, 'kept.snapshot'), data: join(folder, 'kept.mdb') };
    const mishaps: Mishap[] = ['none', 'older', 'put back', 'none', 'damaged'];
    const used = { none: 0, damaged: 0, older: 0, 'put back': 0 };
    let rowFiles = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await writeAndKill(folder, least);
      const mishap = existsSync(snapshot) ? (mishaps[kill % mishaps.length] as Mishap) : 'none';
      if (mishap === 'older') copyFileSync(kept.snapshot, snapshot);
      if (mishap === 'put back') copyFileSync(kept.data, data);
      if (mishap === 'damaged') flipABit(snapshot);
      const files = readdirSync(snapshots).filter((name) => name.endsWith('.rows'));
      rowFiles += files.length;
      const [flipped, removed] = files.toSorted(() => Math.random() - 0.5);
      if (kill % 2 === 1 && flipped) for (let i = 0; i < 50; i++) flipABit(join(snapshots, flipped));
      if (kill % 4 === 3 && removed) rmSync(join(snapshots, removed));
      const isUsed = await startAndCompare(folder, least);
      if (isUsed) used[mishap] += 1;
      if (mishap === 'none' && existsSync(snapshot)) {
        copyFileSync(snapshot, kept.snapshot);
        copyFileSync(data, kept.data);
      }
    }
    assert.ok(used.none > 0 && used.older > 0, 'snapshots were used, and one that was behind too');
    assert.equal(used.damaged, 0);
    assert.equal(rowFiles > 0, least > 0);
  });
}

function flipABit(file: string): void {
  const bytes = readFileSync(file);
  const at = Math.floor(Math.random() * bytes.length);
  bytes.writeUInt8((bytes[at] as number) ^ 0x10, at);
  writeFileSync(file, bytes);
}
