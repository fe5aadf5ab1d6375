import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lockFile } from '../../src/native/system.ts';

const NATIVE = fileURLToPath(new URL('../../src/native/system.js', import.meta.url));

async function lockElsewhere(path: string): Promise<string> {
  const script = `import { lockFile } from ${JSON.stringify(NATIVE)}; console.log(lockFile(${JSON.stringify(path)}));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  return stdout.trim();
}

describe('a lock on a file', () => {
  test('belongs to one process and is free again when that process has ended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'visage-'));
    try {
      const path = join(folder, 'lock');
      assert.equal(await lockElsewhere(path), 'true');
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal(lockFile(path), true);
      assert.equal(await lockElsewhere(path), 'false');
      assert.throws(() => lockFile(join(folder, 'missing', 'lock')), /No such file or directory/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
