import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../../testing/service.ts';
import { manualFiles } from '../../tools/manual-files.ts';

const files = Object.entries(await manualFiles());

describe('Manual pages and completions', () => {
  for (const [path, text] of files) {
    test(`${path} is what the commands and settings are; \`npm run manual\` writes it`, () => {
      assert.equal(readFileSync(join(ROOT, path), 'utf8'), text);
    });
  }

  function offered(...words: string[]): string[] {
    const script = `source completions/visagectl.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _visagectl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const output = execFileSync('bash', ['-c', script, 'bash', 'visagectl', ...words], { cwd: ROOT });
    return output.toString().split('\n').filter(Boolean);
  }

  test('bash completes commands, options, choices and folders', () => {
    assert.deepEqual(offered('veri'), ['verify']);
    assert.deepEqual(offered('keys', ''), ['create', 'list', 'revoke']);
    assert.deepEqual(offered('keys', 'create', '--exp'), ['--expires-in-days']);
    assert.deepEqual(offered('keys', 'create', '--environment', 't'), ['test']);
    assert.deepEqual(offered('members', 'role', 'ada', 'ow'), ['owner']);
    assert.deepEqual(offered('restore', 'docs/im'), ['docs/images']);
    assert.deepEqual(offered('backup', '--k'), ['--keep']);
  });
});
