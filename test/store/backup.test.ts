import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { open } from 'lmdb';
import { type Backup, listBackups, makeBackup, verifyBackup } from '../../src/store/backup.ts';
import { BackupKey } from '../../src/store/backup-key.ts';
import type { Trust } from '../../src/store/backup-manifest.ts';
import { OPEN_OPTIONS } from '../../src/store/databases.ts';
import { openBackup, restoreBackup } from '../../src/store/restore.ts';
import { Store } from '../../src/store/store.ts';
import { StoreReader } from '../../src/store/store-reader.ts';
import { childEnvironment } from '../../testing/service.ts';
import { FACE, ownerIn, rowOf, storeWithCollection, temporaryFolder } from '../../testing/temporary-store.ts';

const KEY = 'signing-keys/000001795387486030.pem';
const BACKUP_KEY = new BackupKey(Buffer.alloc(32, 7));
const NOW = new Date('2026-01-15T10:30:00Z');

function backUp(folder: string, { keep = null, now = NOW }: { keep?: number | null; now?: Date } = {}) {
  mkdirSync(join(folder, 'backups'), { recursive: true });
  return makeBackup(join(folder, 'data'), join(folder, 'backups'), {
    key: BACKUP_KEY,
    keep,
    now,
    version: '0.1.0',
  });
}

async function dataFolder(folder: string, faces = 5): Promise<void> {
  const { store, owner } = await storeWithCollection(join(folder, 'data'));
  const added = Array.from({ length: faces }, (_, n) => store.faces.add(owner, 'people', FACE, rowOf(n)));
  const [first] = await Promise.all(added);
  const key = { faceId: first?.faceId ?? '', externalKey: 'ada', allowDuplicates: false };
  await store.externalKeys.set(owner, 'people', key);
  await store.close();
  mkdirSync(join(folder, 'data', 'signing-keys'));
  writeFileSync(join(folder, 'data', KEY), 'a key', { mode: 0o600 });
}

async function faceIds(dataDir: string): Promise<string[]> {
  const store = Store.open(dataDir);
  try {
    assert.deepEqual(store.check(), []);
    const { gallery } = store.collections.get(ownerIn(store), 'people') ?? { gallery: 0 };
    const labels = Array.from({ length: 200_000 }, (_, label) => store.faces.get({ gallery, label }));
    return labels.flatMap((face) => face?.faceId ?? []);
  } finally {
    await store.close();
  }
}

async function restore(
  backup: Backup,
  dataDir: string,
  { acceptFaults = false, trust = BACKUP_KEY }: { acceptFaults?: boolean; trust?: Trust } = {},
): Promise<string | null> {
  mkdirSync(dataDir, { recursive: true });
  const opened = await openBackup(backup.folder, trust);
  try {
    return await restoreBackup(opened, dataDir, { acceptFaults, now: NOW });
  } finally {
    await opened.close();
  }
}

describe('A backup', () => {
  test('of a store from before databases were added is sound, and is restored', async (t) => {
    const folder = temporaryFolder(t);
    await dataFolder(folder);
    const before = await faceIds(join(folder, 'data'));
    const root = open(join(folder, 'data'), OPEN_OPTIONS);
    for (const name of ['auditGaps', 'secrets']) root.openDB({ name }).dropSync();
    await root.openDB('meta', {}).put('schema', 1);
    await root.close();

    const backup = await backUp(folder);
    const { damage, faults } = await verifyBackup(backup.folder, BACKUP_KEY);
    assert.deepEqual([damage, faults], [[], []]);
    const target = join(folder, 'restored');
    await restore(backup, target);
    assert.deepEqual(await faceIds(target), before);
  });

  test('of a store that four writers work on holds every face that was acknowledged before it', async (t) => {
    const folder = temporaryFolder(t);
    await dataFolder(folder);
    const program = fileURLToPath(new URL('./backup-writer.js', import.meta.url));
    const writer = spawn(process.execPath, [program, join(folder, 'data')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => writer.kill('SIGKILL'));
    const acknowledged: string[] = [];
    const lines = createInterface(writer.stdout).on('line', (line) => acknowledged.push(line));
    const backups: { backup: Backup; before: string[] }[] = [];
    for (let round = 1; round <= 4; round++) {
      while (acknowledged.length < round * 40) await once(lines, 'line');
      const before = [...acknowledged];
      backups.push({ before, backup: await backUp(folder, { now: new Date(NOW.getTime() + round) }) });
    }
    writer.kill('SIGTERM');
    await once(writer, 'close');

    for (const [round, { backup, before }] of backups.entries()) {
      assert.deepEqual(
        await verifyBackup(backup.folder, BACKUP_KEY).then(({ damage, faults }) => [damage, faults]),
        [[], []],
      );
      const target = join(folder, `restored-${round}`);
      assert.equal(await restore(backup, target), null);
      const found = new Set(await faceIds(target));
      assert.deepEqual(
        before.filter((faceId) => !found.has(faceId)),
        [],
      );
      assert.equal(found.size, backup.manifest.store.faces);
    }
  });

  test('is a folder for its owner alone, with the store, the signing keys and what it says of them', async (t) => {
    const folder = temporaryFolder(t);
    await dataFolder(folder);
    mkdirSync(join(folder, 'data', 'prepared'));
    writeFileSync(join(folder, 'data', 'prepared', 'net.onnx'), 'weights');
    const { folder: made, manifest } = await backUp(folder);
    assert.equal(made, join(folder, 'backups', 'visage-20260115T103000.000Z'));
    assert.deepEqual(readdirSync(made, { recursive: true }).sort(), [
      'data.mdb',
      'manifest.json',
      'manifest.mac',
      'signing-keys',
      KEY,
    ]);
    for (const path of ['data.mdb', 'manifest.json', 'manifest.mac', KEY]) {
      assert.equal(statSync(join(made, path)).mode & 0o777, 0o600, path);
    }
    assert.equal(statSync(made).mode & 0o777, 0o700);
    const { store, files, ...rest } = manifest;
    assert.deepEqual(rest, { format: 2, createdAt: NOW.toISOString(), visage: '0.1.0', faults: [] });
    const { faces, collections, externalKeys, packs } = store;
    assert.deepEqual([faces, collections, externalKeys], [5, 1, 1]);
    assert.deepEqual(packs, [{ pack: 'test-pack', packVersion: '1' }]);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['data.mdb', KEY],
    );
  });

  test('takes the place of the oldest beyond those to keep, even where the clock went back', async (t) => {
    const folder = temporaryFolder(t);
    await dataFolder(folder);
    mkdirSync(join(folder, 'backups', 'mine'), { recursive: true });
    const made: string[] = [];
    for (const hour of [10, 11, 12, 9]) {
      made.push(
        (await backUp(folder, { keep: 2, now: new Date(`2026-01-15T${hour < 10 ? '09' : hour}:00:00Z`) }))
          .folder,
      );
    }
    assert.deepEqual(listBackups(join(folder, 'backups')), [made[3], made[2]]);
    assert.ok(existsSync(join(folder, 'backups', 'mine')), 'what is no backup stays');
  });

  test('leaves older ones alone where the disk is full, and nothing half done', async (t) => {
    const folder = temporaryFolder(t);
    await dataFolder(folder, 3000);
    const { folder: older } = await backUp(folder);
    const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
    // A limited file size with its signal ignored acts as a full disk.
    const limited = `trap '' XFSZ; ulimit -f 400; exec "$@"`;
    const args = [
      'backup',
      '--to',
      join(folder, 'backups'),
      '--keep',
      '1',
      '--data-dir',
      join(folder, 'data'),
    ];
    await assert.rejects(
      promisify(execFile)('sh', ['-c', limited, 'sh', process.execPath, program, ...args], {
        env: childEnvironment({}),
      }),
      ({ code, stderr }: { code?: number; stderr?: string }) => {
        assert.equal(code, 65);
        assert.match(
          stderr ?? '',
          /visagectl: The store could not be copied .*: the disk is full or broken\.\n$/,
        );
        return true;
      },
    );
    assert.deepEqual(readdirSync(join(folder, 'backups')).sort(), ['.lock', 'visage-20260115T103000.000Z']);
    assert.deepEqual((await verifyBackup(older, BACKUP_KEY)).damage, []);
  });

  test('of a store that does not fit together says so and removes no other', async (t) => {
    const folder = temporaryFolder(t);
    await dataFolder(folder);
    await backUp(folder);
    const store = Store.open(join(folder, 'data'));
    await store.faces.add(ownerIn(store), 'people', FACE, new Uint8Array(16));
    await store.close();
    const faulty = await backUp(folder, { keep: 1, now: new Date(NOW.getTime() + 1) });
    assert.match(faulty.manifest.faults.join(), /template \d+ of gallery 1 is not a unit vector/);
    assert.equal(listBackups(join(folder, 'backups')).length, 2);
    await assert.rejects(restore(faulty, join(folder, 'restored')), /is inconsistent .*--accept-faults/);
    assert.equal(await restore(faulty, join(folder, 'restored'), { acceptFaults: true }), null);
    assert.equal((await faceIds(join(folder, 'restored'))).length, 6);
  });
});

describe('A damaged backup', () => {
  const damages: [string, (folder: string) => void, RegExp][] = [
    ['with a changed byte', (folder) => flipByte(join(folder, 'data.mdb')), /data\.mdb was altered/],
    [
      'cut short',
      (folder) => truncateSync(join(folder, 'data.mdb'), 8192),
      /data\.mdb has 8192 bytes, expected/,
    ],
    ['without a signing key', (folder) => rmSync(join(folder, KEY)), /pem cannot be read \(ENOENT\)/],
    ['without its store', (folder) => rmSync(join(folder, 'data.mdb')), /data\.mdb cannot be read/],
    [
      'without a manifest',
      (folder) => rmSync(join(folder, 'manifest.json')),
      /is not a backup: it has no manifest/,
    ],
    ['with half a manifest', (folder) => truncateSync(join(folder, 'manifest.json'), 100), /was altered/],
    [
      'that names files elsewhere',
      (folder) => edit(folder, '"data.mdb"', '"../data.mdb"'),
      /is not a backup/,
    ],
    ['of a format that never was', (folder) => edit(folder, '"format": 2', '"format": 0'), /is not a backup/],
    [
      'with wrong counts',
      (folder) => edit(folder, '"faces": 5', '"faces": 6'),
      /says faces 6, but the store has 5/,
    ],
    [
      'of a newer schema',
      (folder) => edit(folder, '"schema": 4', '"schema": 99'),
      /newer than this one .* Install that version, then restore/,
    ],
    ['of a newer format', (folder) => edit(folder, '"format": 2', '"format": 99'), /newer than this one/],
  ];
  for (const [what, damage, sentence] of damages) {
    test(`${what} is not restored, and what is there stays`, async (t) => {
      const folder = temporaryFolder(t);
      await dataFolder(folder);
      const backup = await backUp(folder);
      damage(backup.folder);
      const before = readFileSync(join(folder, 'data', 'data.mdb'));
      await assert.rejects(restore(backup, join(folder, 'data')), sentence);
      assert.deepEqual(readFileSync(join(folder, 'data', 'data.mdb')), before);
      assert.deepEqual(
        readdirSync(join(folder, 'data')).filter((name) => /^re/.test(name)),
        [],
      );
    });
  }
});

describe('Restoring', () => {
  test('puts store and keys back as they were and keeps what was there aside', async (t) => {
    const folder = temporaryFolder(t);
    const data = join(folder, 'data');
    await dataFolder(folder);
    const backup = await backUp(folder);
    const saved = await faceIds(data);
    const store = Store.open(data);
    const owner = ownerIn(store);
    const later = await store.faces.add(owner, 'people', FACE, rowOf(9));
    await store.faces.removeById(owner, 'people', saved[0] as string);
    await store.close();
    writeFileSync(join(data, 'signing-keys', '000001795387486099.pem'), 'a later key', { mode: 0o600 });

    const replaced = await restore(backup, data);
    assert.ok(replaced);
    assert.deepEqual(await faceIds(data), saved);
    assert.deepEqual(readdirSync(join(data, 'signing-keys')), ['000001795387486030.pem']);
    assert.ok((await faceIds(replaced)).includes(later.faceId));
    assert.equal(
      readFileSync(join(replaced, 'signing-keys', '000001795387486099.pem'), 'utf8'),
      'a later key',
    );
    assert.ok(!existsSync(join(data, 'restoring')));
  });

  test('a backup survives a loss of power: its newest state was flushed', async (t) => {
    const folder = temporaryFolder(t);
    await dataFolder(folder);
    const backup = await backUp(folder);
    await restore(backup, join(folder, 'restored'));
    process.env.LMDB_RESTORE = 'safe';
    t.after(() => delete process.env.LMDB_RESTORE);
    const reader = StoreReader.open(join(folder, 'restored'));
    assert.equal(reader.summary().faces, 5);
    await reader.close();
  });
});

function flipByte(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.length - 100;
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
}

function edit(folder: string, from: string, to: string): void {
  const file = join(folder, 'manifest.json');
  const text = readFileSync(file, 'utf8');
  assert.ok(text.includes(from));
  const bytes = Buffer.from(text.replace(from, to));
  writeFileSync(file, bytes);
  writeFileSync(join(folder, 'manifest.mac'), `hmac-sha256 ${BACKUP_KEY.id} ${BACKUP_KEY.sign(bytes)}\n`);
}
