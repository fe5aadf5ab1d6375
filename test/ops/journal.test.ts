import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { leadsToJournal } from '../../src/ops/journal.ts';
import { createLog, type RequestRecord } from '../../src/ops/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'visage-test-'));
after(() => rmSync(folder, { recursive: true }));

const LOG_MODULE = new URL('../../src/ops/log.js', import.meta.url);

function written(program: string, isJournal: boolean): string[] {
  const file = join(folder, 'journal');
  const descriptor = openSync(file, 'w');
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  const source = `import { createLog, logRequest } from '${LOG_MODULE}'; const log = createLog('trace'); ${program}`;
  execFileSync(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', descriptor, 'inherit'],
    env: { ...process.env, JOURNAL_STREAM: isJournal ? `${dev}:${ino}` : `${dev}:1` },
  });
  closeSync(descriptor);
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

describe('The log', () => {
  test('has a priority of syslog for each level where it leads to the journal', () => {
    const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
    const lines = written(levels.map((level) => `log.${level}('said')`).join(';'), true);
    assert.deepEqual(lines, ['<7>said', '<7>said', '<6>said', '<4>said', '<3>said', '<2>said']);
  });

  test('of a request is one line that a person reads, without what says nothing', () => {
    const record: RequestRecord = {
      requestId: 'r-1',
      method: 'GET',
      route: '/v1/auth/api-keys/{id}',
      operation: 'getApiKey',
      status: 200,
      ms: 1.23,
      code: null,
      aborted: false,
      account: 'acc_1',
      key: null,
      member: 'mem_1',
    };
    assert.deepEqual(written(`logRequest(log, ${JSON.stringify(record)})`, true), [
      '<6>request requestId=r-1 method=GET route=/v1/auth/api-keys/{id} operation=getApiKey status=200 ms=1.2 ' +
        'aborted=false account=acc_1 member=mem_1',
    ]);
    const levels = [503, 500].map((status) => JSON.stringify({ ...record, status }));
    const lines = written(levels.map((each) => `logRequest(log, ${each})`).join(';'), true);
    assert.deepEqual(
      lines.map((line) => line.slice(0, 3)),
      ['<4>', '<3>'],
    );
  });

  test('stays one line whatever it is told, so nobody writes lines of another priority into it', () => {
    const lines = written(
      `log.info({ name: 'a\\n<0>b', list: ['c\\nd'] }, 'e\\n<0>f'); log.error({ err: new Error('g\\n<0>h') }, 'i')`,
      true,
    );
    assert.equal(lines.length, 2);
    assert.equal(lines[0], '<6>e <0>f name="a\\n<0>b" list=["c\\nd"]');
    assert.match(lines[1] as string, /^<3>i err="Error: g\\n<0>h\\n {4}at /);
  });

  test('is JSON where standard output is something else', () => {
    const [line] = written(`log.warn({ requestId: 'r-1' }, 'said')`, false);
    const { time, ...fields } = JSON.parse(line as string);
    assert.deepEqual(fields, { level: 'warn', requestId: 'r-1', msg: 'said' });
    assert.ok(Math.abs(Date.now() - Date.parse(time)) < 60_000);
  });

  test('tells the type, message, code and stack of an error and of its cause, and nothing else of it', () => {
    const lines: string[] = [];
    const log = createLog('debug', { write: (line) => lines.push(line) });
    const cause = new Error('deeper');
    log.error(
      { err: Object.assign(new TypeError('high', { cause }), { code: 'E1', packet: 'secret' }) },
      'x',
    );
    log.error({ err: 'secret' }, 'not an error');
    const [first, second] = lines.map((line) => JSON.parse(line).err);
    assert.deepEqual(Object.keys(first).sort(), ['code', 'message', 'stack', 'type']);
    assert.match(first.stack, /^TypeError: high\n[\s\S]*caused by: Error: deeper\n/);
    assert.deepEqual(second, { type: 'string' });
    assert.doesNotMatch(lines.join(''), /secret/);
  });
});

test('A descriptor leads to the journal only where device and inode are those that systemd names', () => {
  const { dev, ino } = fstatSync(2, { bigint: true });
  assert.equal(leadsToJournal(2, `${dev}:${ino}`), true);
  for (const stream of [undefined, '', `${dev}:${ino}1`, `${dev}`])
    assert.equal(leadsToJournal(2, stream), false);
  assert.equal(leadsToJournal(9999, `${dev}:${ino}`), false);
});
