import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readPlainFile } from '../../src/store/plain-files.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

describe('A file of a backup', () => {
  test('is read up to its limit, and refused beyond it', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'whole'), 'twelve bytes');
    assert.equal((await readPlainFile(folder, 'whole', 12)).toString(), 'twelve bytes');
    await assert.rejects(readPlainFile(folder, 'whole', 11), /whole: it has more than 11 bytes/);
  });

  test('is refused where it is a symbolic link or a pipe', async (t) => {
    const folder = temporaryFolder(t);
    symlinkSync('/etc/passwd', join(folder, 'link'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await assert.rejects(readPlainFile(folder, 'link', 1_000_000));
    await assert.rejects(readPlainFile(folder, 'pipe', 1_000_000), /pipe is not a regular file/);
  });
});
