/**
 * `node snapshot-writer.js FOLDER LEAST`: adds and removes faces and writes snapshots until it is killed. Keeps
 * rows on disk from LEAST faces on; 0 for never.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import { GalleryIndexes } from '../../src/gallery/gallery-indexes.ts';
import { startIndexes } from '../../src/gallery/load-indexes.ts';
import { SnapshotFolder } from '../../src/gallery/snapshot-folder.ts';
import { SnapshotKeeper } from '../../src/gallery/snapshot-scheduler.ts';
import { createExecutor } from '../../src/native/executor.ts';
import { Store } from '../../src/store/store.ts';
import { FACE, ownerIn, PACK, rowOf, SPACE } from '../../testing/temporary-store.ts';

const [folder = '', least = '0'] = process.argv.slice(2);
const log = pino({ level: 'silent' });
const executor = createExecutor({ threads: 2, maxQueue: 64 });
const background = createExecutor({ threads: 1, maxQueue: 1 });
const store = Store.open(folder);
const owner = ownerIn(store);
const snapshots = new SnapshotFolder(join(folder, 'snapshots'));
const rowsAt = (gallery: number, labels: readonly number[]) => store.faces.rowsAt(gallery, labels, 64);
const storage = { least: Number(least), rowsOfFile: 64, rowsAt, log };
const indexes = new GalleryIndexes(executor, snapshots, null, storage.least > 0 ? storage : null);
await startIndexes({ store, indexes, snapshots, packs: [{ packId: PACK, space: SPACE }], log });
const gallery = store.collections.get(owner, 'people')?.gallery ?? 0;
const parts = { faces: store.faces, indexes, snapshots, packs: [PACK], background, log, now: Date.now };
const keeper = new SnapshotKeeper({ ...parts, leastFaces: 10 });

async function add(): Promise<void> {
  const vector = rowOf(Math.floor(Math.random() * 1e6));
  const { label } = await store.faces.add(owner, 'people', FACE, vector);
  await indexes.add(gallery, label, vector, SPACE);
}

async function remove(faceId: string): Promise<void> {
  const places = await store.faces.removeById(owner, 'people', faceId);
  await indexes.remove(
    gallery,
    places.map(({ label }) => label),
  );
}

for (let turn = 0; ; turn++) {
  const faces = store.faces.list(gallery, 0, 5);
  const removing = turn % 2 === 0 ? faces.slice(0, Math.min(4, faces.length)) : [];
  const writes = [...Array.from({ length: 5 }, add), ...removing.map(({ face }) => remove(face.faceId))];
  // Beside the writes, so that some are on their way when the snapshot is taken.
  await Promise.all([...writes, keeper.look()]);
  if (keeper.counts.written === 1) console.log('writing');
}
