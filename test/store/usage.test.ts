import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { open } from 'lmdb';
import { DurationCounter, NO_DURATIONS } from '../../src/base/durations.ts';
import type { CountedPlace, UsageCounts } from '../../src/store/credits.ts';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

function times(...milliseconds: number[]) {
  const counter = new DurationCounter();
  for (const ms of milliseconds) counter.add(ms);
  return counter.durations;
}

const COUNTS: UsageCounts = { calls: 1, failures: 0, latency: NO_DURATIONS };
const ALL = { after: null, limit: 1000, scan: 1000, includes: () => true } as const;

describe('Usage', () => {
  test('of an earlier version is read and counted on', async (t) => {
    const folder = temporaryFolder(t);
    let store = Store.open(folder);
    const { accountId } = store.accounts.first();
    await store.close();
    const root = open(folder, { noSubdir: false, maxDbs: 64 });
    const old = { calls: 5, charged: 10, environment: 'live' };
    await root.openDB('usage', {}).put([accountId, '2026-01-15', 'key_1', 'searchFace'], old);
    await root.close();
    store = Store.open(folder);
    const day = '2026-01-15';
    const read = async () => (await store.credits.usage(accountId, { ...ALL, from: day, to: day })).found[0];
    const place: CountedPlace = {
      ...{ accountId, day, hour: 10, keyId: 'key_1' },
      ...{ operation: 'searchFace', environment: 'live' },
    };
    assert.deepEqual(await read(), { ...place, hour: null, calls: 5, charged: 10 });
    await store.credits.countCalls([{ ...place, calls: 2, failures: 1, latency: times(3, 5) }]);
    assert.deepEqual(await read(), {
      ...{ ...place, hour: null, calls: 7, failures: 1, latency: times(3, 5), charged: 10 },
    });
    await store.close();
  });

  test('by hour is of one account, in order, and pages go on where the last one ended', async (t) => {
    const store = Store.open(temporaryFolder(t));
    const { accountId } = store.accounts.first();
    const place = (
      day: string,
      hour: number,
      keyId: string,
      account = accountId,
    ): CountedPlace & UsageCounts => ({
      ...{ accountId: account, day, hour, keyId, operation: 'a', environment: 'live', ...COUNTS },
    });
    await store.credits.countCalls([
      place('2026-01-15', 23, 'key_2'),
      place('2026-01-15', 23, 'key_1'),
      place('2026-01-15', 9, 'key_1'),
      place('2026-01-16', 0, 'key_1'),
      place('2026-01-15', 23, 'key_1', 'acc_other'),
      place('2026-01-17', 0, 'key_1'),
    ]);
    const names: string[] = [];
    for (let after = null as never; ; ) {
      const query = { ...ALL, from: '2026-01-15', to: '2026-01-16', after, limit: 1 };
      const { found, next } = await store.credits.usageByHour(accountId, query);
      names.push(...found.map(({ day, hour, keyId }) => `${day} ${hour} ${keyId}`));
      if (next === null) break;
      after = next as never;
    }
    assert.deepEqual(names, [
      '2026-01-15 9 key_1',
      '2026-01-15 23 key_1',
      '2026-01-15 23 key_2',
      '2026-01-16 0 key_1',
    ]);
    await store.close();
  });

  test('by hour is forgotten after its time, and where there are too many records', async (t) => {
    const store = Store.open(temporaryFolder(t));
    const { accountId } = store.accounts.first();
    const days = ['2026-01-01', '2026-02-01'];
    await store.credits.countCalls(
      days.flatMap((day) =>
        Array.from({ length: 1500 }, (_, n) => ({
          ...{ accountId, day, hour: n % 24, keyId: `key_${n}`, operation: 'a' },
          ...{ environment: 'live', ...COUNTS },
        })),
      ) as (CountedPlace & UsageCounts)[],
    );
    const left = async () =>
      (
        await store.credits.usageByHour(accountId, {
          ...ALL,
          from: '2026-01-01',
          to: '2026-02-01',
          limit: 5000,
          scan: 5000,
        })
      ).found;
    assert.equal((await left()).length, 3000);
    await store.credits.trimHours('2026-01-15', 1_000_000);
    assert.deepEqual(new Set((await left()).map(({ day }) => day)), new Set(['2026-02-01']));
    await store.credits.trimHours('2026-01-15', 100);
    const rest = await left();
    assert.equal(rest.length, 100);
    assert.equal(rest.at(-1)?.hour, 23);
    await store.close();
  });
});
