import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isRoot, STRANGER, takeElsewhere } from '../../testing/take-folder.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const modeOf = (path: string) => lstatSync(path).mode & 0o777;

describe('The data folder', () => {
  test('and all in it are for its user alone, whatever the umask is', (t) => {
    const folder = join(temporaryFolder(t), 'data');
    assert.deepEqual(takeElsewhere(folder), { refusal: null, exitCode: null, repaired: [] });
    assert.equal(modeOf(folder), 0o700);
    const files = readdirSync(folder);
    assert.deepEqual(files.sort(), ['data.mdb', 'lock.mdb', 'visage.lock']);
    for (const file of files) assert.equal(modeOf(join(folder, file)), 0o600, file);
  });

  test('of an earlier version loses the permissions of other users, and says which', (t) => {
    const folder = join(temporaryFolder(t), 'data');
    takeElsewhere(folder);
    mkdirSync(join(folder, 'snapshots'), { mode: 0o755 });
    writeFileSync(join(folder, 'snapshots', '1.index'), '');
    chmodSync(join(folder, 'snapshots', '1.index'), 0o666);
    for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(folder, file), 0o644);
    chmodSync(join(folder, 'snapshots'), 0o755);
    chmodSync(folder, 0o777);
    const wide = [
      folder,
      ...['data.mdb', 'lock.mdb', 'snapshots', 'snapshots/1.index'].map((file) => join(folder, file)),
    ];
    const { refusal, repaired } = takeElsewhere(folder);
    assert.equal(refusal, null);
    assert.deepEqual([...repaired].sort(), wide.sort());
    for (const path of wide) assert.equal(modeOf(path) & 0o077, 0, path);
    assert.deepEqual(takeElsewhere(folder).repaired, []);
  });

  test('keeps no copy of the store that a killed command left', (t) => {
    const folder = join(temporaryFolder(t), 'data');
    takeElsewhere(folder);
    const left = ['restoring', 'compacting'].map((name) => join(folder, name));
    for (const path of left) {
      mkdirSync(join(path, 'signing-keys'), { recursive: true });
      writeFileSync(join(path, 'data.mdb'), 'templates of faces that are deleted later');
      writeFileSync(join(path, 'signing-keys', 'a.pem'), 'a key');
    }
    mkdirSync(join(folder, 'replaced-20260115T103000.000Z'));
    assert.equal(takeElsewhere(folder).refusal, null);
    assert.deepEqual(left.filter(existsSync), []);
    assert.ok(existsSync(join(folder, 'replaced-20260115T103000.000Z')));
  });

  test('is refused where it is a file', (t) => {
    const file = join(temporaryFolder(t), 'data');
    writeFileSync(file, '');
    assert.equal(takeElsewhere(file).exitCode, 69);
  });

  test('of another user is refused with a sentence that names both', { skip: !isRoot }, (t) => {
    const folder = join(temporaryFolder(t), 'data');
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, STRANGER, STRANGER);
    const { refusal, exitCode } = takeElsewhere(folder);
    assert.equal(exitCode, 69);
    assert.match(
      refusal ?? '',
      /belongs to user 65534, but this process runs as user 0\. Run it as the owner/,
    );
    assert.deepEqual(readdirSync(folder), []);
    chmodSync(join(folder, '..'), 0o755);
    assert.equal(takeElsewhere(folder, STRANGER).refusal, null);
  });

  test('may hold files of root, which the file system or an operator made', { skip: !isRoot }, (t) => {
    const folder = join(temporaryFolder(t), 'data');
    mkdirSync(join(folder, 'lost+found'), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'notes.txt'), '', { mode: 0o644 });
    chownSync(folder, STRANGER, STRANGER);
    chmodSync(join(folder, '..'), 0o755);
    assert.equal(takeElsewhere(folder, STRANGER).refusal, null);
    assert.equal(modeOf(join(folder, 'notes.txt')), 0o644);
  });
});
