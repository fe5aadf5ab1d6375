import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { childEnvironment, ROOT } from '../../testing/service.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const SOURCE = join(ROOT, 'test/durability/slow_flush.cc');
const PROGRAM = fileURLToPath(new URL('./slow-writer.js', import.meta.url));

test('no write is acknowledged before it is flushed', (t) => {
  const folder = temporaryFolder(t);
  const library = join(folder, 'slow_flush.so');
  execFileSync('g++', ['-std=c++20', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl']);
  const { stdout } = spawnSync(process.execPath, [PROGRAM, join(folder, 'store')], {
    encoding: 'utf8',
    env: childEnvironment({ LD_PRELOAD: library }),
  });
  const names = ['index', 'set key', 'take key', 'delete face', 'update', 'API key', 'reset', 'delete'];
  for (const name of names) {
    assert.match(stdout, new RegExp(`^${name}\n(flushed\n)+acknowledged$`, 'm'), name);
  }
});
