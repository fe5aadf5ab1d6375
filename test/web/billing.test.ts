import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertFits, Dashboard, PHONE, screenshot } from '../../testing/dashboard.ts';

const CALLS = 5;

let dashboard: Dashboard;
const folder = mkdtempSync(join(tmpdir(), 'visage-prices-'));

before(async () => {
  const file = join(folder, 'visage.toml');
  writeFileSync(file, 'account_balance = "prepaid"\n[prices]\ngetAllCollections = 0.5\n');
  dashboard = await Dashboard.open({ settings: { VISAGE_CONFIG: file } });
});
after(async () => {
  await dashboard?.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => dashboard.endTest());

async function callAs(key: string, path: string): Promise<number> {
  return (await fetch(dashboard.url + path, { headers: { Authorization: `ApiKey ${key}` } })).status;
}

describe('Billing', () => {
  test('tops up the balance, and shows charges, failures and latency of the calls', async () => {
    const page = await dashboard.loggedIn('/billing');
    const { key } = await dashboard.post('/v1/auth/api-keys', { name: 'gate' });
    assert.equal(await callAs(key, '/v1/collection/get-all'), 402);
    await page.getByText('The balance is used up').waitFor();
    await page.getByRole('button', { name: 'Top up' }).click();
    await page.getByLabel('Amount').fill('ten');
    await page.getByText('Expected an amount above 0').waitFor();
    await page.getByLabel('Amount').fill('10.50');
    await assertAccessible(page, 'a top-up');
    await page.getByRole('button', { name: /^Add \D*10\.50/ }).click();
    await page.getByText('The balance is used up').waitFor({ state: 'detached' });
    assert.equal((await dashboard.get('/v1/billing/balance')).balance_usd, 10.5);

    for (let index = 0; index < CALLS; index++) {
      assert.equal(await callAs(key, '/v1/collection/get-all'), 200);
    }
    assert.equal(await callAs(key, '/v1/collection/get?collectionId=nowhere'), 404);
    await page.reload();
    await page.getByText(/^\D*8\.00$/).waitFor();
    const row = page.getByRole('row', { name: /getAllCollections.*gate/s });
    assert.match(await row.innerText(), /gate\s+5\s+1\s+[\d.]+ ms\s+[\d.]+ ms\s+\D*2\.50/);
    assert.match(await page.getByRole('row', { name: /getCollection/ }).innerText(), /gate\s+0\s+1\s/);
    await page.getByRole('radio', { name: '24 hours' }).click();
    await row.waitFor();
    await page.getByRole('img', { name: /^Latency/ }).waitFor();
    await screenshot(page, 'dashboard-billing');
    await assertAccessible(page, 'billing');
  });

  test('lets only owners top up', async () => {
    const page = await dashboard.loggedIn('/billing', {}, await dashboard.member('admin'));
    await page.getByRole('heading', { name: 'Billing' }).waitFor();
    await page.getByText('prepaid credit left').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Top up' }).count(), 0);
  });

  test('tells a member that the role does not allow this', async () => {
    const page = await dashboard.loggedIn('/billing', {}, await dashboard.member('member'));
    await page.getByRole('heading', { name: 'Your role does not allow this' }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  test('fits a phone', async () => {
    const page = await dashboard.loggedIn('/billing');
    await page.setViewportSize(PHONE);
    await page.getByRole('row', { name: /getAllCollections/ }).waitFor();
    await assertFits(page, 'billing');
    await assertAccessible(page, 'billing on a phone');
  });
});
