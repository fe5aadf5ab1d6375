import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createApiKey } from '../../src/access/keys/api-keys.ts';
import { Store } from '../../src/store/store.ts';
import { temporaryFolder } from '../../testing/temporary-store.ts';

const WORKER = fileURLToPath(new URL('./credits-worker.js', import.meta.url));
const BALANCE = 1_000_000;

test('A kill loses no charge that was told, and charges nothing that was only reserved', async (t) => {
  const folder = temporaryFolder(t);
  let store = Store.open(folder);
  const { accountId } = store.accounts.first();
  const { id } = await createApiKey(store, { accountId, name: 'a', environment: 'live' });
  await store.credits.topUp(accountId, BALANCE);
  let told = 0;
  for (let kill = 1; kill <= 3; kill++) {
    await store.close();
    const worker = spawn(process.execPath, [WORKER, folder, id], { stdio: ['ignore', 'pipe', 'inherit'] });
    const enough = told + 40;
    worker.stdout.on('data', (dots: Buffer) => {
      told += dots.length;
      if (told >= enough) worker.kill('SIGKILL');
    });
    const [, signal] = await once(worker, 'close');
    assert.equal(signal, 'SIGKILL');

    store = Store.open(folder);
    const spent = store.credits.spent(id);
    assert.ok(spent >= told * 10, `${spent} of ${told} told`);
    assert.ok(spent <= (told + 8 * kill) * 10, `${spent} of ${told} told`);
    assert.equal(store.credits.balance(accountId), BALANCE - spent);
    const day = '2026-01-15';
    const query = { from: day, to: day, after: null, limit: 10, scan: 10, includes: () => true };
    const [usage] = (await store.credits.usage(accountId, query)).found;
    assert.deepEqual([usage?.calls, usage?.charged], [spent / 10, spent]);
    assert.deepEqual(store.check(), []);
    store.credits.reserve({ accountId, keyId: id, amount: BALANCE - spent, budget: null, prepaid: true });
  }
  await store.close();
});

test('A reset of what was spent, a top-up and charges at once leave what each of them did', async (t) => {
  const folder = temporaryFolder(t);
  let store = Store.open(folder);
  const { accountId } = store.accounts.first();
  const { id } = await createApiKey(store, { accountId, name: 'a', environment: 'live' });
  await store.credits.topUp(accountId, 1_000);
  const charge = { accountId, keyId: id, amount: 10, budget: null, prepaid: true };
  const time = { day: '2026-01-15', hour: 10 } as const;
  const place = { accountId, environment: 'live', ...time, keyId: id, operation: 'a' } as const;
  const settle = () => {
    store.credits.reserve(charge);
    return store.credits.settle(charge, place, () => {});
  };
  await Promise.all([
    settle(),
    settle(),
    store.credits.resetSpent(id),
    settle(),
    store.credits.topUp(accountId, 5),
  ]);
  const refused = store.credits.settle({ ...charge }, place, () => {
    throw new Error('not any more');
  });
  store.credits.reserve(charge);
  await assert.rejects(refused, /not any more/);
  const told = [store.credits.spent(id), store.credits.balance(accountId)];
  assert.deepEqual(told, [10, 975]);
  await store.close();
  store = Store.open(folder);
  assert.deepEqual([store.credits.spent(id), store.credits.balance(accountId)], told);
  await store.close();
});
