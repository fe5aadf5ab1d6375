import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { pino } from 'pino';
import { EXIT } from '../../src/ops/exit-codes.ts';
import { createShutdown, type ShutdownStep } from '../../src/ops/shutdown.ts';

/** A way down whose exit is a promise. */
function begin(steps: ShutdownStep[]) {
  const codes: number[] = [];
  let done: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    done = resolve;
  });
  const exit = (code: number) => {
    codes.push(code);
    done(code);
  };
  const shutdown = createShutdown({ log: pino({ level: 'silent' }), steps, limitMs: 1_000, exit });
  return { shutdown, exited, codes };
}

test('the steps run one after the other and the process ends well', async () => {
  const ran: string[] = [];
  const { shutdown, exited } = begin([
    { name: 'first', run: () => new Promise((resolve) => setImmediate(() => resolve(ran.push('first')))) },
    { name: 'second', run: () => ran.push('second') },
  ]);
  shutdown('SIGTERM');
  assert.equal(await exited, EXIT.ok);
  assert.deepEqual(ran, ['first', 'second']);
});

test('a step that fails does not keep the next from running, and shows in the exit code', async () => {
  let closed = false;
  const { shutdown, exited } = begin([
    { name: 'fails', run: () => Promise.reject(new Error('broken')) },
    {
      name: 'store',
      run: () => {
        closed = true;
      },
    },
  ]);
  shutdown('SIGINT');
  assert.equal(await exited, EXIT.failure);
  assert.ok(closed);
});

test('a second signal ends it at once, and only once', async () => {
  let release = () => {};
  const { shutdown, exited, codes } = begin([
    {
      name: 'slow',
      run: () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    },
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
  const { shutdown, exited } = begin([{ name: 'stuck', run: () => new Promise(() => {}) }]);
  shutdown('SIGTERM');
  mock.timers.tick(1_000);
  assert.equal(await exited, EXIT.forced);
  mock.timers.reset();
});
