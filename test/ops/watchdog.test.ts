import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { pino } from 'pino';
import { createExecutor } from '../../src/native/executor.ts';
import { createGalleryIndex, openSearchSpace } from '../../src/native/gallery-index.ts';
import { startWatchdog } from '../../src/ops/watchdog.ts';

const log = pino({ level: 'silent' });

test('the watchdog is fed by a job that went through the executor, and not any more when that is closed', async () => {
  const executor = createExecutor({ threads: 1, maxQueue: 1 });
  const index = createGalleryIndex(executor, openSearchSpace(1));
  let pings = 0;
  const pinged = new Promise<void>((resolve) => {
    const end = startWatchdog({
      limitMs: 4,
      executor,
      probe: () => index.remove(new BigInt64Array(0)),
      alive: () => {
        if (++pings < 3) return;
        end();
        resolve();
      },
      log,
    });
  });
  // The timer keeps no process alive, and here nothing else does.
  const awake = setInterval(() => {}, 1_000);
  await pinged;
  clearInterval(awake);
  assert.ok(executor.stats().ended >= 3);
  await executor.close();
});

test('the watchdog goes hungry while the executor is stuck, and is fed where other jobs end before its own', async () => {
  mock.timers.enable({ apis: ['setInterval'] });
  let ended = 0;
  let pings = 0;
  const end = startWatchdog({
    limitMs: 400,
    executor: { stats: () => ({ threads: 1, queued: 9, running: 1, ended }) },
    probe: () => new Promise(() => {}),
    alive: () => pings++,
    log,
  });
  mock.timers.tick(1_000);
  assert.equal(pings, 0);
  ended++;
  mock.timers.tick(100);
  assert.equal(pings, 1);
  mock.timers.tick(1_000);
  assert.equal(pings, 1);
  end();
  mock.timers.reset();
});
