import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { EXIT } from '../../src/ops/exit-codes.ts';
import { createShutdown, type Step, Undos } from '../../src/service/shutdown.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

type Opened = readonly [step: Step, undo: () => unknown];

function undosOf(opened: readonly Opened[]): Undos {
  const undos = new Undos();
  for (const [step, undo] of opened) undos.add(step, undo);
  return undos;
}

function begin(...opened: Opened[]) {
  const codes: number[] = [];
  let done: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    done = resolve;
  });
  const exit = (code: number) => {
    codes.push(code);
    done(code);
  };
  const log = pino({ level: 'silent' });
  const shutdown = createShutdown({ log, undos: undosOf(opened), limitMs: 1_000, exit });
  return { shutdown, exited, codes };
}

test('the steps run one after the other, the store last, and the process ends well', async () => {
  const ran: string[] = [];
  const later = (name: string) => new Promise((resolve) => setImmediate(() => resolve(ran.push(name))));
  const { shutdown, exited } = begin(
    ['connections', () => later('admin')],
    ['store', () => ran.push('store')],
    ['executor', () => ran.push('executor')],
    ['connections', () => later('api')],
    ['readiness', () => ran.push('readiness')],
  );
  shutdown('SIGTERM');
  assert.equal(await exited, EXIT.ok);
  assert.deepEqual(ran, ['readiness', 'admin', 'api', 'executor', 'store']);
});

test('a step that fails does not keep the next from running, and shows in the exit code', async () => {
  const closed: string[] = [];
  const { shutdown, exited } = begin(
    ['executor', () => Promise.reject(new Error('broken'))],
    ['executor', () => closed.push('executor')],
    ['store', () => closed.push('store')],
  );
  shutdown('SIGINT');
  assert.equal(await exited, EXIT.failure);
  assert.deepEqual(closed, ['executor', 'store']);
});

test('a second signal ends it at once, and only once', async () => {
  let release = () => {};
  const { shutdown, exited, codes } = begin([
    'usage',
    () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  ]);
  shutdown('SIGTERM');
  shutdown('SIGTERM');
  assert.equal(await exited, EXIT.forced);
  release();
  await new Promise(setImmediate);
  assert.deepEqual(codes, [EXIT.forced]);
});

test('steps that do not end are cut at the limit', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { shutdown, exited } = begin(['usage', () => new Promise(() => {})]);
  shutdown('SIGTERM');
  mock.timers.tick(1_000);
  assert.equal(await exited, EXIT.forced);
  mock.timers.reset();
});

function run(name: string, ...args: string[]) {
  const program = fileURLToPath(new URL(name, import.meta.url));
  const { status, signal, stderr } = spawnSync(process.execPath, [program, ...args], {
    timeout: 60_000,
    encoding: 'utf8',
  });
  return { status, signal, stderr };
}

test('an end by force does not wait for a write that waits for the JavaScript thread', (t) => {
  const { status, signal } = run('forced-end.js', join(temporaryFolder(t), 'data'));
  assert.deepEqual({ status, signal }, { status: EXIT.forced, signal: null });
});

test('a start that fails closes the store, then ends with the code of its error', (t) => {
  const ended = run('failed-start.js', join(temporaryFolder(t), 'data'), 'closes');
  assert.deepEqual(ended, {
    status: EXIT.locked,
    signal: null,
    stderr: 'closed\nvisage: The folder is taken.\n',
  });
});

test('a start that fails ends in time where the store does not close', (t) => {
  const ended = run('failed-start.js', join(temporaryFolder(t), 'data'), 'hangs');
  assert.deepEqual(ended, {
    status: EXIT.locked,
    signal: null,
    stderr: 'visage: The folder is taken.\nvisage: Closing took longer than 500 ms.\n',
  });
});
