import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../e2e/service.ts';
import { temporaryFolder } from '../store/temporary-store.ts';

test('memory of a large gallery is given back in the background, whoever was the last to look at it', (t) => {
  const program = join(temporaryFolder(t), 'discard');
  const sources = [join(ROOT, 'test/native/programs/discard.cc'), join(ROOT, 'build/libvisage_core.a')];
  const options = ['-std=c++20', '-O1', '-pthread', `-I${join(ROOT, 'native')}`];
  execFileSync(process.env.CXX ?? 'g++', [...options, ...sources, '-ldl', '-o', program]);
  assert.equal(execFileSync(program, { encoding: 'utf8', timeout: 60_000 }), 'discard: well\n');
});
