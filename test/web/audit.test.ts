import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertFits, Dashboard, PHONE, screenshot } from '../../testing/dashboard.ts';

const CHANGES = 105;

let dashboard: Dashboard;

before(async () => {
  dashboard = await Dashboard.open();
  const headers = {
    Authorization: `Bearer ${await dashboard.token()}`,
    'Content-Type': 'application/json',
  };
  for (let index = 0; index < CHANGES; index++) {
    const response = await fetch(`${dashboard.url}/v1/collection/create`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ collectionId: `gate-${index}` }),
    });
    assert.ok(response.ok, await response.text());
  }
  await fetch(`${dashboard.url}/v1/collection/reset?collectionId=gate-7`, { method: 'DELETE', headers });
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

describe('The audit log', () => {
  test('tells who did what in words, pages, and filters by act, person and target', async () => {
    const page = await dashboard.loggedIn('/audit');
    await page
      .getByRole('row', { name: /Logged in.*Grace Hopper.*Done/s })
      .first()
      .waitFor();
    await page.getByRole('row', { name: /Reset a collection.*gate-7/s }).waitFor();
    await assertAccessible(page, 'audit');
    await screenshot(page, 'dashboard-audit');
    assert.equal(await page.getByRole('row', { name: /gate-0/ }).count(), 0);
    // A first page without entries does not look like an empty log.
    await page.route('**/v1/audit?limit=100', async (route) => {
      const whole = await (await route.fetch()).json();
      await route.fulfill({ json: { ...whole, entries: [] } });
    });
    await page.reload();
    await page.getByRole('row', { name: /Created a collection.*gate-0/s }).waitFor();
    await page.unroute('**/v1/audit?limit=100');
    await page.reload();
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByRole('row', { name: /Created a collection.*gate-0/s }).waitFor();

    await page.getByRole('button', { name: /^Any What/ }).click();
    await page.getByRole('option', { name: 'Created a collection' }).click();
    await page
      .getByRole('row', { name: /Logged in/ })
      .first()
      .waitFor({ state: 'detached' });
    await page.getByRole('searchbox', { name: 'Id of the target' }).fill('gate-7');
    await page.getByRole('row', { name: /gate-99/ }).waitFor({ state: 'detached' });
    await page.getByRole('row', { name: /Created a collection.*gate-7/s }).waitFor();
    assert.equal(await page.getByRole('row').count(), 2);
    await page.getByRole('button', { name: 'Created a collection' }).last().click();
    const details = page.getByRole('dialog', { name: 'Created a collection' });
    await details.getByText('collection.create').waitFor();
    await details.getByText('127.0.0.1').waitFor();
    await assertAccessible(page, 'an entry');
    await page.keyboard.press('Escape');
    await page.getByRole('searchbox', { name: 'Id of the target' }).fill('nowhere');
    await page.getByRole('heading', { name: 'No entry matches' }).waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).first().click();
    await page.getByRole('row', { name: /Reset a collection/ }).waitFor();
  });

  test('tells a member that the role does not allow this', async () => {
    const page = await dashboard.loggedIn('/audit', {}, await dashboard.member('member'));
    await page.getByRole('heading', { name: 'Your role does not allow this' }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  test('fits a phone', async () => {
    const page = await dashboard.loggedIn('/audit');
    await page.setViewportSize(PHONE);
    await page
      .getByRole('row', { name: /Logged in/ })
      .first()
      .waitFor();
    await assertFits(page, 'audit');
    await assertAccessible(page, 'audit on a phone');
  });
});
