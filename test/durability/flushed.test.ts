import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Store } from '../../src/store/store.ts';
import { ownerIn, temporaryFolder } from '../store/temporary-store.ts';

const PROGRAM = fileURLToPath(new URL('./last-words.js', import.meta.url));

/**
 * A kill alone loses nothing that the kernel has, so the store is opened again with LMDB_RESTORE=safe: then LMDB goes
 * back to the last flushed commit, which is what a power cut leaves.
 */
test('a write is flushed before it is acknowledged', (t) => {
  process.env.LMDB_RESTORE = 'safe';
  t.after(() => {
    delete process.env.LMDB_RESTORE;
  });
  for (let count = 1; count <= 8; count++) {
    const folder = temporaryFolder(t);
    const { stdout, signal } = spawnSync(process.execPath, [PROGRAM, folder, String(count)], {
      encoding: 'utf8',
    });
    assert.equal(signal, 'SIGKILL');
    const acknowledged = stdout.trim().split('\n');
    assert.equal(acknowledged.length, count);

    const store = Store.open(folder);
    const gallery = store.collections.get(ownerIn(store), 'people')?.gallery ?? 0;
    assert.equal(store.faces.count(gallery), count);
    assert.deepEqual(store.check(), []);
    void store.close();
  }
});
