import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import { HistoryRecorder, PERIODS } from '../../src/appliance/history.ts';
import { compared } from '../../src/ops/match-counts.ts';
import { stageTook } from '../../src/ops/stage-times.ts';
import { Store } from '../../src/store/store.ts';
import { SEARCH_RECORD as RECORD } from '../../testing/exposition.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 15, 10, 30);

let now: number;
let queue: number;
let store: Store;
let history: HistoryRecorder;
let folder: string;

function open(): void {
  store = Store.open(folder);
  history = new HistoryRecorder({
    history: store.history,
    queueLength: () => queue,
    memoryBytes: () => 1000,
    diskBytes: () => 2000,
    now: () => now,
    log: pino({ level: 'silent' }),
  });
}

async function close(): Promise<void> {
  await history.close();
  await store.close();
}

beforeEach((t) => {
  folder = temporaryFolder(t as never);
  now = START;
  queue = 0;
  open();
});
afterEach(close);

async function nextMinute(): Promise<void> {
  now += MINUTE;
  await history.flush();
}

describe('The history', () => {
  test('counts requests, errors, refusals, comparisons, latency, stages and the queue of each minute', async () => {
    for (let n = 0; n < 19; n++) history.requestEnded(RECORD);
    history.requestEnded({ ...RECORD, ms: 500 });
    history.requestEnded({ ...RECORD, status: 400, code: 'INVALID_IMAGE', ms: 9000 });
    history.requestEnded({ ...RECORD, status: 503, code: 'OVERLOADED', ms: 9000 });
    history.requestEnded({ ...RECORD, method: 'GET', route: '/v1/collection/get', ms: 9000 });
    compared(true);
    compared(false);
    compared(false);
    stageTook('embed', 10);
    stageTook('embed', 20);
    stageTook('store', 20);
    queue = 5;
    history.sample();
    queue = 1;
    history.sample();
    const [point, ...others] = history.points('hour');
    assert.deepEqual(others, []);
    const { latency, ...rest } = point as NonNullable<typeof point>;
    assert.deepEqual(rest, {
      time: '2026-01-15T10:30:00.000Z',
      requests: 23,
      errors: 1,
      refusals: 1,
      matches: 1,
      noMatches: 2,
      queueLength: 5,
      memoryBytes: 1000,
      diskBytes: 2000,
      stages: { queue: null, decode: null, detect: null, align: null, embed: 15, search: null },
    });
    assert.ok(Math.abs((latency.p50 as number) - 30) <= 3, String(latency.p50));
    assert.ok(Math.abs((latency.p95 as number) - 30) <= 3, String(latency.p95));
    assert.equal(history.errorsOfLastHour(), 1);
  });

  test('does not count health probes and the polling of a dashboard', () => {
    for (const route of [
      '/readyz',
      '/v1/healthz',
      '/v1/system/history',
      '/v1/events/stream',
      '/v1/auth/me',
      null,
    ]) {
      history.requestEnded({ ...RECORD, route });
    }
    assert.equal(history.points('hour')[0]?.requests, 0);
  });

  test('adds minutes to quarters of an hour and days, and goes on after a restart', async () => {
    history.requestEnded(RECORD);
    await nextMinute();
    history.requestEnded({ ...RECORD, ms: 60 });
    await close();
    open();
    history.requestEnded(RECORD);
    const requests = (period: 'hour' | 'day' | 'month') =>
      history.points(period).map((each) => each.requests);
    assert.deepEqual(requests('hour'), [1, 2]);
    assert.deepEqual(requests('day'), [3]);
    assert.deepEqual(requests('month'), [3]);
    assert.equal(history.points('day')[0]?.time, '2026-01-15T10:30:00.000Z');
    assert.equal(history.points('month')[0]?.time, '2026-01-15T00:00:00.000Z');
    now += 15 * MINUTE;
    await history.flush();
    history.requestEnded(RECORD);
    assert.deepEqual(requests('day'), [3, 1]);
    assert.deepEqual(requests('month'), [4]);
  });

  test('stays bounded, also where the clock jumps', async () => {
    for (let minute = 0; minute < 200; minute++) {
      history.requestEnded(RECORD);
      await nextMinute();
    }
    assert.equal(history.points('hour').length, PERIODS.hour.kept);
    assert.equal(history.points('month')[0]?.requests, 200);
    now += 400 * 86_400_000;
    await history.flush();
    await nextMinute();
    now = START;
    await history.flush();
    history.requestEnded(RECORD);
    await history.flush();
    for (const period of ['hour', 'day', 'month'] as const) {
      const points = history.points(period);
      assert.ok(points.length <= PERIODS[period].kept);
      assert.deepEqual(
        points.map(({ time }) => time).sort(),
        points.map(({ time }) => time),
      );
      assert.ok(store.history.list(PERIODS[period].step, 0).length <= PERIODS[period].kept);
    }
    assert.deepEqual(store.check(), []);
  });
});
