import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../../testing/service.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

test('check-exports names each export without an importer, and each file of src without one', (t) => {
  const folder = temporaryFolder(t);
  const files = {
    'src/main.ts': "import { used, type Kept } from './used.ts';\nimport * as all from './whole.ts';",
    'src/used.ts':
      'export const used = 1;\nexport function unused() {}\nexport type Kept = 1;\nexport type Dead = 2;\n' +
      'export interface Part {}\nexport const other: Part = {};',
    'src/whole.ts': 'export const anything = 1;',
    'src/alone.ts': 'const nothing = 1;',
    'test/used.test.ts': "import { other } from '../src/used.ts';",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const { stdout, status } = spawnSync(process.execPath, [join(ROOT, 'scripts/check-exports.mjs'), folder], {
    encoding: 'utf8',
  });
  assert.deepEqual(stdout.trim().split('\n').sort(), [
    'exports: 3 dead',
    'src/alone.ts:1: no file imports it',
    'src/used.ts:2: no other file imports unused',
    'src/used.ts:4: no other file imports Dead',
  ]);
  assert.equal(status, 1);
});
