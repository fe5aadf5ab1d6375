import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeBackup, verifyBackup } from '../../src/store/backup.ts';
import { BackupKey } from '../../src/store/backup-key.ts';
import { openBackup, restoreBackup } from '../../src/store/restore.ts';
import { attack } from '../../testing/attack.ts';
import { visagectl } from '../../testing/service.ts';
import { FACE, rowOf, storeWithCollection, temporaryFolder } from '../../testing/temporary-store.ts';

const KEY = new BackupKey(Buffer.alloc(32, 1));
const OTHER_KEY = new BackupKey(Buffer.alloc(32, 2));
const SIGNING_KEY = 'signing-keys/000001795387486030.pem';
const NOW = new Date('2026-01-15T10:30:00Z');
const [MANIFEST, MAC] = ['manifest.json', 'manifest.mac'];

async function dataFolder(data: string, whose: string, seed: number): Promise<void> {
  const { store, owner } = await storeWithCollection(data);
  await store.faces.add(owner, 'people', FACE, rowOf(seed));
  await store.close();
  mkdirSync(join(data, 'signing-keys'));
  writeFileSync(join(data, SIGNING_KEY), whose, { mode: 0o600 });
}

async function backUp(folder: string, whose: string, key: BackupKey, now = NOW): Promise<string> {
  const [data, target] = [join(folder, `${whose}-data`), join(folder, `${whose}-backups`)];
  if (!existsSync(data)) await dataFolder(data, whose, whose.length);
  mkdirSync(target, { recursive: true });
  return (await makeBackup(data, target, { key, keep: null, version: '0.1.0', now })).folder;
}

interface Manifest {
  format: number;
  createdAt: string;
  store: Record<string, unknown>;
  files: { path: string; bytes: number; sha256: string }[];
}

function rewrite(folder: string, change: (manifest: Manifest) => void = () => {}): void {
  const manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Manifest;
  for (const file of manifest.files) {
    if (!existsSync(join(folder, file.path))) continue;
    const bytes = readFileSync(join(folder, file.path));
    Object.assign(file, { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  }
  change(manifest);
  writeFileSync(join(folder, MANIFEST), JSON.stringify(manifest, null, 2));
}

const edit = (file: string, change: (text: string) => string) =>
  writeFileSync(file, change(readFileSync(file, 'latin1')), 'latin1');

const ALTERATIONS: Readonly<Record<string, (mine: string, theirs: string) => void>> = {
  'replaces the signing key': (mine) => writeFileSync(join(mine, SIGNING_KEY), 'attacker'),
  'replaces the signing key and its hash': (mine) => {
    writeFileSync(join(mine, SIGNING_KEY), 'attacker');
    rewrite(mine);
  },
  'replaces the store': (mine, theirs) => cpSync(join(theirs, 'data.mdb'), join(mine, 'data.mdb')),
  'replaces the store and its hash': (mine, theirs) => {
    cpSync(join(theirs, 'data.mdb'), join(mine, 'data.mdb'));
    rewrite(mine);
  },
  'replaces all but the code': (mine, theirs) => {
    for (const path of ['data.mdb', SIGNING_KEY, MANIFEST]) cpSync(join(theirs, path), join(mine, path));
  },
  'replaces all, with a code of another key': (mine, theirs) => {
    rmSync(mine, { recursive: true });
    cpSync(theirs, mine, { recursive: true });
  },
  'claims the right key for a code of another': (mine, theirs) => {
    for (const path of ['data.mdb', SIGNING_KEY, MANIFEST, MAC]) cpSync(join(theirs, path), join(mine, path));
    edit(join(mine, MAC), (text) => text.replace(OTHER_KEY.id, KEY.id));
  },
  'removes the code': (mine) => rmSync(join(mine, MAC)),
  'removes the code and says that the format is the first': (mine) => {
    rmSync(join(mine, MAC));
    rewrite(mine, (manifest) => Object.assign(manifest, { format: 1 }));
  },
  'empties the code': (mine) => truncateSync(join(mine, MAC)),
  'cuts the code': (mine) => truncateSync(join(mine, MAC), 40),
  'writes a code of zeros': (mine) =>
    writeFileSync(join(mine, MAC), `hmac-sha256 ${KEY.id} ${'0'.repeat(64)}\n`),
  'names no hash for the code': (mine) => {
    const hash = createHash('sha256')
      .update(readFileSync(join(mine, MANIFEST)))
      .digest('hex');
    writeFileSync(join(mine, MAC), `sha256 ${KEY.id} ${hash}\n`);
  },
  'puts a plain hash for the code': (mine) => {
    const hash = createHash('sha256')
      .update(readFileSync(join(mine, MANIFEST)))
      .digest('hex');
    writeFileSync(join(mine, MAC), `hmac-sha256 ${KEY.id} ${hash}\n`);
  },
  'puts two codes': (mine) => appendFileSync(join(mine, MAC), readFileSync(join(mine, MAC))),
  'changes the time': (mine) =>
    edit(join(mine, MANIFEST), (text) => text.replace('2026-01-15', '2026-01-16')),
  'adds a space to the manifest': (mine) => appendFileSync(join(mine, MANIFEST), ' '),
  'adds a file to the folder': (mine) => writeFileSync(join(mine, 'signing-keys', 'evil.pem'), 'attacker'),
  'adds a folder': (mine) => mkdirSync(join(mine, 'tls')),
  'adds a file to folder and manifest': (mine) => {
    writeFileSync(join(mine, 'signing-keys', 'evil.pem'), 'attacker');
    rewrite(mine, ({ files }) => files.push({ path: 'signing-keys/evil.pem', bytes: 0, sha256: '' }));
    rewrite(mine);
  },
  'removes the signing key': (mine) => rmSync(join(mine, SIGNING_KEY)),
  'removes the signing key from folder and manifest': (mine) => {
    rmSync(join(mine, SIGNING_KEY));
    rewrite(mine, (manifest) => Object.assign(manifest, { files: manifest.files.slice(0, 1) }));
  },
  'names a file outside': (mine) =>
    rewrite(mine, ({ files }) => Object.assign(files[1] ?? {}, { path: '../signing-keys/evil.pem' })),
  'cuts the store': (mine) => truncateSync(join(mine, 'data.mdb'), 8192),
  'appends to the store': (mine) => appendFileSync(join(mine, 'data.mdb'), Buffer.alloc(4096)),
  'makes the store a terabyte of holes': (mine) => truncateSync(join(mine, 'data.mdb'), 2 ** 40),
  'makes the signing key a link': (mine) => {
    renameSync(join(mine, SIGNING_KEY), join(mine, '..', 'elsewhere.pem'));
    symlinkSync(join(mine, '..', 'elsewhere.pem'), join(mine, SIGNING_KEY));
  },
  'makes the folder of keys a link': (mine) => {
    renameSync(join(mine, 'signing-keys'), join(mine, '..', 'elsewhere'));
    symlinkSync(join(mine, '..', 'elsewhere'), join(mine, 'signing-keys'));
  },
  'makes the store a link to the store in use': (mine) => {
    rmSync(join(mine, 'data.mdb'));
    symlinkSync('/etc/passwd', join(mine, 'data.mdb'));
  },
  'makes the manifest a link': (mine) => {
    renameSync(join(mine, MANIFEST), join(mine, '..', MANIFEST));
    symlinkSync(join('..', MANIFEST), join(mine, MANIFEST));
  },
  'makes the signing key a pipe': (mine) => {
    rmSync(join(mine, SIGNING_KEY));
    execFileSync('mkfifo', [join(mine, SIGNING_KEY)]);
  },
  'makes the manifest a pipe': (mine) => {
    rmSync(join(mine, MANIFEST));
    execFileSync('mkfifo', [join(mine, MANIFEST)]);
  },
  'makes the manifest huge': (mine) => truncateSync(join(mine, MANIFEST), 2 ** 40),
};

async function succeeds(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch {
    return false;
  }
}

async function restore(folder: string, data: string, trust: BackupKey | 'unauthenticated'): Promise<void> {
  mkdirSync(data, { recursive: true });
  const backup = await openBackup(folder, trust);
  try {
    await restoreBackup(backup, data, { acceptFaults: false, now: NOW });
  } finally {
    await backup.close();
  }
}

describe('A backup', () => {
  attack('that somebody altered who has no backup key is not restored', async (tally) => {
    const cleanUp: (() => void)[] = [];
    const folder = temporaryFolder({ after: (work) => cleanUp.push(work) });
    const mine = await backUp(folder, 'mine', KEY);
    const theirs = await backUp(folder, 'attacker', OTHER_KEY);
    const data = join(folder, 'mine-data');
    const before = readFileSync(join(data, 'data.mdb'));
    for (const [what, alter] of Object.entries(ALTERATIONS)) {
      const altered = join(folder, 'altered', 'visage-20260115T103000.000Z');
      cpSync(mine, altered, { recursive: true });
      alter(altered, theirs);
      tally.attempt(`restore after somebody ${what}`, await succeeds(() => restore(altered, data, KEY)));
      const isUntouched =
        existsSync(join(data, SIGNING_KEY)) &&
        readFileSync(join(data, 'data.mdb')).equals(before) &&
        readFileSync(join(data, SIGNING_KEY), 'utf8') === 'mine' &&
        !readdirSync(data).some((name) => /^re/.test(name));
      tally.attempt(`change the data folder after somebody ${what}`, !isUntouched);
      const verdict = await verifyBackup(altered, KEY).catch(() => null);
      tally.attempt(
        `call it sound after somebody ${what}`,
        verdict?.damage.length === 0 && verdict.faults.length === 0,
      );
      rmSync(join(folder, 'altered'), { recursive: true });
    }
    // The unaltered backup passes, so the refusals have no other reason.
    await restore(mine, data, KEY);
    for (const work of cleanUp) work();
  });

  attack('that is altered while it is copied is not restored', async (tally) => {
    const cleanUp: (() => void)[] = [];
    const folder = temporaryFolder({ after: (work) => cleanUp.push(work) });
    for (const path of ['data.mdb', SIGNING_KEY]) {
      const mine = await backUp(folder, 'mine', KEY, new Date(NOW.getTime() + path.length));
      const data = join(folder, 'target');
      mkdirSync(data, { recursive: true });
      const backup = await openBackup(mine, KEY);
      edit(join(mine, path), (text) => `X${text.slice(1)}`);
      const options = { acceptFaults: true, now: NOW };
      tally.attempt(
        `${path} after it was opened`,
        await succeeds(() => restoreBackup(backup, data, options)),
      );
      await backup.close();
    }
    for (const work of cleanUp) work();
  });
});

test('A backup needs its key, whoever restores it: on new hardware --key, of the first release --unauthenticated', async (t) => {
  const folder = temporaryFolder(t);
  const [data, fresh, backups] = [join(folder, 'data'), join(folder, 'fresh'), join(folder, 'backups')];
  await dataFolder(data, 'mine', 1);
  const keyFile = join(folder, 'etc', 'backup.key');
  const settings = { VISAGE_BACKUP_KEY: keyFile };
  const made = await visagectl(['backup', '--to', backups, '--data-dir', data], settings);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stderr, /Created the backup key .*backup\.key\. Keep a copy on another machine/);
  assert.match(readFileSync(keyFile, 'utf8'), /^[0-9a-f]{64}\n$/);
  const backup = made.stdout.trim();
  const run = (args: string[], own: Record<string, string> = {}) =>
    visagectl([...args, '--data-dir', fresh], { ...settings, ...own });

  const verified = await run(['verify', backup]);
  assert.deepEqual([verified.code, /is sound: 1 faces/.test(verified.stdout)], [0, true], verified.stderr);
  const other = join(folder, 'other.key');
  writeFileSync(other, `${'ab'.repeat(32)}\n`, { mode: 0o600 });
  for (const args of [
    ['verify', backup],
    ['restore', backup],
  ]) {
    const missing = await run(args, { VISAGE_BACKUP_KEY: join(folder, 'none.key') });
    assert.deepEqual([missing.code, /No backup key at .* --key FILE/.test(missing.stderr)], [65, true]);
    const wrong = await run(args, { VISAGE_BACKUP_KEY: other });
    assert.deepEqual([wrong.code, /was made with the backup key \w{16}, but/.test(wrong.stderr)], [65, true]);
  }
  const open = await run(['verify', backup, '--key', other, '--unauthenticated']);
  assert.deepEqual([open.code, /got both/.test(open.stderr)], [64, true]);

  rmSync(join(backup, MAC));
  rewrite(backup, (manifest) => Object.assign(manifest, { format: 1 }));
  const old = await run(['restore', backup]);
  assert.deepEqual([old.code, /has no manifest\.mac: the first release/.test(old.stderr)], [65, true]);
  assert.equal(existsSync(join(fresh, 'data.mdb')), false);
  const accepted = await run(['restore', backup, '--unauthenticated']);
  assert.equal(accepted.code, 0, accepted.stderr);
  assert.match(accepted.stderr, /as of 20\d\d-.*, audit log up to 0\.\nThe backup was not authenticated/);
  const log = await run(['audit', 'export']);
  assert.match(log.stdout, /store\.restore".*as of 20\d\d-.*audit log up to 0, not authenticated/);

  const next = (await visagectl(['backup', '--to', backups, '--data-dir', data], settings)).stdout.trim();
  const moved = await run(['restore', next, '--replace', '--key', keyFile], { VISAGE_BACKUP_KEY: other });
  assert.equal(moved.code, 0, moved.stderr);
  assert.equal(readFileSync(join(fresh, SIGNING_KEY), 'utf8'), 'mine');
});

test('A backup key that others can use, that is none, or that lies in what it protects is refused', async (t) => {
  const folder = temporaryFolder(t);
  const [data, backups] = [join(folder, 'data'), join(folder, 'backups')];
  await dataFolder(data, 'mine', 1);
  const file = (name: string, text: string, mode: number) => {
    writeFileSync(join(folder, name), text, { mode });
    return join(folder, name);
  };
  const hex = 'cd'.repeat(32);
  symlinkSync(file('target.key', hex, 0o600), join(folder, 'link.key'));
  for (const [path, sentence] of [
    [file('open.key', hex, 0o644), /has mode 0644, so others can use it/],
    [file('short.key', hex.slice(1), 0o600), /holds no backup key: expected 64 hex digits/],
    [file('empty.key', '', 0o600), /holds no backup key/],
    [join(folder, 'link.key'), /cannot be read: ELOOP/],
    [join(data, 'backup.key'), /backup\.key is in .*data, so a copy of that folder includes the key/],
    [join(backups, 'backup.key'), /backup\.key is in .*backups, so a copy of/],
  ] as const) {
    const { code, stderr } = await visagectl(['backup', '--to', backups, '--data-dir', data], {
      VISAGE_BACKUP_KEY: path,
    });
    assert.deepEqual([code, sentence.test(stderr)], [65, true], stderr);
  }
});
