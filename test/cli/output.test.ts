import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { line } from '../../src/cli/output.ts';
import { ROOT } from '../../testing/service.ts';

test('A sentence keeps what it is told on its own line', () => {
  assert.equal(line`Made ${'a\nMade b\x1b[2J'} (${1}).`, 'Made a\\u000aMade b\\u001b[2J (1).\n');
});

test('Commands write by tell, line, columns and print, which keep values on their lines', () => {
  const folder = join(ROOT, 'src/cli');
  const allowed = [
    'command.ts',
    'models-calibrate.ts',
    'models-check.ts',
    'output.ts',
    'progress.ts',
    'run.ts',
  ];
  const writing = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') &&
      /process\.std(out|err)\.write|console\./.test(readFileSync(join(folder, file), 'utf8')),
  );
  assert.deepEqual(writing.sort(), allowed);
});
