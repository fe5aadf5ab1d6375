import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openSearchSpace, type Row } from '../../src/native/gallery-index.ts';
import { makeBackup } from '../../src/store/backup.ts';
import { BackupKey } from '../../src/store/backup-key.ts';
import { compactStore } from '../../src/store/compact.ts';
import { inspectStore } from '../../src/store/isolated-store.ts';
import { Store } from '../../src/store/store.ts';
import { FACE, ownerIn, PACK, temporaryFolder } from '../../testing/temporary-store.ts';

const DIMENSIONS = 1024;
const FEW_DIMENSIONS = 32;
const FACES = 400;

function rowOf(seed: number, dimension: number): Row {
  const template = Float32Array.from({ length: dimension }, (_, i) => Math.sin((seed + 1) * 7919 + i * i));
  return openSearchSpace(dimension).row(template);
}

/** Small values share a page with others; a row of 1024 values fills a page alone. */
const longRow = (seed: number) => rowOf(seed, DIMENSIONS);
const smallRow = (seed: number) => rowOf(seed, FEW_DIMENSIONS);

const keyOf = (n: number) => `employee-of-the-month-${n}-${Math.sin(n).toString(36)}`;

/** Bytes that must be gone: runs out of the middle of rows, and external keys. */
function tracesOf(n: number, makeRow: (seed: number) => Row): Buffer[] {
  const bytes = Buffer.from(makeRow(n));
  return [bytes.subarray(8, 40), bytes.subarray(-32), Buffer.from(keyOf(n))];
}

function countOf(file: string, traces: readonly Buffer[]): number {
  const bytes = readFileSync(file);
  return traces.filter((trace) => bytes.includes(trace)).length;
}

async function storeWithDeletions(data: string, makeRow: (seed: number) => Row) {
  const store = Store.open(data);
  const owner = ownerIn(store);
  await store.collections.create(owner, { collectionId: 'people', description: null, now: 1000, ...PACK });
  const added = Array.from({ length: FACES }, async (_, n) => {
    const { faceId } = await store.faces.add(owner, 'people', FACE, makeRow(n));
    await store.externalKeys.set(owner, 'people', { faceId, externalKey: keyOf(n), allowDuplicates: false });
    return faceId;
  });
  const faceIds = await Promise.all(added);
  const odd = faceIds.filter((_, n) => n % 2 === 1);
  await Promise.all(odd.map((faceId) => store.faces.removeById(owner, 'people', faceId)));
  await store.close();
  const numbers = Array.from({ length: FACES }, (_, n) => n);
  const traces = (rest: number) => numbers.filter((n) => n % 2 === rest).flatMap((n) => tracesOf(n, makeRow));
  return { kept: traces(0), deleted: traces(1) };
}

for (const [size, makeRow] of [
  ['with a page each', longRow],
  ['that share pages', smallRow],
] as const) {
  describe(`Deleted templates ${size}`, () => {
    test('and external keys are in the store until it is compacted, and in no backup', async (t) => {
      const folder = temporaryFolder(t);
      const [data, backups] = [join(folder, 'data'), join(folder, 'backups')];
      const { kept, deleted } = await storeWithDeletions(data, makeRow);
      const file = join(data, 'data.mdb');
      assert.ok(countOf(file, deleted) > 0, 'the database forgets by itself, and this test shows nothing');
      const before = (await inspectStore(data)).store;

      mkdirSync(backups);
      const options = {
        key: new BackupKey(Buffer.alloc(32, 1)),
        keep: null,
        version: '0.1.0',
        now: new Date(),
      };
      const backup = await makeBackup(data, backups, options);
      assert.equal(countOf(join(backup.folder, 'data.mdb'), deleted), 0);
      assert.equal(countOf(join(backup.folder, 'data.mdb'), kept), kept.length);
      assert.deepEqual(backup.manifest.store, before);

      mkdirSync(join(data, 'snapshots'));
      writeFileSync(join(data, 'snapshots', '1.snapshot'), 'with deleted templates');
      const compaction = await compactStore(data);
      assert.equal(countOf(file, deleted), 0);
      assert.equal(countOf(file, kept), kept.length);
      assert.deepEqual([compaction.after < compaction.before, statSync(file).size], [true, compaction.after]);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(data), [
        'data.mdb',
        ...readdirSync(data).filter((name) => /backup/.test(name)),
      ]);
      const { store: after, faults } = await inspectStore(data);
      assert.deepEqual([after, faults], [before, []]);
    });

    test('do not come back when the compacted store is written to', async (t) => {
      const data = join(temporaryFolder(t), 'data');
      const { kept, deleted } = await storeWithDeletions(data, makeRow);
      await compactStore(data);
      const store = Store.open(data);
      const owner = ownerIn(store);
      const { faceId } = await store.faces.add(owner, 'people', FACE, makeRow(FACES));
      await store.faces.removeById(owner, 'people', faceId);
      assert.deepEqual(store.check(), []);
      await store.close();
      assert.equal(countOf(join(data, 'data.mdb'), deleted), 0);
      assert.equal(countOf(join(data, 'data.mdb'), kept), kept.length);
    });
  });
}

test('A compaction clears up what a killed one left, and needs a store', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  mkdirSync(join(data, 'compacting'), { recursive: true });
  await assert.rejects(compactStore(data), /There is no store in /);
  await storeWithDeletions(data, smallRow);
  writeFileSync(join(data, 'compacting', 'data.mdb'), 'half a copy');
  await compactStore(data);
  assert.ok(!existsSync(join(data, 'compacting')));
  rmSync(data, { recursive: true });
});
