import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { childEnvironment, MAIN, ROOT, temporaryFolder } from '../../testing/service.ts';

const hasTerminal = spawnSync('script', ['--version']).status === 0;
const options = { skip: hasTerminal ? false : 'script(1), which makes a terminal, is not installed' };

async function onTerminal(
  command: string,
  until: RegExp,
  environment: Record<string, string>,
): Promise<string> {
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    env: childEnvironment(environment),
    cwd: ROOT,
  });
  const ended = once(child, 'close');
  let said = '';
  let isAsked = false;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
    if (isAsked || !until.test(said)) return;
    isAsked = true;
    child.stdin.write('\x03');
  });
  await ended;
  return said.replaceAll('\r\n', '\n');
}

describe('On a terminal', options, () => {
  test('npm start says nothing of npm itself but what it runs, then lines that a person reads', async (t) => {
    const folder = await temporaryFolder();
    t.after(() => folder.remove());
    const environment = { VISAGE_DATA_DIR: folder.path, VISAGE_LISTEN: '127.0.0.1:0', TERM: 'xterm' };
    const said = await onTerminal('npm start', /collection\/get-all/, environment);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const lines = said.split('\n').filter((line) => line !== '');
    assert.doesNotMatch(said, /npm (warn|error)/i);
    const own = lines.findIndex((line) => !line.startsWith('> '));
    assert.deepEqual(lines.slice(0, own)[0], `> visage@${version} start`);
    assert.match(lines[own] as string, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO {2}starting version=/);
    assert.ok(said.includes('WARN \x1b[0m there is no owner yet'));
    assert.doesNotMatch(said, /^\{"level"/m);
    const noGpu = lines.filter((line) => /no GPU/.test(line));
    assert.ok(
      noGpu.every((line) => line.length <= 120),
      String(noGpu),
    );
  });

  test('nothing is coloured where NO_COLOR is set', async (t) => {
    const folder = await temporaryFolder();
    t.after(() => folder.remove());
    const environment = { VISAGE_DATA_DIR: folder.path, VISAGE_LISTEN: '127.0.0.1:0', NO_COLOR: '1' };
    const said = await onTerminal(`${process.execPath} ${MAIN}`, /collection\/get-all/, environment);
    assert.match(said, /WARN {2}there is no owner yet/);
    assert.ok(!said.includes('\x1b'));
  });
});
