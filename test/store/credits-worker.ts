import { writeSync } from 'node:fs';
import { Store } from '../../src/store/store.ts';

const [folder = '', keyId = ''] = process.argv.slice(2);
const store = Store.open(folder);
const { accountId } = store.accounts.first();

async function spend(): Promise<never> {
  for (;;) {
    const charge = { accountId, keyId, amount: 10, budget: 1e9, prepaid: true };
    store.credits.reserve(charge);
    const place = {
      accountId,
      environment: 'live',
      day: '2026-01-15',
      hour: 10,
      keyId,
      operation: 'a',
    } as const;
    await store.credits.settle(charge, place, () => {});
    writeSync(1, '.');
  }
}

store.credits.reserve({ accountId, keyId, amount: 500_000, budget: 1e9, prepaid: true });
await Promise.all(Array.from({ length: 8 }, spend));
