import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible, assertFits, Dashboard, PHONE, screenshot } from '../../testing/dashboard.ts';
import { differentPeople } from '../../testing/sample-faces.ts';

let dashboard: Dashboard;
let images: { bytes: string }[];

before(async () => {
  images = (await differentPeople()).map((image) => ({ bytes: image.toString('base64') }));
  dashboard = await Dashboard.open({ settings: { VISAGE_REGISTRATION: 'open' } });
});
after(() => dashboard?.stop());
afterEach(() => dashboard.endTest());

const figure = (page: Page, label: string) =>
  page
    .locator('p', { hasText: new RegExp(`^${label}$`) })
    .locator('xpath=following-sibling::p[1]')
    .first();
const card = (page: Page, title: string) =>
  page.locator('section').filter({ has: page.getByRole('heading', { name: title, exact: true }) });

async function waitForFigure(page: Page, label: string, value: string): Promise<void> {
  await figure(page, label).getByText(value, { exact: true }).waitFor();
}

describe('The overview of the appliance', () => {
  test('says that nothing is known before the start, instead of drawing zeros', async () => {
    const page = await dashboard.loggedIn('/');
    await page.getByText(/^Recorded since .*; blank before\.$/).waitFor();
    await card(page, 'Latency of image calls').getByText('No image calls in the last hour').waitFor();
    await card(page, 'Latest events').getByText('No events yet.', { exact: false }).waitFor();
    await page.getByRole('button', { name: 'Show Requests as a table' }).click();
    assert.ok((await card(page, 'Requests').getByRole('row').count()) <= 3);
    await waitForFigure(page, 'Matches', '0');
  });

  test('counts real searches while the page is open, as a chart and as a table', async () => {
    const page = await dashboard.loggedIn('/');
    const { client } = dashboard.service;
    await client.ok('POST', '/v1/collection/create', { json: { collectionId: 'staff' } });
    await client.ok('POST', '/v1/face/enroll', {
      json: { collectionId: 'staff', externalKey: 'anna', image: images[0] },
    });
    for (const person of [0, 0, 0, 4, 5]) {
      await client.ok('POST', '/v1/face/search', { json: { collectionId: 'staff', image: images[person] } });
    }
    await client.call('POST', '/v1/face/search', { json: { collectionId: 'nowhere', image: images[0] } });
    await waitForFigure(page, 'Matches', '3');
    await waitForFigure(page, 'No matches', '2');
    await page.getByText('60% of all comparisons').waitFor();
    assert.notEqual(await figure(page, 'Refusals').textContent(), '0');
    assert.match((await figure(page, 'Median latency').textContent()) ?? '', /^[\d.,]+ (ms|sec|s)$/);
    const results = card(page, 'Matches and no-matches');
    await results.locator('canvas').waitFor();
    const summary = await results.getByRole('img').first().getAttribute('aria-label');
    assert.match(summary ?? '', /^Matches and no-matches\. Matches: highest \d, newest \d\./);
    await results.getByRole('button', { name: /as a table/ }).click();
    const cells = await results.getByRole('row').getByRole('cell').allTextContents();
    const numbers = cells.filter((_, index) => index % 3 === 1).map(Number);
    assert.equal(
      numbers.reduce((sum, value) => sum + value, 0),
      3,
    );
    const stages = card(page, 'Latency by stage');
    assert.match(
      (await stages.getByRole('img').first().getAttribute('aria-label')) ?? '',
      /Embed: highest \d/,
    );
    await card(page, 'Latest events').getByText('anna').first().waitFor();
    await screenshot(page, 'dashboard-overview');
  });

  test('says in words what needs attention, with the remedy', async () => {
    const page = await dashboard.loggedIn('/');
    const notice = card(page, 'Needs attention')
      .getByRole('listitem')
      .filter({ hasText: 'There is no backup.' });
    await notice.getByText('Start one on the System screen', { exact: false }).waitFor();
    await card(page, 'Appliance').getByText('never').waitFor();
    await notice.getByRole('link', { name: 'Open System' }).click();
    await page.getByRole('heading', { level: 1, name: 'System' }).waitFor();
  });

  test('shows a day and a month', async () => {
    const page = await dashboard.loggedIn('/');
    for (const [name, words] of [
      ['Day', 'in the last 24 hours'],
      ['Month', 'in the last 31 days'],
    ] as const) {
      await page.getByRole('radio', { name }).click();
      await page.getByText(words).first().waitFor();
      await waitForFigure(page, 'Matches', '3');
    }
  });

  test('passes axe in both themes as charts and as tables, and fits a phone', async () => {
    const page = await dashboard.loggedIn('/');
    await page.locator('canvas').first().waitFor();
    await assertAccessible(page, 'charts');
    const toTable = page.getByRole('button', { name: /as a table/ });
    while ((await toTable.count()) > 0) await toTable.first().click();
    await assertAccessible(page, 'tables');
    await page.setViewportSize(PHONE);
    await assertFits(page, 'overview on a phone');
    await assertAccessible(page, 'overview on a phone');
  });
});

describe('The overview of an account', () => {
  test('shows a member without rights events and collections, and no error', async () => {
    const account = await dashboard.member('member');
    const page = await dashboard.loggedIn('/', {}, account);
    await waitForFigure(page, 'Matches', '3');
    await waitForFigure(page, 'No matches', '2');
    await waitForFigure(page, 'Enrolments', '1');
    await card(page, 'Latest events').getByText('anna').first().waitFor();
    await card(page, 'Collections').getByText('1 face').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    assert.equal(await page.getByText('Needs attention').count(), 0);
    await assertAccessible(page, 'member');
  });

  test('shows the owner of another account the own usage, and nothing of the appliance', async () => {
    const account = { email: 'ida@example.com', password: 'copper wire of a nanosecond' };
    const response = await fetch(`${dashboard.url}/auth/register-email`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'Ida', ...account }),
    });
    assert.ok(response.ok);
    const page = await dashboard.loggedIn('/', {}, account);
    await page.getByText('No API key has called yet in this period.').waitFor();
    await card(page, 'Latest events').getByText('No events yet.', { exact: false }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    assert.equal(await page.getByText('anna').count(), 0);
  });

  test('shows admins of the first account what the appliance does', async () => {
    const page = await dashboard.loggedIn('/', {}, await dashboard.member('admin'));
    await card(page, 'Appliance').getByText('Vector index in memory').waitFor();
  });
});
