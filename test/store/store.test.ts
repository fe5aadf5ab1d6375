import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { open } from 'lmdb';
import { SCHEMA_VERSION } from '../../src/store/databases.ts';
import { Store } from '../../src/store/store.ts';
import {
  FACE,
  ownerIn,
  PACK,
  rowOf,
  storeWithCollection,
  temporaryFolder,
} from '../../testing/temporary-store.ts';
import { turnsOf } from '../../testing/turns.ts';

const run = promisify(execFile);

describe('opening a store', () => {
  test('makes a folder that only its owner may enter', async (t) => {
    const folder = join(temporaryFolder(t), 'data', 'store.d');
    const store = Store.open(folder);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    await store.close();
  });

  test('makes one account and no API key, and keeps the account', async (t) => {
    const folder = temporaryFolder(t);
    const first = Store.open(folder);
    const account = first.accounts.first();
    assert.match(account.accountId, /^acc_[0-9A-HJKMNP-TV-Z]{26}$/);
    await first.close();

    const environment = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
    assert.equal(environment.openDB('apiKeys', {}).getCount(), 0);
    await environment.close();

    const second = Store.open(folder);
    assert.deepEqual(second.accounts.first(), account);
    await second.close();
  });

  test('refuses a store of a newer schema, and says which versions meet', async (t) => {
    const folder = temporaryFolder(t);
    await Store.open(folder).close();
    const environment = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
    await environment.openDB('meta', {}).put('schema', SCHEMA_VERSION + 1);
    await environment.close();
    assert.throws(() => Store.open(folder), /has schema 5; this version of Visage supports schemas 1 to 4/);
  });

  test('opens a store of the first release, which the first release then refuses', async (t) => {
    const folder = temporaryFolder(t);
    const first = Store.open(folder);
    const account = first.accounts.first();
    await first.close();
    const schemaIs = async (change?: number) => {
      const environment = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
      const meta = environment.openDB<number, string>('meta', {});
      if (change !== undefined) await meta.put('schema', change);
      const schema = meta.get('schema');
      await environment.close();
      return schema;
    };
    await schemaIs(1);
    const second = Store.open(folder);
    assert.deepEqual([second.accounts.first(), second.check()], [account, []]);
    await second.close();
    assert.equal(await schemaIs(), SCHEMA_VERSION);
  });

  test('refuses writes after it was closed', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    await store.close();
    await assert.rejects(store.faces.add(owner, 'people', FACE, rowOf(1)), { code: 'NOT_READY' });
  });
});

describe('a transaction', () => {
  test('sees what those before it wrote, whatever was read before', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const describe = () => store.collections.get(owner, 'people')?.description;
    assert.equal(describe(), null);
    const seen: unknown[] = [];
    const confirm = () => void seen.push(describe());
    const writing = Promise.all([
      store.collections.update(owner, 'people', { description: 'new' }, 2000),
      store.collections.update({ ...owner, confirm }, 'people', { minQuality: 1 }, 3000),
    ]);
    await writing;
    assert.deepEqual(seen, ['new']);
    assert.equal(describe(), 'new');
    await store.close();
  });

  test('leaves nothing behind when its condition fails', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const { faceId: first } = await store.faces.add(owner, 'people', FACE, rowOf(1));
    const { faceId: second } = await store.faces.add(owner, 'people', FACE, rowOf(2));
    const key = { externalKey: 'k', allowDuplicates: false };
    const settled = await Promise.allSettled([
      store.externalKeys.set(owner, 'people', { ...key, faceId: first }),
      store.externalKeys.set(owner, 'people', { ...key, faceId: second }),
      store.collections.create(owner, { collectionId: 'people', description: null, now: 1, ...PACK }),
    ]);
    assert.deepEqual(
      settled.map((result) => (result.status === 'rejected' ? result.reason.code : result.value)),
      ['Created', 'EXTERNAL_KEY_CONFLICT', 'COLLECTION_ALREADY_EXISTS'],
    );
    assert.deepEqual(store.check(), []);
    await store.close();
  });

  test('leaves nothing behind when it breaks half-way, and does not harm its neighbours', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const noRow = null as unknown as Uint8Array;
    const [before, broken, after] = await Promise.allSettled([
      store.faces.add(owner, 'people', FACE, rowOf(1)),
      store.faces.add(owner, 'people', FACE, noRow),
      store.faces.add(owner, 'people', FACE, rowOf(2)),
    ]);
    assert.equal(broken.status, 'rejected');
    assert.ok(before.status === 'fulfilled' && after.status === 'fulfilled');
    assert.equal(store.faces.count(after.value.gallery), 2);
    assert.deepEqual(store.check(), []);
    await store.close();
  });

  test('is refused as STORAGE_READ_ONLY where the disk is full, and the store goes on', async () => {
    const program = fileURLToPath(new URL('./full-disk.js', import.meta.url));
    // A limited file size with its signal ignored acts as a full disk.
    const { stdout } = await run('sh', [
      '-c',
      `trap '' XFSZ; ulimit -f 1000; exec "$0" "$1"`,
      process.execPath,
      program,
    ]);
    const report = JSON.parse(stdout);
    assert.ok(report.added > 0);
    assert.deepEqual(report.refusedWith, ['STORAGE_READ_ONLY']);
    assert.equal(report.count, report.added);
    assert.deepEqual(report.problems, []);
    assert.equal(report.unhandled, 0);
  });
});

describe('galleries', () => {
  test('are new after a reset, and the old one is removed in the background', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    for (let i = 0; i < 300; i++) void store.faces.add(owner, 'people', FACE, rowOf(i));
    const last = await store.faces.add(owner, 'people', FACE, rowOf(300));
    assert.equal(store.faces.count(last.gallery), 301);

    assert.deepEqual(await store.collections.reset(owner, 'people', () => PACK, 2000), [last.gallery]);
    const now = store.collections.get(owner, 'people');
    assert.ok(now && now.gallery > last.gallery);
    assert.equal(store.faces.count(now.gallery), 0);
    assert.deepEqual(store.check(), []);

    await store.garbageCollected();
    assert.equal(store.faces.count(last.gallery), 0);
    assert.deepEqual(store.check(), []);
    await store.close();
  });

  test('left by a delete are removed on the next start if the first was cut short', async (t) => {
    const folder = temporaryFolder(t);
    const { store, owner } = await storeWithCollection(folder);
    for (let i = 0; i < 1000; i++) void store.faces.add(owner, 'people', FACE, rowOf(i));
    const { gallery } = await store.faces.add(owner, 'people', FACE, rowOf(1000));
    await store.collections.delete(owner, 'people');
    await store.close();

    const again = Store.open(folder);
    assert.ok(again.faces.count(gallery) > 0);
    await again.garbageCollected();
    assert.equal(again.faces.count(gallery), 0);
    assert.deepEqual(again.check(), []);
    await again.close();
  });

  test('and labels are never used twice', async (t) => {
    const folder = temporaryFolder(t);
    const { store, owner } = await storeWithCollection(folder);
    const first = await store.faces.add(owner, 'people', FACE, rowOf(1));
    await store.faces.removeById(owner, 'people', first.faceId);
    await store.collections.delete(owner, 'people');
    await store.close();

    const { store: again } = await storeWithCollection(folder);
    const second = await again.faces.add(owner, 'people', FACE, rowOf(1));
    assert.ok(second.label > first.label);
    assert.ok(second.gallery > first.gallery);
    await again.close();
  });
});

describe('what is read again and again', () => {
  test('is what the store holds at each read, inside a transaction too', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const described = () => store.collections.get(owner, 'people')?.description;
    assert.equal(described(), null);
    assert.equal(described(), null);
    await store.collections.update(owner, 'people', { description: 'first' }, 2000);
    assert.equal(described(), 'first');
    let inside: string | null | undefined;
    const confirm = () => {
      inside = described();
    };
    await Promise.all([
      store.collections.update(owner, 'people', { description: 'second' }, 3000),
      store.collections.update({ ...owner, confirm }, 'people', { description: 'first' }, 2000),
    ]);
    assert.deepEqual([inside, described()], ['second', 'first']);
    await store.collections.delete(owner, 'people');
    assert.equal(described(), undefined);
    await store.close();
  });
});

describe('templates', () => {
  test('come back in batches as they went in, of one pack only', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const other = { pack: 'other', packVersion: '1' };
    await store.collections.create(owner, { collectionId: 'other', description: null, now: 1, ...other });
    await store.faces.add(owner, 'other', { ...FACE, ...other }, rowOf(99));
    const labels: bigint[] = [];
    for (let i = 0; i < 7; i++)
      labels.push(BigInt((await store.faces.add(owner, 'people', FACE, rowOf(i))).label));

    const galleries = store.faces.galleriesOf(PACK);
    const batches = galleries.flatMap((gallery) => [...store.faces.rows(gallery, 3)]);
    assert.deepEqual(
      batches.map((batch) => batch.labels.length),
      [3, 3, 1],
    );
    assert.deepEqual(
      batches.flatMap((batch) => [...batch.labels]),
      labels,
    );
    const rows = batches.flatMap((batch) => [...batch.rows]);
    assert.deepEqual(rows, Array.from({ length: 7 }, (_, i) => [...rowOf(i)]).flat());
    const [gallery = 0] = galleries;
    assert.equal(store.faces.count(gallery), 7);
    assert.deepEqual([...store.faces.labels(gallery)], labels.map(Number));
    await store.close();
  });

  test('of a collection of another pack are refused', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    await assert.rejects(store.faces.add(owner, 'people', { ...FACE, packVersion: '2' }, rowOf(1)), {
      code: 'NOT_READY',
    });
    await store.close();
  });
});

describe('the check of consistency', () => {
  const damages: [name: string, database: string, expected: RegExp][] = [
    ['a face without its template', 'templates', /has no template/],
    ['a template without its face', 'faces', /template .* has no face/],
    ['a face that its id does not find', 'faceLabels', /is missing from the index of face ids/],
    ['an external key that is missing', 'externalKeys', /is missing from the index of external keys/],
    ['a gallery without a collection', 'collections', /belongs to no collection/],
    ['a counter that went back', 'meta', /exceeds the counter/],
  ];
  for (const [name, database, expected] of damages) {
    test(`sees ${name}`, async (t) => {
      const folder = temporaryFolder(t);
      const { store, owner } = await storeWithCollection(folder);
      const { faceId } = await store.faces.add(owner, 'people', FACE, rowOf(1));
      await store.externalKeys.set(owner, 'people', { faceId, externalKey: 'k', allowDuplicates: false });
      assert.deepEqual(store.check(), []);
      await store.close();

      const environment = open(folder, { noSubdir: false, maxDbs: 64, overlappingSync: false });
      const damaged = environment.openDB(database, {});
      for (const key of [...damaged.getKeys()]) if (key !== 'schema') await damaged.remove(key);
      await environment.close();

      const again = Store.open(folder);
      assert.match(again.check().join('\n'), expected);
      await again.close();
    });
  }
});

describe('faces of many external keys', () => {
  test('are counted and listed while other work goes on', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const { faceId, label } = await store.faces.add(owner, 'people', FACE, rowOf(1));
    await store.externalKeys.set(owner, 'people', { faceId, externalKey: 'k', allowDuplicates: false });
    const gallery = store.collections.get(owner, 'people')?.gallery as number;
    const keys = ['k', ...Array.from({ length: 100_000 }, (_, at) => `unknown-${at}`)];
    const { externalKeys } = store;
    for (const work of [
      async () => assert.equal(await externalKeys.count(gallery, keys), 1),
      async () => assert.deepEqual(await externalKeys.labels(gallery, keys), [label]),
    ]) {
      const turns = await turnsOf(work);
      assert.ok(turns > 2, `${turns} turns: ${work}`);
    }
    await store.close();
  });
});

describe('owners', () => {
  test('never see each other, in the list neither', async (t) => {
    const { store, owner } = await storeWithCollection(temporaryFolder(t));
    const test = { ...owner, environment: 'test' } as const;
    assert.equal(store.collections.get(test, 'people'), null);
    assert.deepEqual(store.collections.list(test, null, 10), []);
    await store.collections.create(test, { collectionId: 'people', description: 'x', now: 1, ...PACK });
    assert.equal(store.collections.list(test, null, 10).length, 1);
    assert.equal(store.collections.get(ownerIn(store), 'people')?.description, null);
    await store.close();
  });
});
