import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

test('a damaged snapshot is refused or a whole index, also where its checksums are right', async () => {
  const folder = join(ROOT, 'build/fuzz');
  await mkdir(folder, { recursive: true });
  await run('cmake', ['--build', 'build', '--target', 'visage_snapshot_fuzz'], { cwd: ROOT });
  const { stdout } = await run(join(ROOT, 'build/visage_snapshot_fuzz'), ['300', '1'], {
    cwd: folder,
    env: { ...process.env, ASAN_OPTIONS: 'hard_rss_limit_mb=400:quarantine_size_mb=16' },
  });
  const figures = /^(\d+) inputs, (\d+) of them loaded/.exec(stdout)?.slice(1).map(Number);
  assert.ok(figures, stdout);
  const [inputs, loaded] = figures as [number, number];
  assert.equal(inputs, 300);
  assert.ok(loaded > 60 && loaded < 240, stdout);
});
