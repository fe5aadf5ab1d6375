import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../e2e/service.ts';
import { temporaryFolder } from '../store/temporary-store.ts';

test('the background makes way for work, and gives back the memory of galleries, whoever was the last to look at it', (t) => {
  const program = join(temporaryFolder(t), 'background');
  const sources = [join(ROOT, 'test/native/programs/background.cc'), join(ROOT, 'build/libvisage_core.a')];
  const options = ['-std=c++20', '-O1', '-pthread', `-I${join(ROOT, 'native')}`];
  execFileSync(process.env.CXX ?? 'g++', [...options, ...sources, '-ldl', '-o', program]);
  assert.equal(execFileSync(program, { encoding: 'utf8', timeout: 60_000 }), 'background: well\n');
});
