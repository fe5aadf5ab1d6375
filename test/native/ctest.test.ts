import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { ROOT } from '../../testing/service.ts';

const BUILD = 'build';

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

run('cmake', BUILD);
run('cmake', '--build', BUILD, '--target', 'native_tests');
const listed = JSON.parse(run('ctest', '--test-dir', BUILD, '--show-only=json-v1')) as {
  tests: { name: string }[];
};

describe('The C++ tests', () => {
  test('are there', () => assert.notEqual(listed.tests.length, 0));
  listed.tests.forEach(({ name }, index) => {
    test(name, () => {
      const number = String(index + 1);
      const args = ['--test-dir', BUILD, '--output-on-failure', '-I', `${number},${number}`];
      const { status, stdout } = spawnSync('ctest', args, { cwd: ROOT, encoding: 'utf8' });
      assert.equal(status, 0, stdout);
    });
  });
});
