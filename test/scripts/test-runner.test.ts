import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { folderWith, SCRIPTS } from './project-scripts.ts';

function count(
  files: Readonly<Record<string, string>>,
  timeout = 60_000,
  isTwice = false,
): { line: string | undefined; output: string } {
  const program = `
    import { runTests, testFiles } from ${JSON.stringify(new URL('test-runner.mjs', SCRIPTS).href)};
    const record = process.argv[2] + '/times.json';
    const options = ${isTwice} ? { concurrency: 1, record } : { timeout: ${timeout} };
    if (${isTwice}) await runTests(testFiles(process.argv[2]), options);
    console.log(String(await runTests(testFiles(process.argv[2]), options)));`;
  const tests = Object.entries(files).map(([name, body]) => [
    name,
    `const { after, describe, test } = require('node:test');\n${body}`,
  ]);
  const folder = folderWith({ 'program.mjs': program, ...Object.fromEntries(tests) });
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  try {
    const { stdout } = spawnSync(process.execPath, [join(folder, 'program.mjs'), folder], {
      env,
      encoding: 'utf8',
    });
    return { line: stdout.trimEnd().split('\n').at(-1), output: stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PASS = "test('passes', () => {});";
const FAIL = "test('fails', () => { throw new Error('no'); });";

describe('the test runner', () => {
  test('counts over all files and folders, and passes over files that are no tests', () => {
    const { line, output } = count({ 'a.test.js': PASS, 'deep/b.test.js': PASS + FAIL, 'c.js': FAIL });
    assert.equal(line, '2 passed, 1 failed');
    assert.match(output, /fails/);
  });

  test('counts leaves, neither suites nor tests that hold tests', () => {
    const nested =
      "test('parent', async (t) => { await t.test('a', () => {}); await t.test('b', () => {}); });";
    const { line } = count({
      'a.test.js': `describe('suite', () => { ${PASS} describe('inner', () => { ${PASS} ${FAIL} }); }); ${nested}`,
    });
    assert.equal(line, '4 passed, 1 failed');
  });

  test('counts what is skipped or to do apart', () => {
    const { line } = count({
      'a.test.js': `${PASS} test('s', { skip: true }, () => {}); test('t', { todo: true }, () => { throw 1; });`,
    });
    assert.equal(line, '1 passed, 0 failed, 2 skipped');
  });

  test('counts a hook that fails', () => {
    const { line } = count({
      'a.test.js': `describe('suite', () => { after(() => { throw new Error('hook'); }); ${PASS} });`,
    });
    assert.equal(line, '1 passed, 1 failed');
  });

  test('counts a parent that fails by itself', () => {
    const { line } = count({
      'a.test.js': "test('parent', async (t) => { await t.test('a', () => {}); throw new Error('own'); });",
    });
    assert.equal(line, '1 passed, 1 failed');
  });

  test('counts a file that has no test as failed, and names it', () => {
    const { line, output } = count({ 'a.test.js': PASS, 'empty.test.js': '' });
    assert.equal(line, '1 passed, 1 failed');
    assert.match(output, /empty\.test\.js has no test/);
  });

  test('counts a file that crashes, does not load or leaves early as failed', () => {
    const { line } = count({
      'abort.test.js': `${PASS} setTimeout(() => process.abort(), 20);`,
      'exit.test.js': `test('leaves', () => process.exit(0)); ${PASS}`,
      'load.test.js': "throw new Error('does not load');",
    });
    assert.equal(line, '1 passed, 3 failed');
  });

  test('ends a file that hangs', () => {
    const { line } = count(
      { 'a.test.js': "test('hangs', () => new Promise(() => setInterval(() => {}, 1000)));" },
      1500,
    );
    assert.equal(line, '0 passed, 1 failed');
  });

  test('repeats a failed file once, and its report says so', () => {
    const once = `const { existsSync, writeFileSync } = require('node:fs');
      test('once', () => {
        if (existsSync(__filename + '.ran')) return;
        writeFileSync(__filename + '.ran', '');
        throw new Error('at first');
      });`;
    const { line, output } = count({ 'a.test.js': once, 'b.test.js': FAIL });
    assert.equal(line, '1 passed, 1 failed');
    assert.match(output, /Failed at first, passed when repeated: .*a\.test\.js[\s\S]*at first/);
    assert.match(output, /\nFailed: .*b\.test\.js/);
  });

  test('runs the longest file of the last run first', () => {
    const slow = "test('waits', () => new Promise((done) => setTimeout(done, 500)));";
    const { line, output } = count({ 'a.test.js': PASS, 'b.test.js': slow }, 60_000, true);
    assert.equal(line, '2 passed, 0 failed');
    const [first = '', second = ''] = output.split('The slowest of');
    assert.match(first, /^\/.*a\.test\.js$[\s\S]*^\/.*b\.test\.js$/m);
    assert.match(second, /^\/.*b\.test\.js$[\s\S]*^\/.*a\.test\.js$/m);
  });

  test('counts nothing where there is nothing', () => {
    assert.equal(count({}).line, '0 passed, 0 failed');
  });
});
