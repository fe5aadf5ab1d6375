import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../e2e/service.ts';
import { temporaryFolder } from '../store/temporary-store.ts';

test('a batcher joins what waits, in order, within its delay, and tells a failure to all of a batch', (t) => {
  const program = join(temporaryFolder(t), 'batcher');
  const source = join(ROOT, 'test/native/programs/batcher.cc');
  const options = ['-std=c++20', '-O1', '-pthread', `-I${join(ROOT, 'native')}`];
  execFileSync(process.env.CXX ?? 'g++', [...options, source, '-o', program]);
  assert.equal(execFileSync(program, { encoding: 'utf8' }), 'batcher: well\n');
});
